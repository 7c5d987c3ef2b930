"""The runs of a sweep: one directory for each cell and seed, and how far it has come.

DIR/<cell>/seed-<n>/     an ordinary run directory, eval.json in it too
DIR/<cell>/seed-<n>/failure.json    where the run failed or diverged
DIR/<cell>/seed-<n>/output.log      what the run printed
"""

import dataclasses
import enum
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from w2v_jax import durable
from w2v_jax.config import Config, resolve
from w2v_jax.provenance import changes
from w2v_jax.runlog import read_json, stored_config, stored_kernel

FAILURE, LOG, EVALUATION = "failure.json", "output.log", "eval.json"


class State(enum.Enum):
    """How far a run has come."""

    NEW = "new"
    STARTED = "started"  # goes on from its last checkpoint
    TRAINED = "trained"  # not judged yet, or by other sets than asked for
    DONE = "done"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Run:
    """One cell with one seed.

    Attributes:
      cell: its name.
      path: its directory.
      config: the cell's, with this seed; fields may be open.
    """

    cell: str
    path: Path
    config: Config

    @property
    def name(self) -> str:
        """`window=2/seed-0`."""
        return f"{self.cell}/{self.path.name}"


@dataclasses.dataclass(frozen=True)
class Judging:
    """What eval.json must hold.

    Attributes:
      suites: names of suites, sets or files.
      sets: names of the sets in them, absent ones too.
      restrict: judge within the first so many words; 0: all.
    """

    suites: tuple[str, ...]
    sets: frozenset[str]
    restrict: int = 0


def make_runs(
    workdir: Path, configs: Mapping[str, Config], seeds: Sequence[int]
) -> tuple[Run, ...]:
    """Every run, first seeds first: after a fifth of five seeds all cells are there."""
    return tuple(
        Run(cell, workdir / cell / f"seed-{seed}", config.replace(seed=seed))
        for seed in seeds
        for cell, config in configs.items()
    )


def state(run: Run, judging: Judging) -> State:
    """How far a run has come, read from its directory."""
    if (run.path / "summary.json").is_file():
        judged = _is_judged(run.path / EVALUATION, judging)
        failed = (run.path / FAILURE).is_file()
        return State.DONE if judged else State.FAILED if failed else State.TRAINED
    if (run.path / FAILURE).is_file():
        return State.FAILED
    return State.STARTED if (run.path / "config.json").is_file() else State.NEW


def _is_judged(path: Path, judging: Judging) -> bool:
    try:
        found = read_json(path)
        sets = {*found["similarity"], *found["analogy"], *found["absent"]}
        return sets == judging.sets and found["restrict_vocab"] == judging.restrict
    except (OSError, ValueError, LookupError, TypeError):
        return False


def check(run: Run, corpus_sha256: str) -> None:
    """Refuses a directory that holds another run than this one.

    Raises:
      ValueError: beginning with the path, naming the fields that differ.
    """
    stored = stored_config(run.path)
    if stored is None:
        return
    wanted = resolve(placed(run, 1), 1).to_dict()
    differing = changes(stored, json.loads(json.dumps(wanted)))
    try:
        first = read_json(run.path / "environment.json")["corpus_sha256"]
        if first != corpus_sha256:
            differing.append("the text of the corpus")
    except (OSError, ValueError, LookupError):
        pass  # not there yet; training looks again
    if differing:
        raise ValueError(
            f"{run.path}: holds a run with another config ({', '.join(differing)}); "
            "choose another --workdir, or give the same flags again"
        )


def replicas(run: Run, share: int) -> int:
    """Replicas of a run: as asked, as it was started with, or one for each core."""
    stored = (stored_config(run.path) or {}).get("replicas", 0)
    known = stored if isinstance(stored, int) else 0
    return run.config.replicas or known or share


def placed(run: Run, share: int) -> Config:
    """Its config with the replicas and the kernel that it was started with, if any."""
    kernel = run.config.kernel
    if kernel is None and (stored := stored_config(run.path)) is not None:
        kernel = stored_kernel(stored)
    return run.config.replace(replicas=replicas(run, share), kernel=kernel)


def record_failure(path: Path, code: int, line: str, seconds: float) -> None:
    """Writes failure.json.

    Args:
      path: the run directory.
      code: exit code, or minus the signal that ended the process.
      line: what it said last.
      seconds: it took.
    """
    path.mkdir(parents=True, exist_ok=True)
    failure = {
        "kind": "diverged" if code == 3 else "failed",
        "code": code,
        "error": line,
        "seconds": round(seconds, 3),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    text = json.dumps(failure, indent=2, ensure_ascii=False) + "\n"
    durable.write_whole(path / FAILURE, text.encode())


def read_failure(path: Path) -> dict[str, Any]:
    """What failure.json says; a damaged one says so."""
    try:
        return read_json(path / FAILURE)
    except (OSError, ValueError) as error:
        return {"kind": "failed", "code": 1, "error": str(error)}


def forget_failure(path: Path) -> None:
    """Removes failure.json, before another try."""
    durable.remove(path / FAILURE)
