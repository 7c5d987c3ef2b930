"""From runs to tasks for workers: who computes what, and on which cores."""

import dataclasses
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from experiments.sweeps.backend import is_accelerated
from experiments.sweeps.runs import Judging, Run, placed, replicas


@dataclasses.dataclass(frozen=True)
class Setup:
    """What all tasks of a sweep have in common.

    Attributes:
      cache: folder of encoded corpora and compiled programs.
      checkpoint_seconds: between checkpoints.
      judging: what eval.json must hold.
    """

    cache: Path
    checkpoint_seconds: float
    judging: Judging


class Answer(NamedTuple):
    """How a run ended.

    Attributes:
      run: which.
      code: 0, the exit code of a failure, or STOPPED.
      line: its last words.
      seconds: it took.
    """

    run: Run
    code: int
    line: str
    seconds: float


STOPPED = -1  # ended by a signal from us or by the cluster: the same command goes on


class Watcher(Protocol):
    """Who is told how a sweep gets on."""

    def started(self, run: Run) -> None:
        """A run has been handed out."""

    def ended(self, answer: Answer) -> None:
        """A run is over."""

    def tick(self) -> None:
        """Some time has passed."""

    def stopped(self) -> bool:
        """Whether the sweep must end now."""


def make_task(
    run: Run, setup: Setup, share: int, cores: Sequence[int] | None
) -> dict[str, Any]:
    """The object that a worker takes; see `worker`.

    Args:
      run: to carry out.
      setup: of the sweep.
      share: replicas where neither the flags nor an earlier start say how many; 0: one
        for each core or device that the worker finds.
      cores: numbers of those that the worker stays on; None: any.
    """
    return {
        "path": str(run.path),
        "config": placed(run, share).to_dict(),
        "cache_dir": str(setup.cache),
        "checkpoint_seconds": setup.checkpoint_seconds,
        "suites": list(setup.judging.suites),
        "restrict": setup.judging.restrict,
        "cores": None if cores is None else list(cores),
    }


def usual_jobs(runs: Sequence[Run]) -> int:
    """Jobs of a sweep that nobody has said the number of.

    One for each core; fewer where there are fewer runs, or where runs were asked or
    begun with more replicas; one on an accelerator, which has no room for two.
    """
    most = max((replicas(run, 1) for run in runs), default=1)
    cores = len(os.sched_getaffinity(0))
    return 1 if is_accelerated() else max(min(cores // most, len(runs)), 1)


def shares(jobs: int) -> list[list[int]]:
    """The cores of this process dealt out to so many jobs, neighbours together.

    Raises:
      ValueError: more jobs than cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if jobs > len(cores):
        raise ValueError(
            f"--jobs={jobs}: this process may use {len(cores)} core(s); ask for at "
            "most that many"
        )
    bounds = [len(cores) * place // jobs for place in range(jobs + 1)]
    return [cores[a:b] for a, b in itertools.pairwise(bounds)]
