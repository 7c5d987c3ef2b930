"""Training cells together as an iterator: as `training`, for all cells at once.

Every cell is a `Trainer` of its own for all that happens on the host: its samples, its
rates, its position. What the device does is one program for all of them
(`together.chunk_program`), on one device. A cell that ends before others, or leaves
the finite numbers, keeps its place in the program and does nothing there any more.
"""

import dataclasses
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax import together
from w2v_jax.blocks import Chunk
from w2v_jax.chunk_loop import Feed
from w2v_jax.config import ResolvedConfig
from w2v_jax.objectives import Constants
from w2v_jax.position import Metrics, Position
from w2v_jax.step import TrainState, initial_tables
from w2v_jax.together_loss import TogetherLoss
from w2v_jax.training import Trainer
from w2v_jax.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Settled:
    """What is known at a settled point.

    Attributes:
      positions: of every cell.
      metrics: of each cell that would log here alone; their seconds are the cell's
        share: at every moment one part of as many as are under way. Cells that are
        not finite take no further step.
    """

    positions: tuple[Position, ...]
    metrics: dict[int, Metrics]


class Together:
    """A compiled program of G cells over one corpus.

    Args:
      ids: the encoded corpus.
      vocabulary: of all cells.
      configs: of each cell, see `together.check`.

    Attributes:
      cells: a trainer for each, whose own engine stays idle.
      sample_seconds: what compiling the logged loss has taken, once it has.

    Raises:
      ValueError: configs that differ in more than numbers.
    """

    def __init__(
        self,
        ids: npt.NDArray[np.int32],
        vocabulary: Vocabulary,
        configs: Sequence[ResolvedConfig],
    ) -> None:
        together.check(configs)
        self.cells = [Trainer(ids, vocabulary, config) for config in configs]
        self.numbers = together.numbers_of(configs)
        self._own: list[Constants] = []
        self._axes: Any = None
        self._run: Any = None
        self._loss: TogetherLoss | None = None
        self.sample_seconds = 0.0

    def start(self) -> tuple[TrainState, Constants]:
        """The state of all cells before the first step, and their constants."""
        begun: list[TrainState] = []
        own: list[Constants] = []
        made: dict[tuple[Any, ...], Constants] = {}
        for cell in self.cells:
            state, constants = initial_tables(cell.model, cell.vocabulary)
            begun.append(jax.tree.map(np.asarray, state))
            # Equal ones are kept once.
            same = cell.config.noise_exponent, cell.config.subsample
            key = (*same, cell.config.subsample_formula)
            own.append(made.setdefault(key, constants))
        constants, self._axes = together.common(own)
        self._own = own
        return self.place(together.stacked(begun)), constants

    def place(self, state: TrainState) -> TrainState:
        """A host's state of all cells on the device, in memory of its own."""
        return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), state)

    def host(self, state: TrainState) -> TrainState:
        """The state of all cells as NumPy arrays."""
        return jax.tree.map(np.array, state)

    def host_cell(self, state: TrainState, cell: int) -> TrainState:
        """The state of one cell as NumPy arrays."""
        return jax.tree.map(lambda leaf: np.array(leaf[cell]), state)

    def dispatch(
        self,
        state: TrainState,
        constants: Constants,
        positions: Sequence[Position],
        running: Collection[int],
    ) -> tuple[TrainState, tuple[Position, ...], jax.Array]:
        """The next chunk of the cells under way; returns before the device has ended.

        Returns:
          (state, positions after the chunk, an array that is ready when the chunk is).
        """
        feeds, after = [], list(positions)
        for number, cell in enumerate(self.cells):
            if number in running:
                feed, after[number] = cell.upcoming(self._own[number], after[number])
            else:
                feed = self._nothing(number)
            feeds.append(feed)
        state, done = self._program(state, constants)(
            state, constants, self.numbers, *_stacked(feeds)
        )
        return state, tuple(after), done

    def measure(
        self, state: TrainState, constants: Constants
    ) -> list[tuple[float | None, bool]]:
        """Of each cell, as `Trainer.measure`."""
        if self._loss is None:
            begun = time.perf_counter()
            models = [cell.model for cell in self.cells]
            samplers = [cell.sampler for cell in self.cells]
            self._loss = TogetherLoss(models, samplers, self._own, self._axes)
            self._loss.compile(state.tables, constants, self.numbers)
            self.sample_seconds = time.perf_counter() - begun
        losses = self._loss.means(state.tables, constants, self.numbers)
        finite = np.all([np.asarray(_finite(t)) for t in state.tables.values()], 0)
        return [
            (loss, bool(ok) and (loss is None or bool(np.isfinite(loss))))
            for loss, ok in zip(losses, finite, strict=True)
        ]

    def compile(self, state: TrainState, constants: Constants) -> float:
        """Compiles the program without running it; returns the seconds it took."""
        begun = time.perf_counter()
        self._program(state, constants)
        return time.perf_counter() - begun

    def compiled_text(self) -> str:
        """The compiled program, as HLO text."""
        return str(self._run.as_text())

    def _program(self, state: TrainState, constants: Constants) -> Callable[..., Any]:
        if self._run is None:
            first = self.cells[0]
            run = together.chunk_program(first.model, first.capacity, self._axes)

            def with_sign(*arguments: Any) -> tuple[TrainState, jax.Array]:
                return run(*arguments), jnp.zeros(())

            like = _stacked([self._nothing(n) for n in range(len(self.cells))])
            jitted = jax.jit(with_sign, donate_argnums=0)
            self._run = jitted.lower(state, constants, self.numbers, *like).compile()
        return self._run

    def _nothing(self, number: int) -> Feed:
        """A chunk without tokens."""
        none, rates = np.zeros(0, np.int32), np.zeros(2, np.float32)
        chunk, key = Chunk(none, none, None, 0), jax.random.key(0)
        return self.cells[number].feed(chunk, self._own[number], rates, key)


def _stacked(feeds: Sequence[Feed]) -> tuple[Feed, np.int32]:
    """The feeds of all cells, with the numbers of their keys, and the most steps."""
    plain = [
        feed.replace(key=np.asarray(jax.random.key_data(feed.key)))  # type: ignore[attr-defined]
        for feed in feeds
    ]
    return together.stacked(plain), np.int32(max(int(f.steps) for f in feeds))


@jax.jit
def _finite(table: jax.Array) -> jax.Array:
    return jnp.isfinite((table * 0.0).sum(1)).all(1)  # as training does for one


def train(
    group: Together,
    state: TrainState,
    constants: Constants,
    positions: Sequence[Position],
    failed: Collection[int] = (),
    report: Callable[[Sequence[Position]], None] | None = None,
) -> Iterator[tuple[TrainState, Settled]]:
    """Yields (state, what is known) wherever any cell would have settled alone.

    The state yielded must be read before the next item is asked for: its buffers are
    then reused.

    Args:
      group: the compiled cells.
      state: of `Together.start` or of a checkpoint.
      constants: of `Together.start`.
      positions: where each cell goes on.
      failed: cells that take no further step.
      report: called after each chunk, for progress.
    """
    first, positions = group.cells[0], tuple(positions)
    seconds = [0.0] * len(positions)
    ends = [cell.config.epochs for cell in group.cells]
    running = [n for n, at in enumerate(positions) if at.epoch < ends[n]]
    running = [n for n in running if n not in failed]
    since = max((p.epoch * first.chunks + p.chunk for p in positions), default=0)
    ahead: list[tuple[jax.Array, tuple[Position, ...]]] = []
    begun = time.perf_counter()
    while running:
        state, positions, done = group.dispatch(state, constants, positions, running)
        ahead.append((done, positions))
        since += 1
        finished = [n for n in running if positions[n].epoch == ends[n]]
        due = finished if since % first.config.settle_every else running
        if not due:
            if len(ahead) > 1:  # sample one chunk ahead of the device, no more
                done, reached = ahead.pop(0)
                done.block_until_ready()
                if report is not None:
                    report(reached)
            continue
        ahead.clear()
        jax.block_until_ready(state)
        passed = (time.perf_counter() - begun) / len(running)
        for number in running:
            seconds[number] += passed
        if report is not None:
            report(positions)
        measured = group.measure(state, constants)
        metrics = {}
        for number in due:
            at, (loss, finite) = positions[number], measured[number]
            rate = group.cells[number].rate(at.raw_words)
            metrics[number] = Metrics(at, loss, finite, rate, seconds[number])
        lost = [n for n in due if not measured[n][1]]
        running = [n for n in running if n not in finished and n not in lost]
        yield state, Settled(positions, metrics)
        begun = time.perf_counter()
