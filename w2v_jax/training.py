"""Training as an iterator: (corpus, vocabulary, config) -> states and metrics.

The host samples a chunk while the devices train on the one before. At the end of a
chunk all replicas hold the same tables. Every `settle_every` chunks the host waits for
them; there the loss is measured, and there a checkpoint may be taken: nothing that
depends on the clock touches the bits.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax import rowwise
from w2v_jax.blocks import (
    Chunk,
    Sampler,
    keep_thresholds,
    pad_chunk,
    stream_room,
)
from w2v_jax.chunk_loop import Feed, early_starts
from w2v_jax.config import ResolvedConfig
from w2v_jax.engines import chunk_sampler, make_engine
from w2v_jax.loss_sample import LossSample, make_loss_sample
from w2v_jax.objectives import Constants
from w2v_jax.step import Model, TrainState, get_model
from w2v_jax.vocabulary import Vocabulary, keep_probabilities


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a run stands; plain integers, so that no count ever overflows.

    Attributes:
      epoch: passes finished or under way, from 0.
      chunk: chunks of this epoch done.
      raw_words: tokens read so far over all epochs.
      kept_tokens: those left after min_count and subsampling.
      step: training steps of each replica.
    """

    epoch: int = 0
    chunk: int = 0
    raw_words: int = 0
    kept_tokens: int = 0
    step: int = 0

    @classmethod
    def from_dict(cls, values: Any) -> "Position":
        """The position that `dataclasses.asdict` gave.

        Raises:
          ValueError: other names, or a value that is no count.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, dict) or sorted(values) != sorted(names):
            raise ValueError(f"a position has the fields {', '.join(names)}")
        for name, value in values.items():
            if type(value) is not int or value < 0:
                raise ValueError(f"{name} must be a whole number from 0 up")
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What is known at a settled point.

    Attributes:
      position: where the run stands.
      loss: nats per pair, mean over the fixed sample of blocks; None without pairs.
      finite: whether the loss and every number of the tables are.
      learning_rate: of the next step.
      seconds: of training in this process, compilation left out.
    """

    position: Position
    loss: float | None
    finite: bool
    learning_rate: float
    seconds: float


def initial_tables(
    model: Model, vocabulary: Vocabulary
) -> tuple[TrainState, Constants]:
    """Tables before the first step, and what the objective needs beside them.

    Input vectors are uniform in [-1/2D, 1/2D), output vectors zero, as in word2vec.c.
    """
    config = model.config
    outputs, constants = model.objective.init(vocabulary, config)
    shape = (len(vocabulary), config.dim)
    key = jax.random.key(config.seed)
    drawn = jax.random.uniform(key, shape, jnp.float32, -0.5, 0.5) / config.dim
    tables = {"input": drawn, **outputs}
    states = {name: rowwise.init(model.optimizer, t) for name, t in tables.items()}
    return TrainState(tables, states), constants


class Trainer:
    """A compiled model over one corpus: the functions of a run, no hidden state.

    Attributes:
      config: resolved.
      total_words: raw words of the whole schedule, all epochs.
      sample_seconds: what compiling the logged loss has taken, once it has.
    """

    def __init__(
        self, ids: npt.NDArray[np.int32], vocabulary: Vocabulary, config: ResolvedConfig
    ) -> None:
        self.config = config
        self.ids = ids
        self.vocabulary = vocabulary
        self.model = get_model(config)
        total = int(vocabulary.counts.sum())
        keep = keep_probabilities(
            vocabulary.counts, config.subsample, config.subsample_formula, total
        )
        self.sampler = Sampler(
            ids,
            keep_thresholds(keep),
            config.seed,
            config.window,
            config.dynamic_window,
        )
        self.epoch_words = int(np.count_nonzero(ids >= 0))
        self.total_words = self.epoch_words * config.epochs
        self.chunks = -(-len(ids) // config.chunk)
        self.has_sentences = self.epoch_words < len(ids)
        self.capacity = min(config.chunk, len(ids))
        self.engine: Any = make_engine(self.model, self.capacity)
        self._sample_chunk = chunk_sampler(config.kernel)
        self._sample: LossSample | None = None
        self.sample_seconds = 0.0

    def start(self) -> tuple[Any, Constants]:
        """The state before the first step, on every replica, and the constants."""
        state, constants = initial_tables(self.model, self.vocabulary)
        return self.engine.place(state), constants

    def place(self, state: TrainState) -> Any:
        """A host's state, of `host` or of a checkpoint, on every replica."""
        return self.engine.place(state)

    def host(self, state: Any) -> TrainState:
        """The state that all replicas hold, as NumPy arrays."""
        host: TrainState = self.engine.host(state)
        return host

    def rate(self, raw_words: int) -> float:
        """The learning rate after so many raw words: linear over all epochs."""
        config = self.config
        left = max(1.0 - raw_words / self.total_words, config.final_rate_fraction)
        return config.learning_rate * left

    def chunk(self, epoch: int, number: int) -> Chunk:
        """The kept tokens of one chunk, a function of (seed, epoch, number)."""
        start = number * self.config.chunk
        return self._sample_chunk(self.sampler, epoch, start, start + self.config.chunk)

    def dispatch(
        self, state: Any, constants: Constants, position: Position
    ) -> tuple[Any, Position, Any]:
        """Trains on the next chunk; returns before the devices have finished.

        Returns:
          (state, position after the chunk, an array that is ready when the chunk is).
        """
        feed, after = self.upcoming(constants, position)
        state, done = self.engine.run(state, constants, feed)
        return state, after, done

    def upcoming(
        self, constants: Constants, position: Position
    ) -> tuple[Feed, Position]:
        """The next chunk as the devices take it, and the position after it."""
        chunk = self.chunk(position.epoch, position.chunk)
        after = position.raw_words + chunk.raw_words
        rates = np.array([self.rate(position.raw_words), self.rate(after)], np.float32)
        key = jax.random.fold_in(
            jax.random.fold_in(jax.random.key(self.config.seed), position.epoch),
            position.chunk,
        )
        feed = self.feed(chunk, constants, rates, key)
        last = position.chunk + 1 == self.chunks
        return feed, Position(
            position.epoch + int(last),
            0 if last else position.chunk + 1,
            after,
            position.kept_tokens + len(chunk.tokens),
            position.step + int(feed.steps),
        )

    def feed(
        self,
        chunk: Chunk,
        constants: Constants,
        rates: npt.NDArray[np.float32],
        key: jax.Array,
    ) -> Feed:
        """The chunk in the one shape that the step is traced for."""
        config = self.config
        streams = config.replicas * config.streams
        stream = stream_room(self.capacity, streams, config.block, config.window)
        room = self.capacity + streams + stream
        padded = pad_chunk(chunk, room, config.window, self.has_sentences)
        count = len(chunk.tokens)
        share = -(-count // streams)
        steps = -(-share // config.block)
        starts = early_starts(self.model, constants, chunk, streams)
        if starts is not None:
            steps = starts.shape[1] - 1
            wide = -(-self.capacity // streams) + 1 - steps
            starts = np.pad(starts, ((0, 0), (0, wide)), constant_values=share)
        whole: Any = (padded, np.int32(count), np.int32(steps), starts, rates, key)
        return Feed(*whole)

    def measure(self, state: Any, constants: Constants) -> tuple[float | None, bool]:
        """(nats per pair over the fixed sample, whether all numbers are finite)."""
        local = self.engine.local(state)
        if self._sample is None:
            begun = time.perf_counter()
            sample = make_loss_sample(self.model, self.sampler, constants)
            self._sample = sample.compiled(local, constants)
            self.sample_seconds = time.perf_counter() - begun
        loss = self._sample.mean(local, constants)
        finite = all(bool(_all_finite(table)) for table in local.values())
        return loss, finite and (loss is None or math.isfinite(loss))

    def compile(self, state: Any, constants: Constants) -> float:
        """Compiles the step without running it; returns the seconds it took."""
        begun = time.perf_counter()
        nothing = np.zeros(0, np.int32)
        chunk, rates = Chunk(nothing, nothing, None, 0), np.zeros(2, np.float32)
        feed = self.feed(chunk, constants, rates, jax.random.key(0))
        self.engine.compile(state, constants, feed)
        return time.perf_counter() - begun


@jax.jit
def _all_finite(table: jax.Array) -> jax.Array:
    # 0 x infinity is NaN; sums run at the speed of memory, a reduction by all does not.
    return jnp.isfinite((table * 0.0).sum(0)).all()


def train(
    trainer: Trainer,
    state: Any,
    constants: Constants,
    position: Position,
    report: Callable[[Position], None] | None = None,
) -> Iterator[tuple[Any, Metrics]]:
    """Yields (state, metrics) at every settled point and at the end.

    The state yielded must be read before the next item is asked for: its buffers are
    then reused.

    Args:
      trainer: the compiled model.
      state: of `Trainer.start` or of a checkpoint.
      constants: of the objective.
      position: where to go on.
      report: called after each chunk, for progress.
    """
    config = trainer.config
    seconds = 0.0
    begun = time.perf_counter()
    since = position.epoch * trainer.chunks + position.chunk
    ahead: list[tuple[Any, Position]] = []
    while position.epoch < config.epochs:
        state, position, done = trainer.dispatch(state, constants, position)
        ahead.append((done, position))
        since += 1
        finished = position.epoch == config.epochs
        if since % config.settle_every and not finished:
            if len(ahead) > 1:  # sample one chunk ahead of the devices, no more
                done, reached = ahead.pop(0)
                done.block_until_ready()
                if report is not None:
                    report(reached)
            continue
        ahead.clear()
        jax.block_until_ready(state)
        seconds += time.perf_counter() - begun
        if report is not None:
            report(position)
        loss, finite = trainer.measure(state, constants)
        rate = trainer.rate(position.raw_words)
        yield state, Metrics(position, loss, finite, rate, seconds)
        begun = time.perf_counter()
