"""Replicas on the cores of one machine: an XLA client and a thread for each.

The devices of one CPU client share a pool of threads, and XLA then divides every small
product among them: two replicas that share a pool of two threads reach little more
than one replica alone. Here every replica has a client of its own with a single
thread. A program runs from one meeting to the next; the rows that meet are added up
between programs, in memory that all threads see:

    row = sum of the replicas' rows - (R - 1) . row at the last meeting

as in `parallel`, at the same places and in the same order. Optimizers that are not
linear and the full softmax meet in every step and stay with `mesh`.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from w2v_jax import core_workers, parallel
from w2v_jax.chunk_loop import Feed
from w2v_jax.objectives import Constants, Tables
from w2v_jax.replica_programs import Programs, compile_programs
from w2v_jax.step import Model, TrainState

Floats = npt.NDArray[np.float32]
_LOOKS, _NAP = 2000, 1e-4  # some milliseconds of looking; then naps, in seconds


def usable(model: Model) -> bool:
    """Whether this model's replicas can train apart between meetings, on CPU."""
    apart = model.config.replicas == 1 or model.optimizer.linear
    on_cpu = jax.default_backend() == "cpu"
    return bool(
        apart and on_cpu and model.objective.rows and core_workers.client_maker()
    )


class MeetingBrokenError(RuntimeError):
    """Another replica has failed; its own error says why."""


class _Meeting:
    """A barrier that looks again and again for a while before it sleeps.

    Replicas arrive within microseconds of each other as a rule, and waking a thread
    that sleeps takes longer than that.
    """

    def __init__(self, parties: int) -> None:
        self.arrived = [0] * parties
        self.broken = False

    def wait(self, party: int) -> None:
        self.arrived[party] += 1
        mine, looks = self.arrived[party], 0
        while min(self.arrived) < mine:
            if self.broken:
                raise MeetingBrokenError("another replica has failed")
            time.sleep(0 if looks < _LOOKS else _NAP)
            looks += 1

    def abort(self) -> None:
        self.broken = True


class Copies:
    """The states of all replicas, each on its own device, or yet to come.

    Attributes:
      each: a future of each replica's `TrainState`.
    """

    def __init__(self, each: list["Future[TrainState]"]) -> None:
        self.each = each

    def block_until_ready(self) -> "Copies":
        """Waits for all replicas; raises what went wrong in one of them."""
        errors = [future.exception() for future in self.each]
        for error in errors:
            if error and not isinstance(error, MeetingBrokenError):
                raise error
        return self

    def first(self) -> TrainState:
        """The state of replica 0."""
        self.block_until_ready()
        return self.each[0].result()


class Cores:
    """Runs the chunks of a model on R clients of one thread each.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
    """

    samples = False  # the host does, while the cores train

    def __init__(self, model: Model, capacity: int) -> None:
        self.model, self.capacity = model, capacity
        self.replicas = model.config.replicas
        self._workers = core_workers.take(self.replicas)
        self._meeting = _Meeting(self.replicas)
        self._boards: list[list[Any]] = [[None] * self.replicas for _ in range(2)]
        self._turns = [0] * self.replicas
        self._programs: list[Programs] = []
        self._constants: list[Constants] = []
        # The state each replica left its last chunk with, and its share of the rows.
        self._left: list[tuple[Any, Tables]] = [(None, {})] * self.replicas

    def place(self, state: TrainState) -> Copies:
        """A host's state on every device."""

        def put(replica: int) -> TrainState:
            # A copy: a buffer that NumPy still owns could not be trained in place.
            own = jax.tree.map(lambda leaf: np.array(leaf, copy=True), state)
            return jax.block_until_ready(
                jax.device_put(own, self._workers[replica].device)
            )

        return Copies(self._each(put))

    def host(self, state: Copies) -> TrainState:
        """Replica 0's state as NumPy arrays."""
        return jax.tree.map(np.array, state.first())

    def local(self, state: Copies) -> Tables:
        """Replica 0's tables, to be read before the next chunk."""
        return jax.tree.map(np.asarray, state.first().tables)

    def copies(self, state: Copies) -> list[TrainState]:
        """The state of every replica as NumPy arrays."""
        state.block_until_ready()
        return [jax.tree.map(np.array, one.result()) for one in state.each]

    def compile(self, state: Copies, constants: Constants, feed: Feed) -> None:
        """Compiles every program on every client, side by side."""
        like, host = state.first(), jax.tree.map(np.asarray, constants)

        def build(replica: int) -> tuple[Programs, Constants]:
            device = self._workers[replica].device
            with core_workers.seeing_one_core():
                programs = compile_programs(
                    self.model, self.capacity, like, host, _raw_key(feed), device
                )
            return programs, jax.device_put(host, device)

        built = [future.result() for future in self._each(build)]
        self._programs = [programs for programs, _ in built]
        self._constants = [placed for _, placed in built]

    def compiled_text(self) -> str:
        """The compiled steps, as HLO text."""
        return str(self._programs[0].round.as_text())

    def run(
        self, state: Copies, constants: Constants, feed: Feed
    ) -> tuple[Copies, Copies]:
        """Trains on a chunk; returns at once, with the states to come, twice.

        Every device has constants of its own since `compile`, which happens here if it
        has not been asked for.
        """
        if not self._programs:
            self.compile(state, constants, feed)
        feed = _raw_key(feed)
        after = Copies(self._each(lambda k: self._chunk(k, state.each[k], feed)))
        return after, after

    def _each(self, work: Callable[[int], Any]) -> list["Future[Any]"]:
        return [w.thread.submit(work, k) for k, w in enumerate(self._workers)]

    def _chunk(
        self, replica: int, before: "Future[TrainState]", feed: Feed
    ) -> TrainState:
        try:
            return self._train(replica, before.result(), feed)
        except BaseException:
            self._meeting.abort()  # or the other replicas would wait for ever
            raise

    def _train(self, replica: int, state: TrainState, feed: Feed) -> TrainState:
        programs, every = self._programs[replica], self.model.config.exchange_every
        constants, device = self._constants[replica], self._workers[replica].device
        own, number = jax.device_put((np.int32(replica), np.int32(0)), device)
        laid = programs.lay(feed, own)
        hot, warm = (np.asarray(rows) for rows in programs.begin(state))
        rest = self._share(replica, state) if self.replicas > 1 else {}
        rounds = -(-int(feed.steps) // every)
        for done in range(1, rounds + 1):
            state, mine, number = programs.round(
                state, hot, constants, laid, number, own
            )
            hot = self._meet(replica, mine, hot)
            due = done % parallel.GROUP == 0 or done == rounds
            if due and self.replicas > 1:
                warm = self._meet(replica, programs.warm(state), warm)
                state = programs.put_warm(state, warm)
        if self.replicas == 1:
            return state
        state = programs.put_hot(state, hot)
        state, rest = self._meet_rest(replica, state, rest)
        self._left[replica] = state, rest
        return state

    def _share(self, replica: int, state: TrainState) -> Tables:
        """A replica's share of the rows; it may still have it from its last chunk."""
        left, rest = self._left[replica]
        return rest if left is state else self._programs[replica].share[replica](state)

    def _meet(self, replica: int, mine: jax.Array, before: Floats) -> Floats:
        """Sum of all replicas' rows less (R - 1) times those of the last meeting."""
        if self.replicas == 1:
            return np.asarray(mine)
        return _added_up(self._exchange(replica, np.asarray(mine)), before)

    def _meet_rest(
        self, replica: int, state: TrainState, before: Tables
    ) -> tuple[TrainState, Tables]:
        """Every replica adds up its share of the rows and hands it round.

        Returns:
          (state, the replica's share now).
        """
        programs = self._programs[replica]
        shares = [
            jax.tree.map(np.asarray, programs.share[k](state))
            for k in range(self.replicas)
        ]
        brought = [all_of[replica] for all_of in self._exchange(replica, shares)]
        mine: Any = {
            name: _added_up([one[name] for one in brought], np.asarray(old))
            for name, old in before.items()
        }
        return programs.put_rest(state, self._exchange(replica, mine)), mine

    def _exchange(self, replica: int, mine: Any) -> list[Any]:
        """What every replica brings to this meeting.

        There are two boards in turn, so that nobody writes on one that is being read.
        """
        turn = self._turns[replica]
        self._turns[replica] = 1 - turn
        self._boards[turn][replica] = mine
        self._meeting.wait(replica)
        return list(self._boards[turn])


def _added_up(rows: list[Floats], before: Floats) -> Floats:
    total = rows[0] + rows[1]
    for more in rows[2:]:
        total += more
    total -= (len(rows) - 1) * before if len(rows) > 2 else before
    return total


def _raw_key(feed: Feed) -> Feed:
    """Keys cannot pass from one client to another, their numbers can."""
    return feed.replace(key=np.asarray(jax.random.key_data(feed.key)))  # type: ignore[attr-defined]
