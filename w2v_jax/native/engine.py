"""The engine that trains with the native step: one state, R threads over it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from w2v_jax.chunk_loop import Feed
from w2v_jax.cores import Copies
from w2v_jax.native import build, calls
from w2v_jax.objectives import Constants, Tables
from w2v_jax.step import Model, TrainState

_thread = ThreadPoolExecutor(1, "native")


class Native:
    """Runs the chunks of a model through `calls.train_chunk`.

    The tables exist once: replicas keep copies of the rows that they use between two
    meetings, and of no others.

    Args:
      model: the functions; its config names the native kernel.
      capacity: tokens that a chunk may hold.

    Raises:
      NativeUnavailableError: the step is not registered and cannot be compiled.
    """

    samples = False

    def __init__(self, model: Model, capacity: int) -> None:
        build.register(build.DEFAULT_CACHE)
        self.model, self.capacity = model, capacity
        self._device = jax.devices("cpu")[0]
        self._compiled: Any = None
        self._constants: Any = None

    def place(self, state: TrainState) -> Copies:
        """A host's state, copied: buffers of NumPy could not be trained in place."""

        def put() -> TrainState:
            own = jax.tree.map(lambda leaf: np.array(leaf, copy=True), state)
            return jax.block_until_ready(jax.device_put(own, self._device))

        return Copies([_thread.submit(put)])

    def host(self, state: Copies) -> TrainState:
        """The state as NumPy arrays."""
        return jax.tree.map(np.array, state.first())

    def local(self, state: Copies) -> Tables:
        """The tables, to be read before the next chunk."""
        return jax.tree.map(np.asarray, state.first().tables)

    def copies(self, state: Copies) -> list[TrainState]:
        """The one state that there is."""
        return [self.host(state)]

    def compile(self, state: Copies, constants: Constants, feed: Feed) -> None:
        """Compiles the call; nothing runs."""
        config = self.model.config

        def step(tables: Tables, rest: Any, extra: Any) -> Tables:
            *text, lengths, rates, key = rest
            return calls.train_chunk(
                config, tables, tuple(text), lengths, rates, key, extra
            )

        tables = state.first().tables
        made = jax.tree.map(np.asarray, calls.parts(constants))
        self._constants = jax.device_put(made, self._device)
        jitted = jax.jit(step, donate_argnums=0)
        lowered = jitted.lower(tables, _arguments(feed), self._constants)
        self._compiled = lowered.compile()

    def compiled_text(self) -> str:
        """The compiled call, as HLO text."""
        return str(self._compiled.as_text())

    def run(
        self, state: Copies, constants: Constants, feed: Feed
    ) -> tuple[Copies, Copies]:
        """Trains on a chunk; returns at once, with the state to come, twice."""
        if self._compiled is None:
            self.compile(state, constants, feed)
        before, rest = state.each[0], _arguments(feed)

        def work() -> TrainState:
            given = before.result()
            tables = self._compiled(given.tables, rest, self._constants)
            return TrainState(jax.block_until_ready(tables), given.optimizer)

        after = Copies([_thread.submit(work)])
        return after, after


def _arguments(feed: Feed) -> tuple[Any, ...]:
    tokens, reach, *rest = feed.padded
    sentences = rest[0] if rest else np.zeros(0, np.int32)
    lengths = np.array([feed.length, feed.steps], np.int32)
    key = np.asarray(jax.random.key_data(feed.key)).view(np.int32)
    return tokens, reach, sentences, lengths, np.asarray(feed.rates, np.float32), key
