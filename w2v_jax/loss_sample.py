"""The logged loss: nats per pair over a fixed sample of blocks.

The sample is chosen by position, with windows and noise of its own drawn once, so
that two numbers of a log differ only by what training did in between. It is measured
outside the training step, whose own loss is dead code, hidden vector by hidden vector
in float32, and summed in float64 on the host, however many pairs there are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

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
# Words kept, and steps of early blocks, rounded up: so that the samples of most seeds
# have one shape and share a compiled program. The sample spreads by some 60 words.
_ROUND_WORDS, _ROUND_STEPS = 1024, 64


Scores = tuple[jax.Array, jax.Array]  # loss sum in nats, pair weights


class Blocks(NamedTuple):
    """The sample: its words in order, and where its blocks are.

    Attributes:
      padded: the sampled words, of `pad_chunk`.
      share: [], centres of each stream.
      starts: int32 [B, steps + 1], where blocks begin; those at the end may be empty.
      random: the key of the noise, or the noise itself with a leading axis of steps.
    """

    padded: tuple[Any, ...]
    share: Any
    starts: Any
    random: Any


class LossSample(NamedTuple):
    """The fixed blocks and the compiled function that scores them.

    Attributes:
      measure: (tables, constants, blocks) -> (loss sums, pair weights), float32 of one
        shape, an entry for each hidden vector. Seeds whose samples are of one shape
        share its compiled program.
      blocks: the sample, its random part a key.
    """

    measure: Callable[[Tables, Constants, Any], Scores]
    blocks: Any

    def compiled(self, tables: Tables, constants: Constants) -> "LossSample":
        """The same, compiled for arguments like these."""
        jitted: Any = self.measure
        lowered = jitted.lower(tables, constants, self.blocks)
        return self._replace(measure=lowered.compile())

    def mean(self, tables: Tables, constants: Constants) -> float | None:
        """Nats per pair; None where the sample holds no pair at all."""
        sums, weights = self.measure(tables, constants, self.blocks)
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
    blocks, room = choose(model, sampler, constants)

    def measure(tables: Tables, constants: Constants, blocks: Blocks) -> Scores:
        steps = blocks.starts.shape[1] - 1
        draws = model.objective.draw(constants, model.config, blocks.random, steps)
        drawn = blocks._replace(random=draws)
        return score(model, tables, constants, drawn, room)

    return LossSample(jax.jit(measure), blocks)


def choose(model: Model, sampler: Sampler, constants: Constants) -> tuple[Blocks, int]:
    """(the sample of a corpus, its random part a key; slots of a stream of it)."""
    config = model.config
    size, streams, window = config.block, config.streams, config.window
    chunk = sampled_words(sampler)
    count = _up(len(chunk.tokens), _ROUND_WORDS)
    starts = early_starts(model, constants, chunk, streams)
    if starts is None:
        share = -(-len(chunk.tokens) // streams)
        most = -(-count // streams)
        steps = -(-most // size)
        starts = np.minimum(np.arange(steps + 1, dtype=np.int32) * size, share)
        starts = np.tile(starts, (streams, 1))
    else:
        share = int(starts[0, -1])
        starts = longer(starts.T, _up(len(starts.T) - 1, _ROUND_STEPS) + 1, share).T
    room = stream_room(count, streams, size, window)
    padded = pad_chunk(chunk, count + streams + room, window, True)
    key = jax.random.fold_in(jax.random.key(config.seed), 2**31)
    return Blocks(padded, np.int32(share), starts, key), room


def score(
    model: Model, tables: Tables, constants: Constants, blocks: Blocks, room: int
) -> Scores:
    """The losses of a sample whose random part is drawn, and the weights."""
    config = model.config
    size, streams, window = config.block, config.streams, config.window
    firsts = [blocks.share * b for b in range(streams)]
    laid = lay_streams(blocks.padded, firsts, blocks.share, room, window)

    def one(_: None, inputs: tuple[Any, Any, Draw]) -> tuple[None, Scores]:
        begin, stop, draw = inputs
        block = cut_blocks(laid, begin, size, window, stop)
        return None, hidden_values(model, tables, block, draw, constants)

    bounds = blocks.starts.T
    return jax.lax.scan(one, None, (bounds[:-1], bounds[1:], blocks.random))[1]


def longer(rows: npt.NDArray[Any], count: int, fill: Any) -> npt.NDArray[Any]:
    """So many rows, those that are missing filled up."""
    missing = [(0, count - len(rows))] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(rows, missing, constant_values=fill)


def _up(number: int, unit: int) -> int:
    """The next multiple of the unit."""
    return -(-number // unit) * unit


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
