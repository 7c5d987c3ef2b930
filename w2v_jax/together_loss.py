"""The logged loss of cells that train together: each one's own sample, one program.

Blocks and noise of each cell are those of `loss_sample`. A sample that is shorter than
the longest ends in blocks without pairs, which weigh nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from w2v_jax.blocks import (
    Chunk,
    Sampler,
    cut_blocks,
    lay_streams,
    pad_chunk,
    stream_room,
)
from w2v_jax.chunk_loop import early_starts
from w2v_jax.loss_sample import Scores, hidden_values, sampled_words
from w2v_jax.objectives import Constants, Draw, Tables
from w2v_jax.step import Model
from w2v_jax.together import stacked, traced

Numbers = dict[str, jax.Array]


class Blocks(NamedTuple):
    """The sample of one cell, or with a leading axis [G] those of all.

    Attributes:
      padded: the sampled words, of `pad_chunk`.
      share: [], centres of each stream.
      starts: int32 [B, steps + 1], where blocks begin.
      draws: the objective's random part, with a leading axis of steps.
    """

    padded: tuple[Any, ...]
    share: Any
    starts: Any
    draws: Draw


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
        config = models[0].config
        size, streams, window = config.block, config.streams, config.window
        chunks = [sampled_words(sampler) for sampler in samplers]
        each = list(zip(models, constants, chunks, strict=True))
        starts = [_starts(*of_cell) for of_cell in each]
        steps = max(begins.shape[1] for begins in starts) - 1
        most = max(len(chunk.tokens) for chunk in chunks)
        room = stream_room(most, streams, size, window)
        length = most + streams + room
        self.blocks: Blocks = stacked(
            [
                Blocks(
                    pad_chunk(chunk, length, window, True),
                    np.asarray(begins[0, -1]),
                    _longer(begins.T, steps + 1, begins[0, -1]).T,
                    _draws(model, own, begins.shape[1] - 1, steps),
                )
                for (model, own, chunk), begins in zip(each, starts, strict=True)
            ]
        )

        def measure(
            tables: Tables, constants: Constants, numbers: Numbers, blocks: Blocks
        ) -> Scores:
            share, own = blocks.share, traced(models[0], numbers)
            firsts = [share * b for b in range(streams)]
            laid = lay_streams(blocks.padded, firsts, share, room, window)

            def one(_: None, inputs: tuple[Any, Any, Draw]) -> tuple[None, Scores]:
                begin, stop, draw = inputs
                block = cut_blocks(laid, begin, size, window, stop)
                return None, hidden_values(own, tables, block, draw, constants)

            begins = blocks.starts.T
            return jax.lax.scan(one, None, (begins[:-1], begins[1:], blocks.draws))[1]

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


def _starts(model: Model, constants: Constants, chunk: Chunk) -> npt.NDArray[np.int32]:
    """int32 [B, steps + 1]: where blocks begin; at last the share of a stream."""
    size, streams = model.config.block, model.config.streams
    starts = early_starts(model, constants, chunk, streams)
    if starts is not None:
        return starts
    share = -(-len(chunk.tokens) // streams)
    whole = np.arange(0, share + size, size, dtype=np.int32)
    return np.tile(np.minimum(whole, share), (streams, 1))


def _draws(model: Model, constants: Constants, steps: int, room: int) -> Draw:
    """The random part of a cell's own steps, and zeros after them."""
    key = jax.random.fold_in(jax.random.key(model.config.seed), 2**31)
    draws = model.objective.draw(constants, model.config, key, steps)
    return jax.tree.map(lambda drawn: _longer(np.asarray(drawn), room, 0), draws)


def _longer(rows: npt.NDArray[Any], count: int, fill: Any) -> npt.NDArray[Any]:
    """So many rows, those that are missing filled up."""
    missing = [(0, count - len(rows))] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(rows, missing, constant_values=fill)
