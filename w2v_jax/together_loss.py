"""The logged loss of cells that train together: each one's own sample, one program.

Blocks and noise of each cell are those of `loss_sample`. A sample that is shorter than
the longest ends in blocks without pairs, which weigh nothing.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from w2v_jax.blocks import EMPTY, Sampler
from w2v_jax.loss_sample import Blocks, Scores, choose, longer, score
from w2v_jax.objectives import Constants, Draw, Tables
from w2v_jax.step import Model
from w2v_jax.together import stacked, traced

Numbers = dict[str, jax.Array]


class TogetherLoss:
    """Nats per pair of every cell over its fixed sample of blocks.

    Args:
      models: of each cell.
      samplers: of each cell.
      constants: of each cell, as its objective made them.
      axes: of `together.common`.
    """

    def __init__(
        self,
        models: Sequence[Model],
        samplers: Sequence[Sampler],
        constants: Sequence[Constants],
        axes: Any,
    ) -> None:
        each = list(zip(models, samplers, constants, strict=True))
        chosen = [choose(*of_cell) for of_cell in each]
        room = max(room for _, room in chosen)
        length = max(blocks.padded[0].size for blocks, _ in chosen)
        steps = max(blocks.starts.shape[1] for blocks, _ in chosen) - 1
        self.blocks: Blocks = stacked(
            [
                Blocks(
                    _padded(blocks, length),
                    blocks.share,
                    longer(blocks.starts.T, steps + 1, blocks.share).T,
                    _draws(model, own, blocks, steps),
                )
                for (model, _, own), (blocks, _) in zip(each, chosen, strict=True)
            ]
        )

        def measure(
            tables: Tables, constants: Constants, numbers: Numbers, blocks: Blocks
        ) -> Scores:
            return score(traced(models[0], numbers), tables, constants, blocks, room)

        self._measure: Any = jax.jit(jax.vmap(measure, (0, axes, 0, 0)))

    def compile(self, tables: Tables, constants: Constants, numbers: Numbers) -> None:
        """Compiles for arguments like these."""
        lowered = self._measure.lower(tables, constants, numbers, self.blocks)
        self._measure = lowered.compile()

    def means(
        self, tables: Tables, constants: Constants, numbers: Numbers
    ) -> list[float | None]:
        """Nats per pair of each cell; None where its sample holds no pair at all."""
        found = self._measure(tables, constants, numbers, self.blocks)
        sums, pairs = (np.asarray(one, np.float64).sum((1, 2, 3)) for one in found)
        return [
            float(loss / count) if count else None
            for loss, count in zip(sums, pairs, strict=True)
        ]


def _padded(blocks: Blocks, length: int) -> tuple[npt.NDArray[np.int32], ...]:
    """The words of a sample with as many slots as the longest has."""
    tokens, *rest = blocks.padded
    return longer(tokens, length, EMPTY), *(longer(one, length, 0) for one in rest)


def _draws(model: Model, constants: Constants, blocks: Blocks, steps: int) -> Draw:
    """The random part of a cell's own steps, and zeros after them."""
    own = blocks.starts.shape[1] - 1
    draws = model.objective.draw(constants, model.config, blocks.random, own)
    return jax.tree.map(lambda drawn: longer(np.asarray(drawn), steps, 0), draws)
