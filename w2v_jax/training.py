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

from w2v_jax import device_sampling
from w2v_jax.blocks import Chunk, Sampler, chunk_room, keep_thresholds, pad_chunk
from w2v_jax.chunk_loop import Feed, early_starts, steps_of
from w2v_jax.config import ResolvedConfig
from w2v_jax.engines import chunk_sampler, make_engine
from w2v_jax.loss_sample import LossSample, make_loss_sample
from w2v_jax.objectives import Constants
from w2v_jax.position import Metrics, Position
from w2v_jax.step import TrainState, get_model, initial_tables
from w2v_jax.vocabulary import Vocabulary, keep_probabilities


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
          Where the devices sample, `counted` makes the position complete.
        """
        feed: Any
        if self.samples_there(constants):
            feed, after = self.unsampled(position)
        else:
            feed, after = self.upcoming(constants, position)
        state, done = self.engine.run(state, constants, feed)
        return state, after, done

    def samples_there(self, constants: Constants) -> bool:
        """Whether the devices sample chunks: they can, and no block ends early."""
        there: bool = self.engine.samples
        return there and self.model.objective.budget(constants) is None

    def counted(
        self, constants: Constants, position: Position, done: list[Any]
    ) -> Position:
        """The position with what the chunks behind it have kept, once they are done.

        Args:
          constants: of the objective.
          position: of the last `dispatch`.
          done: what each `dispatch` since the last count returned beside it.
        """
        if not self.samples_there(constants):
            return position
        kept = [int(np.asarray(lengths)[0]) for lengths in done]
        return dataclasses.replace(
            position,
            kept_tokens=position.kept_tokens + sum(kept),
            step=position.step + sum(steps_of(self.config, n) for n in kept),
        )

    def unsampled(
        self, position: Position
    ) -> tuple[device_sampling.Unsampled, Position]:
        """The next chunk as it stands in the text, and the position after it.

        What it keeps is not counted in that position.
        """
        start = position.chunk * self.config.chunk
        piece, raw_words = device_sampling.text_piece(self.ids, start, self.capacity)
        after = self._after(position, raw_words)
        feed = device_sampling.unsampled(
            self.sampler,
            (position.epoch, start),
            piece,
            self._rates(position, after),
            self._key(position),
            self.has_sentences,
        )
        return feed, after

    def _after(self, position: Position, raw_words: int) -> Position:
        last = position.chunk + 1 == self.chunks
        return dataclasses.replace(
            position,
            epoch=position.epoch + int(last),
            chunk=0 if last else position.chunk + 1,
            raw_words=position.raw_words + raw_words,
        )

    def _rates(self, before: Position, after: Position) -> npt.NDArray[np.float32]:
        ends = before.raw_words, after.raw_words
        return np.array([self.rate(words) for words in ends], np.float32)

    def _key(self, position: Position) -> jax.Array:
        key = jax.random.fold_in(jax.random.key(self.config.seed), position.epoch)
        return jax.random.fold_in(key, position.chunk)

    def upcoming(
        self, constants: Constants, position: Position
    ) -> tuple[Feed, Position]:
        """The next chunk as the devices take it, and the position after it."""
        chunk = self.chunk(position.epoch, position.chunk)
        after = self._after(position, chunk.raw_words)
        rates = self._rates(position, after)
        feed = self.feed(chunk, constants, rates, self._key(position))
        return feed, dataclasses.replace(
            after,
            kept_tokens=position.kept_tokens + len(chunk.tokens),
            step=position.step + int(feed.steps),
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
        room = chunk_room(self.capacity, streams, config.block, config.window)
        padded = pad_chunk(chunk, room, config.window, self.has_sentences)
        count = len(chunk.tokens)
        share = -(-count // streams)
        steps = steps_of(config, count)
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
        feed: Any
        if self.samples_there(constants):
            feed, _ = self.unsampled(Position())
        else:
            nothing, rates = np.zeros(0, np.int32), np.zeros(2, np.float32)
            chunk = Chunk(nothing, nothing, None, 0)
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
    uncounted: list[Any] = []
    while position.epoch < config.epochs:
        state, position, done = trainer.dispatch(state, constants, position)
        ahead.append((done, position))
        uncounted.append(done)
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
        position = trainer.counted(constants, position, uncounted)
        uncounted.clear()
        seconds += time.perf_counter() - begun
        if report is not None:
            report(position)
        loss, finite = trainer.measure(state, constants)
        rate = trainer.rate(position.raw_words)
        yield state, Metrics(position, loss, finite, rate, seconds)
        begun = time.perf_counter()
