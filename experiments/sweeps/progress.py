"""How a sweep gets on: a bar with the time left, and a line for each failure."""

import time
from collections.abc import Callable, Sequence

from experiments import cli
from experiments.sweeps.estimate import Estimator, duration
from experiments.sweeps.runs import Run
from experiments.sweeps.tasks import STOPPED, Answer

Report = Callable[[str, int, int, str], None]


class Progress:
    """Tells a person what is under way; a `tasks.Watcher`.

    Attributes:
      answers: of the runs that have ended, in order.
    """

    def __init__(
        self,
        todo: Sequence[Run],
        estimator: Estimator,
        jobs: int,
        report: Report,
        signals: Sequence[int] = (),
    ) -> None:
        self.answers: list[Answer] = []
        self._waiting = list(todo)
        self._running: dict[Run, float] = {}
        self._estimator, self._jobs = estimator, jobs
        self._report, self._signals = report, signals

    def started(self, run: Run) -> None:
        """A run has been handed out."""
        self._waiting.remove(run)
        self._running[run] = time.monotonic()
        self.tick()

    def ended(self, answer: Answer) -> None:
        """A run is over; if it is done, the estimates of the others learn from it."""
        del self._running[answer.run]
        self.answers.append(answer)
        if answer.code == 0:
            self._estimator.learn(answer.run)
        elif answer.code != STOPPED:
            cli.note(f"{answer.run.name}: failed, passed by: {answer.line}")
        self.tick()

    def stopped(self) -> bool:
        """Whether a signal has come."""
        return bool(self._signals)

    @property
    def left(self) -> float:
        """Seconds until the end, as estimated, with all jobs at work."""
        cost, now = self._estimator.cost, time.monotonic()
        seconds = sum(cost(run).seconds for run in self._waiting)
        # Cells that train together share the time that has passed.
        part = min(self._jobs / max(len(self._running), 1), 1.0)
        for run, since in self._running.items():
            seconds += max(cost(run).seconds - part * (now - since), 0.0)
        return seconds / max(min(self._jobs, self._total - len(self.answers)), 1)

    @property
    def _total(self) -> int:
        return len(self._waiting) + len(self._running) + len(self.answers)

    def tick(self) -> None:
        """Shows where things stand."""
        names = ", ".join(run.name for run in self._running)
        note = f"{duration(self.left)} left  {names}".rstrip()
        self._report("sweep", len(self.answers), self._total, note)
