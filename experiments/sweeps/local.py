"""Workers on this machine: each on cores of its own, each running many runs.

One job with all cores, or several with a share each; in no case more threads than
cores. A worker that dies costs its run, which is recorded, and a new one takes over.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import IO, Any, cast

from experiments.sweeps.runs import Run, record_failure
from experiments.sweeps.tasks import (
    STOPPED,
    Answer,
    Setup,
    Watcher,
    make_task,
    shares,
)
from w2v_jax.provenance import PROJECT

COMMAND = [sys.executable, "-m", "experiments.sweeps.worker"]
TICK = 0.5  # seconds between looks at the clock, for the time left


class Worker:
    """A child process that takes one task at a time."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        path = os.pathsep.join(filter(None, [str(PROJECT), os.getenv("PYTHONPATH")]))
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is the parent's to pass on
        )
        self.tasks = cast(IO[str], self.process.stdin)
        self.answers = cast(IO[str], self.process.stdout)
        self.run: Run | None = None
        self.replicas = 0
        self.begun = 0.0

    def give(self, run: Run, task: dict[str, Any]) -> None:
        """Starts a task; a worker that is gone already is found out by `take`."""
        self.run, self.replicas = run, task["config"]["replicas"]
        self.begun = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            self.tasks.write(json.dumps(task) + "\n")
            self.tasks.flush()

    def take(self) -> Answer | None:
        """What the worker says of its run, or how it died over it; None if idle."""
        run, self.run = self.run, None
        line = self.answers.readline()
        if run is None:
            return None
        if line.endswith("\n"):
            said = json.loads(line)
            return Answer(run, said["code"], said["line"], said["seconds"])
        return died(run, self.process.wait(), time.monotonic() - self.begun)

    def close(self) -> None:
        """Ends an idle worker, or has a busy one save its run and end."""
        with contextlib.suppress(BrokenPipeError):
            self.tasks.close()
        self.process.wait()
        self.answers.close()


def died(run: Run, code: int, seconds: float) -> Answer:
    """The answer in place of a worker's own; recorded unless it was told to stop."""
    if code in (130, 143):
        return Answer(run, STOPPED, "stopped", seconds)
    why = f"ended with code {code}"
    if code < 0:
        why = f"was killed by signal {-code}"
        why += " (out of memory?)" if code == -9 else ""
        code = 128 - code
    line = f"{run.path}: its process {why}; see output.log there"
    record_failure(run.path, code, line, seconds)
    return Answer(run, code, line, seconds)


class Pool:
    """Workers by their place; each place has cores of its own."""

    def __init__(self, jobs: int, setup: Setup) -> None:
        self.setup, self.cores = setup, shares(jobs)
        self.workers: dict[int, Worker] = {}
        self.ready = selectors.DefaultSelector()

    def give(self, place: int, run: Run) -> None:
        """Hands a run to the worker at a place, a new one if need be."""
        task = make_task(run, self.setup, len(self.cores[place]), self.cores[place])
        worker = self.workers.get(place)
        if worker is not None and worker.replicas != task["config"]["replicas"]:
            self.dismiss(place)  # its jax has counted other devices
            worker = None
        if worker is None:
            worker = self.workers[place] = Worker()
            self.ready.register(worker.answers, selectors.EVENT_READ, place)
        worker.give(run, task)

    def answers(self, seconds: float) -> list[tuple[int, Answer]]:
        """What workers have to say within so many seconds, and from which place."""
        found = []
        for key, _ in self.ready.select(seconds):
            worker = self.workers[key.data]
            answer = worker.take()
            if answer is None or worker.process.poll() is not None:
                self.dismiss(key.data)
            if answer is not None:
                found.append((key.data, answer))
        return found

    def busy(self) -> bool:
        """Whether a run is under way."""
        return any(worker.run for worker in self.workers.values())

    def dismiss(self, place: int) -> None:
        """Ends the worker at a place."""
        worker = self.workers.pop(place)
        self.ready.unregister(worker.answers)
        worker.close()

    def close(self) -> None:
        """Has all workers save at the same time, and waits for them."""
        _close_inputs(self.workers.values())
        for place in list(self.workers):
            self.dismiss(place)
        self.ready.close()


def _close_inputs(workers: Iterable[Worker]) -> None:
    for worker in workers:
        with contextlib.suppress(BrokenPipeError):
            worker.tasks.close()


def carry_out(runs: Sequence[Run], setup: Setup, jobs: int, watcher: Watcher) -> None:
    """Has every run done, `jobs` at a time, until the watcher says stop.

    Args:
      runs: in order.
      setup: of the sweep.
      jobs: workers side by side.
      watcher: told of every start, end and tick.
    """
    waiting = list(runs)
    pool = Pool(jobs, setup)
    free = list(range(jobs))
    try:
        while (waiting or pool.busy()) and not watcher.stopped():
            while waiting and free:
                run = waiting.pop(0)
                watcher.started(run)
                pool.give(free.pop(0), run)
            for place, answer in pool.answers(TICK):
                free.append(place)
                watcher.ended(answer)
            watcher.tick()
    finally:
        pool.close()
