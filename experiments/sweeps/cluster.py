"""Runs as jobs of a cluster, through submitit: slurm, or submitit's stand-in for it.

    DIR/jobs/tasks/     one file a run, for `worker`
    DIR/jobs/logs/      submitit's own files: scripts, logs, pickles
    DIR/jobs/jobs.json  which run is which job

Each run is a job of its own (on slurm all are one array). What became of it is read
from its run directory, never from the pickle that submitit leaves; the one that
submitit has its own process load on the node holds a command line. A sweep that is
stopped leaves its jobs running, and the same command watches them again.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.sweeps.runs import Judging, Run, State, read_failure, state
from experiments.sweeps.tasks import STOPPED, Answer, Setup, Watcher, make_task
from w2v_jax import durable
from w2v_jax.provenance import PROJECT
from w2v_jax.runlog import read_json

SHARED = ("timeout_min", "cpus_per_task", "mem_gb", "gpus_per_node")
DEFAULTS = {"timeout_min": "1440", "cpus_per_task": "2"}
SECONDS = {"slurm": 5.0, "submitit_local": 0.5}  # between looks at the queue


def check(launcher: str) -> None:
    """Raises ValueError where submitit or slurm is missing."""
    if importlib.util.find_spec("submitit") is None:
        raise ValueError(
            f"--launcher={launcher}: needs submitit; pip install 'w2v_jax[slurm]'"
        )
    if launcher == "slurm" and shutil.which("sbatch") is None:
        raise ValueError("--launcher=slurm: no sbatch here; start it on a login node")


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """What --slurm="partition=cpu" says, beside the defaults.

    Raises:
      ValueError: no name=value, or a number that is none.
    """
    options = dict(DEFAULTS)
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"--slurm={text}: say name=value, as in partition=cpu")
        if name in SHARED and not value.isdecimal():
            raise ValueError(f"--slurm={text}: must be a whole number")
        options[name] = value
    return options


# Local jobs are children that outlive the sweep; Python minds one that it forgets.
_SUBMITTED: list[Any] = []


class Queue:
    """Submits files of tasks, and tells which jobs are still there."""

    def __init__(self, launcher: str, folder: Path, options: Mapping[str, str]) -> None:
        import submitit

        self.launcher = launcher
        kind = "slurm" if launcher == "slurm" else "local"
        self.executor = submitit.AutoExecutor(folder=folder / "%j", cluster=kind)
        given: dict[str, Any] = {
            name if name in SHARED else f"slurm_{name}": int(value)
            if value.isdecimal()
            else value
            for name, value in options.items()
        }
        self.executor.update_parameters(name="w2v_jax", **given)

    def submit(self, files: Sequence[Path], width: int) -> list[str]:
        """One job for each file; returns their numbers. At most `width` run at once."""
        import submitit

        if width and self.launcher == "slurm":
            self.executor.update_parameters(slurm_array_parallelism=width)
        worker = [sys.executable, "-m", "experiments.sweeps.worker"]
        with self.executor.batch():
            jobs = [
                self.executor.submit(
                    submitit.helpers.CommandFunction(
                        [*worker, str(file.resolve())], cwd=PROJECT
                    )
                )
                for file in files
            ]
        _SUBMITTED.extend(jobs)
        return [str(job.job_id) for job in jobs]

    def alive(self, numbers: Sequence[str]) -> set[str]:
        """Those of the jobs that wait or run; all, where nobody answers."""
        if self.launcher == "slurm":
            return _in_queue(numbers)
        return {number for number in numbers if _is_process(int(number))}


def _in_queue(numbers: Sequence[str]) -> set[str]:
    command = ["squeue", "--noheader", "--array", "--format=%i"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return set(numbers)
    return set(numbers) & set(found.stdout.split() if not found.returncode else numbers)


def _is_process(number: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(number, os.WNOHANG)  # a child that has ended leaves a zombie
    return Path(f"/proc/{number}").exists()


def carry_out(
    launcher: str,
    runs: Sequence[Run],
    setup: Setup,
    workdir: Path,
    jobs: int,
    options: Mapping[str, str],
    watcher: Watcher,
) -> None:
    """Submits what no job does yet, and watches until all jobs have ended.

    Args:
      launcher: "slurm" or "submitit_local".
      runs: in order.
      setup: of the sweep.
      workdir: of the sweep.
      jobs: at most so many side by side; 0: as many as the cluster grants, or one on
        this machine.
      options: of `parse_options`.
      watcher: told of every start and end.
    """
    folder = workdir / "jobs"
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    queue = Queue(launcher, folder / "logs", options)
    known = _known(folder, runs, queue)
    share = 0 if "gpus_per_node" in options else int(options["cpus_per_task"])
    waiting = [run for run in runs if run.name not in known]
    running = {run: known[run.name] for run in runs if run.name in known}
    for run in running:
        watcher.started(run)
    begun, missing = time.monotonic(), set[str]()
    while (waiting or running) and not watcher.stopped():
        room = len(waiting) if launcher == "slurm" else max(jobs, 1) - len(running)
        batch, waiting = waiting[: max(room, 0)], waiting[max(room, 0) :]
        if batch:
            files = [_task_file(folder, run, setup, share) for run in batch]
            for run, number in zip(batch, queue.submit(files, jobs), strict=True):
                running[run] = known[run.name] = number
                watcher.started(run)
            _write(folder / "jobs.json", known)
        time.sleep(SECONDS[launcher])
        alive = queue.alive(list(running.values()))
        for run, number in list(running.items()):
            if number in alive:
                continue
            if _result(run, setup.judging) is None and number not in missing:
                missing.add(number)  # its files may still be on their way here
                continue
            del running[run]
            code, line = _result(run, setup.judging) or (
                STOPPED,
                f"job {number} ended without a result; {folder / 'logs'} says why",
            )
            watcher.ended(Answer(run, code, line, time.monotonic() - begun))
        watcher.tick()


def _known(folder: Path, runs: Sequence[Run], queue: Queue) -> dict[str, str]:
    """The jobs of an earlier start that are still there, by the name of their run."""
    path = folder / "jobs.json"
    found = read_json(path) if path.is_file() else {}
    names = {run.name for run in runs}
    jobs = {name: str(number) for name, number in found.items() if name in names}
    alive = queue.alive(list(jobs.values()))
    return {name: number for name, number in jobs.items() if number in alive}


def _task_file(folder: Path, run: Run, setup: Setup, share: int) -> Path:
    path = folder / "tasks" / f"{run.cell}-{run.path.name}.json"
    task = make_task(run, setup, share, None)
    task["path"] = str(run.path.resolve())
    _write(path, task)
    return path


def _write(path: Path, value: Mapping[str, Any]) -> None:
    durable.write_whole(path, (json.dumps(value, indent=2) + "\n").encode())


def _result(run: Run, judging: Judging) -> tuple[int, str] | None:
    """(code, line) of a run that has ended, from its directory; None if it has not."""
    found = state(run, judging)
    if found is State.DONE:
        return 0, ""
    if found is State.FAILED:
        failure = read_failure(run.path)
        return int(failure.get("code") or 1), str(failure.get("error"))
    return None
