"""sweep.json: what a sweep was asked for, so that a report can say it.

    {"preset", "sweeps", "named", "draw_seed": as on the command line, last start;
     "flags": the config that all cells share, "seeds", "suites", "restrict_vocab",
     "cells": [{"name", "overrides"}, ...], "commands": [...]}

A later command may add cells and seeds to the directory; it may not change the rest.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from w2v_jax import durable
from w2v_jax.provenance import changes
from w2v_jax.runlog import read_json

NAME, LOCK = "sweep.json", ".sweep.lock"
FREE = ("seed", "replicas", "kernel")  # `seeds` and each run's config.json say them


def merged(workdir: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What sweep.json will say: what was asked now, joined to what it says already.

    Args:
      workdir: of the sweep.
      asked: the object of the module's docstring, with one command.

    Raises:
      ValueError: the directory holds a sweep whose cells share other flags, or a file
        that is no such object.
    """
    path = workdir / NAME
    wanted: dict[str, Any] = json.loads(json.dumps(asked))
    if not path.is_file():
        return wanted
    old = read_json(path)
    try:
        differing = changes(_shared(old["flags"]), _shared(wanted["flags"]))
        if differing:
            raise ValueError(
                f"{path}: a sweep with other flags ({', '.join(differing)}); choose "
                "another --workdir, or give the same flags again"
            )
        new = {cell["name"] for cell in wanted["cells"]}
        kept = [cell for cell in old["cells"] if cell["name"] not in new]
        wanted["cells"] = kept + wanted["cells"]
        wanted["seeds"] = sorted({*old["seeds"], *wanted["seeds"]})
        again = [one for one in old["commands"] if one not in wanted["commands"]]
        wanted["commands"] = again + wanted["commands"]
    except (LookupError, TypeError, AttributeError):
        raise ValueError(
            f"{path}: not written by experiments.ablate; restore or delete the file"
        ) from None
    return wanted


def _shared(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if name not in FREE}


def write(workdir: Path, record: Mapping[str, Any]) -> None:
    """Writes sweep.json whole."""
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    durable.write_whole(workdir / NAME, text.encode())


@contextmanager
def held(workdir: Path) -> Iterator[None]:
    """Makes the directory and keeps other sweeps out of it meanwhile.

    Raises:
      ValueError: another process is at work on it.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with durable.named(workdir / LOCK), (workdir / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            raise ValueError(
                f"{workdir}: process {holder} is at work on this sweep; wait for it, "
                "stop it, or choose another --workdir"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
