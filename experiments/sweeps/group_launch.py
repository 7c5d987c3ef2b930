"""Groups of cells on this machine: one program at a time, a process for each group."""

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.sweeps import groups as groups_module
from experiments.sweeps.groups import Group
from experiments.sweeps.local import TICK, Worker, died
from experiments.sweeps.runs import Run
from experiments.sweeps.tasks import Answer, Setup, Watcher

COMMAND = [sys.executable, "-m", "experiments.sweeps.group_worker"]
CHOICES = ("auto", "always", "never")


def make_task(group: Group, setup: Setup) -> dict[str, Any]:
    """The object that a group's worker takes; see `group_worker`."""
    wanted = {run.path for run in group.wanted}
    return {
        "cells": [
            {
                "path": str(run.path),
                "config": run.config.replace(replicas=1, kernel="xla").to_dict(),
                "wanted": run.path in wanted,
            }
            for run in group.members
        ],
        "folder": str(group.folder),
        "cache_dir": str(setup.cache),
        "checkpoint_seconds": setup.checkpoint_seconds,
        "suites": list(setup.judging.suites),
        "restrict": setup.judging.restrict,
    }


def carry_out(
    groups: Sequence[Group], setup: Setup, workdir: Path, watcher: Watcher
) -> None:
    """Has the groups done, one after the other, until the watcher says stop."""
    for group in groups:
        if watcher.stopped():
            return
        groups_module.write(group, workdir)
        _one(group, setup, watcher)
        groups_module.tidy(workdir)


def _one(group: Group, setup: Setup, watcher: Watcher) -> None:
    waiting = {str(run.path): run for run in group.wanted}
    for run in group.wanted:
        watcher.started(run)
    begun, worker = time.monotonic(), Worker(COMMAND)
    said: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(worker, said), daemon=True)
    reader.start()
    with contextlib.suppress(BrokenPipeError):
        worker.tasks.write(json.dumps(make_task(group, setup)) + "\n")
        worker.tasks.flush()
    ended = False
    while not ended and not watcher.stopped():
        with contextlib.suppress(queue.Empty):
            ended = _take(said.get(timeout=TICK), waiting, watcher)
        watcher.tick()
    with contextlib.suppress(BrokenPipeError):
        worker.tasks.close()  # a busy one saves its cells
    code = worker.process.wait()
    reader.join()
    while not said.empty():
        _take(said.get(), waiting, watcher)
    worker.answers.close()
    for run in waiting.values():
        run.path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # it may have died before it had a log
            groups_module.hand_out_log(group.folder, run.path)
        watcher.ended(died(run, code, time.monotonic() - begun))


def _read(worker: Worker, said: "queue.Queue[str]") -> None:
    for line in worker.answers:
        said.put(line)
    said.put("")


def _take(line: str, waiting: dict[str, Run], watcher: Watcher) -> bool:
    """Passes an answer on; whether it was the last one."""
    if not line.endswith("\n") or line == "{}\n":
        return True
    answer = json.loads(line)
    run = waiting.pop(answer["path"])
    watcher.ended(Answer(run, answer["code"], answer["line"], answer["seconds"]))
    return False
