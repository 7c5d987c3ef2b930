"""Where the runs of a sweep are computed, by the name in --launcher."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.sweeps import local, tasks
from experiments.sweeps.runs import Run

LAUNCHERS = ("local", "slurm", "submitit_local")


def check(launcher: str, jobs: int, replicas: Sequence[int]) -> None:
    """Refuses what a launcher cannot do, before anything runs.

    Args:
      launcher: of `LAUNCHERS`.
      jobs: side by side.
      replicas: that runs have been asked to have; 0: as many as fit.

    Raises:
      ValueError: naming the flag; submitit is missing, or the machine is too small.
    """
    if launcher == "local":
        share = min(len(cores) for cores in tasks.shares(jobs))
        if jobs > 1 and max(replicas, default=0) > share:
            raise ValueError(
                f"--replicas={max(replicas)}: with --jobs={jobs} a run has {share} "
                "core(s); lower one of them"
            )
        return
    from experiments.sweeps import cluster

    cluster.check(launcher)


def carry_out(
    launcher: str,
    runs: Sequence[Run],
    setup: tasks.Setup,
    workdir: Path,
    jobs: int,
    options: Mapping[str, str],
    watcher: tasks.Watcher,
) -> None:
    """Has the runs done; returns when they are, or when the watcher says stop.

    Args:
      launcher: of `LAUNCHERS`.
      runs: in order.
      setup: of the sweep.
      workdir: of the sweep.
      jobs: side by side; on a cluster 0 leaves the number to it.
      options: of the cluster, see `cluster`.
      watcher: told of every start and end.
    """
    if launcher == "local":
        local.carry_out(runs, setup, jobs, watcher)
        return
    from experiments.sweeps import cluster

    cluster.carry_out(launcher, runs, setup, workdir, jobs, options, watcher)
