"""The logged loss: nats per pair over a fixed sample of blocks.

The sample is chosen by position, with windows and noise of its own drawn once, so
that two numbers of a log differ only by what training did in between. It is measured
outside the training step, whose own loss is dead code, hidden vector by hidden vector
in float32, and summed in float64 on the host, however many pairs there are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import rowwise
from w2v_jax.architectures import Pairs
from w2v_jax.blocks import (
    Block,
    Chunk,
    Sampler,
    cut_blocks,
    lay_streams,
    pad_chunk,
    stream_room,
)
from w2v_jax.chunk_loop import early_starts
from w2v_jax.objectives import Constants, Draw, Tables
from w2v_jax.step import Model

_PLACES = 64  # ranges of the corpus, evenly spread
_WORDS = 256  # positions of each range
_EPOCH = 2**63  # no epoch of training has this number, so its draws are not reused


Scores = tuple[jax.Array, jax.Array]  # loss sum in nats, pair weights


class LossSample(NamedTuple):
    """The fixed blocks and the compiled function that scores them.

    Attributes:
      measure: (tables, constants) -> (loss sums, pair weights), float32 of one shape,
        an entry for each hidden vector.
    """

    measure: Callable[[Tables, Constants], tuple[jax.Array, jax.Array]]

    def compiled(self, tables: Tables, constants: Constants) -> "LossSample":
        """The same, compiled for arguments like these."""
        jitted: Any = self.measure
        return LossSample(jitted.lower(tables, constants).compile())

    def mean(self, tables: Tables, constants: Constants) -> float | None:
        """Nats per pair; None where the sample holds no pair at all."""
        sums, weights = self.measure(tables, constants)
        pairs = np.asarray(weights, np.float64).sum()
        return float(np.asarray(sums, np.float64).sum() / pairs) if pairs else None


def block_value(
    model: Model, tables: Tables, block: Block, draw: Draw, constants: Constants
) -> tuple[jax.Array, jax.Array]:
    """(block loss in nats [], its pair weights [])."""
    loss, pairs = _loss_of_pairs(model, tables, block, draw, constants)
    return loss(pairs), pairs.weights.sum()


def hidden_values(
    model: Model, tables: Tables, block: Block, draw: Draw, constants: Constants
) -> tuple[jax.Array, jax.Array]:
    """(loss of each hidden vector's pairs in nats [B, N], their weights [B, N]).

    A block's loss is linear in M, so that M o dloss/dM holds the losses of its pairs.
    A sum of thousands of them in float32 can be wrong in the sixth digit; these have
    as many as a window holds, and are added up in float64 afterwards.
    """
    exact = model._replace(config=model.config.replace(gradient="exact"))
    loss, pairs = _loss_of_pairs(exact, tables, block, draw, constants)
    each = jax.grad(loss)(pairs).weights
    return Pairs(each * pairs.weights).per_hidden(), pairs.per_hidden()


def _loss_of_pairs(
    model: Model, tables: Tables, block: Block, draw: Draw, constants: Constants
) -> tuple[Callable[[Pairs], jax.Array], Pairs]:
    """The block loss as a function of M, and M."""
    config, architecture, objective = model.config, model.architecture, model.objective
    input_ids = architecture.input_ids(block)
    targets = architecture.target_ids(block)
    pairs = architecture.pairs(block)
    ids = objective.rows and objective.rows(constants, targets, draw)
    outputs = {name: table for name, table in tables.items() if name != "input"}
    if ids is not None:
        outputs = {name: rowwise.gather(outputs[name], ids[name]) for name in ids}
    hidden = architecture.hidden(rowwise.gather(tables["input"], input_ids), block)

    def loss(pairs: Pairs) -> jax.Array:
        return objective.block_loss(
            hidden, outputs, pairs, targets, draw, constants, config
        )

    return loss, pairs


def make_loss_sample(
    model: Model, sampler: Sampler, constants: Constants
) -> LossSample:
    """Chooses the sample of a corpus and prepares its evaluation."""
    config = model.config
    size, streams, window = config.block, config.streams, config.window
    chunk = sampled_words(sampler)
    share = -(-len(chunk.tokens) // streams)
    starts = early_starts(model, constants, chunk, streams)
    if starts is None:
        whole = np.arange(0, share + size, size, dtype=np.int32)
        starts = np.tile(np.minimum(whole, share), (streams, 1))
    steps = starts.shape[1] - 1
    room = stream_room(len(chunk.tokens), streams, size, window)
    padded = pad_chunk(chunk, len(chunk.tokens) + streams + room, window, True)
    firsts = [jnp.int32(b * share) for b in range(streams)]

    def measure(tables: Tables, constants: Constants) -> tuple[jax.Array, jax.Array]:
        flats = tuple(jnp.asarray(flat) for flat in padded)
        laid = lay_streams(flats, firsts, jnp.int32(share), room, window)
        key = jax.random.fold_in(jax.random.key(config.seed), 2**31)
        draws = model.objective.draw(constants, config, key, steps)

        def one(
            _: None, inputs: tuple[tuple[jax.Array, jax.Array], Draw]
        ) -> tuple[None, Scores]:
            (begin, stop), draw = inputs
            block = cut_blocks(laid, begin, size, window, stop)
            return None, hidden_values(model, tables, block, draw, constants)

        bounds = jnp.asarray(starts.T)
        return jax.lax.scan(one, None, ((bounds[:-1], bounds[1:]), draws))[1]

    return LossSample(jax.jit(measure))


def sampled_words(sampler: Sampler) -> Chunk:
    """Ranges evenly spread over the corpus, each a sentence of its own or several."""
    size = len(sampler.ids)
    begins = np.unique(np.linspace(0, max(size - _WORDS, 0), _PLACES).astype(int))
    parts = [sampler.chunk(_EPOCH, begin, begin + _WORDS) for begin in begins.tolist()]
    lines, line = [], 0
    for part in parts:
        count = len(part.tokens)
        inner = np.zeros(count, np.int32) if part.sentences is None else part.sentences
        lines.append(inner + line)
        line += int(inner.max(initial=0)) + 1
    return Chunk(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.reach for part in parts]),
        np.concatenate(lines).astype(np.int32),
        sum(part.raw_words for part in parts),
    )
