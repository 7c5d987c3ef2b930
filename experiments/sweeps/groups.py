"""Which runs of a sweep train together, and what is written down of it.

    DIR/.together/<hash>/group.json     {"cells": [{"path", "config"}, ...]}, in order
    DIR/.together/<hash>/checkpoints/   of all its cells at once
    DIR/.together/<hash>/output.log     what they print, in each output.log in the end

The folder is there only while a cell of the group has yet to end. The bits of a cell
may depend, by rounding, on those beside it; so a group that was interrupted goes on
with the same cells, those included that have ended or failed meanwhile.
"""

import dataclasses
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.sweeps.runs import FAILURE, LOG, Run, read_failure
from w2v_jax import durable
from w2v_jax.config import Config, resolve
from w2v_jax.runlog import read_json, stored_config

FOLDER, RECORD = ".together", "group.json"
MOST = 16  # cells of one program


@dataclasses.dataclass(frozen=True)
class Group:
    """Cells of one program.

    Attributes:
      folder: of its checkpoints.
      members: all its cells, in order.
      wanted: those whose files are still to be written.
    """

    folder: Path
    members: tuple[Run, ...]
    wanted: tuple[Run, ...]


def form(
    todo: Sequence[Run],
    workdir: Path,
    size: Callable[[Config], int],
    new: bool = True,
) -> tuple[tuple[Group, ...], tuple[Run, ...]]:
    """Groups of the runs to do, and those that are left to train alone.

    A run trains together with those that differ from it in `together.NUMBERS` alone,
    if it may have one replica and no checkpoint of its own.

    Args:
      todo: in order.
      workdir: of the sweep.
      size: V of a config, for the memory that its tables take.
      new: whether to form groups beside those that have been interrupted.
    """
    groups = list(_interrupted(todo, workdir))
    taken = {run for group in groups for run in group.wanted}
    alike: dict[Any, list[Run]] = {}
    for run in todo if new else ():
        if run not in taken and (key := _key(run)) is not None:
            alike.setdefault(key, []).append(run)
    for runs in alike.values():
        for part in _parts(runs, _most(runs[0].config, size(runs[0].config))):
            groups.append(Group(_folder(workdir, part), part, part))
            taken.update(part)
    return tuple(groups), tuple(run for run in todo if run not in taken)


def _key(run: Run) -> Any:
    """What cells of a group have in common; None for a run that must train alone."""
    from w2v_jax import together

    stored = stored_config(run.path) or {}
    if {run.config.replicas, stored.get("replicas", 0)} - {0, 1}:
        return None
    if {run.config.kernel, stored.get("kernel")} & {"native", "xla_large"}:
        return None  # groups train in XLA, in steps of its usual size
    checkpoints = run.path / "checkpoints"
    if checkpoints.is_dir() and any(checkpoints.iterdir()):
        return None
    if (run.path / "summary.json").is_file():
        return None  # trained, to be judged
    return together.alike(resolve(run.config.replace(replicas=1, kernel="xla"), 1))


def _parts(runs: Sequence[Run], most: int) -> Iterator[tuple[Run, ...]]:
    """As few parts as possible, as even as possible, none of a single run."""
    count = -(-len(runs) // most)
    bounds = [len(runs) * place // count for place in range(count + 1)]
    for begin, end in itertools.pairwise(bounds):
        if end - begin > 1:
            yield tuple(runs[begin:end])


def _most(config: Config, words: int) -> int:
    """Cells whose tables, with a copy to save and one to spare, fit into memory."""
    tables = 2 if config.optimizer == "sgd" else 4
    each = 3 * tables * words * config.dim * 4
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(min(MOST, there // 2 // max(each, 1)), 1)


def _folder(workdir: Path, members: Sequence[Run]) -> Path:
    text = json.dumps(_record(workdir, members), sort_keys=True)
    return workdir / FOLDER / hashlib.sha256(text.encode()).hexdigest()[:16]


def _record(workdir: Path, members: Sequence[Run]) -> dict[str, Any]:
    return {
        "cells": [
            {
                "path": str(run.path.relative_to(workdir)),
                "config": run.config.replace(replicas=1, kernel="xla").to_dict(),
            }
            for run in members
        ]
    }


def write(group: Group, workdir: Path) -> None:
    """Makes a group's folder and writes down its cells."""
    group.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_record(workdir, group.members), indent=2) + "\n"
    durable.write_whole(group.folder / RECORD, text.encode())


def _interrupted(todo: Sequence[Run], workdir: Path) -> Iterator[Group]:
    """The groups of earlier starts that still have runs to do."""
    waiting = {run.path: run for run in todo}
    for path in sorted((workdir / FOLDER).glob(f"*/{RECORD}")):
        try:
            cells = read_json(path)["cells"]
            members = tuple(
                _member(workdir / cell["path"], cell["config"]) for cell in cells
            )
        except (ValueError, LookupError, TypeError):
            continue  # damaged: its runs begin anew, together or alone
        wanted = tuple(
            waiting[run.path]
            for run in members
            if run.path in waiting and _same(waiting[run.path], run)
        )
        for run in wanted:
            del waiting[run.path]
        if wanted:
            yield Group(path.parent, members, wanted)


def _member(path: Path, config: Any) -> Run:
    return Run(path.parent.name, path, Config.from_dict(config))


def _same(run: Run, member: Run) -> bool:
    """Whether a run to do may go on as this member of a group."""
    mine = resolve(run.config.replace(replicas=1, kernel="xla"), 1)
    return _key(run) is not None and mine == resolve(member.config, 1)


def hand_out_log(folder: Path, run: Path) -> None:
    """Adds what a group has printed so far to the log of one of its runs."""
    with (folder / LOG).open("rb") as log, (run / LOG).open("ab") as own:
        shutil.copyfileobj(log, own)


def tidy(workdir: Path) -> None:
    """Removes the folders of groups whose cells have all ended or diverged."""
    for path in (workdir / FOLDER).glob(f"*/{RECORD}"):
        try:
            names = [cell["path"] for cell in read_json(path)["cells"]]
        except (ValueError, LookupError, TypeError):
            names = []
        runs = [workdir / name for name in names]
        if all(_is_over(run) for run in runs):
            durable.remove(path.parent)
    if (workdir / FOLDER).is_dir() and not any((workdir / FOLDER).iterdir()):
        (workdir / FOLDER).rmdir()


def _is_over(run: Path) -> bool:
    if (run / "summary.json").is_file():
        return True
    return (run / FAILURE).is_file() and read_failure(run)["kind"] == "diverged"
