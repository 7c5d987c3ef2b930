"""The run directories below a folder: what finished, and what was left out and why."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from experiments import cli
from w2v_jax.config import Config, ResolvedConfig, resolve
from w2v_jax.metrics_log import read_metrics
from w2v_jax.runlog import read_json

REPORT = "report"  # what a report writes; never searched
CONFIG = "config.json"
PASSED_BY = {REPORT, "checkpoints"}  # unless a run lies in them
SWEEP, FAILURE = "sweep.json", "failure.json"
SAID_BY = ("error", "message", "reason", "why")  # where a failure.json says it


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
      path: its directory.
      config: every hyper-parameter; fields that an older version did not have are at
        their defaults.
      summary: of summary.json.
      environment: of environment.json; {} where there is none.
    """

    path: Path
    config: ResolvedConfig
    summary: dict[str, Any]
    environment: dict[str, Any]

    @property
    def seed(self) -> int:
        """The seed it was trained with."""
        return self.config.seed

    @property
    def corpus(self) -> str:
        """What tells its corpus from others: the hash, or the name without one."""
        return str(self.environment.get("corpus_sha256") or self.config.corpus)

    @property
    def vectors(self) -> str | None:
        """SHA-256 of its input vectors; None if the summary does not say."""
        hashes = self.summary.get("sha256")
        found = hashes.get("input_vectors") if isinstance(hashes, dict) else None
        return found if isinstance(found, str) else None

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; none where there is no such file.

        Raises:
          ValueError: beginning with the path: a line whose loss or words are no number.
        """
        path = self.path / "metrics.jsonl"
        lines = read_metrics(path) if path.is_file() else []
        for number, line in enumerate(lines, 1):
            for name in ("raw_words", "loss"):
                if not isinstance(line.get(name, 0.0), (int, float, type(None))):
                    raise ValueError(
                        f"{path}: line {number}: {name} is no number; delete the line"
                    )
        return lines


class LeftOut(NamedTuple):
    """A directory that the report cannot use: failed, unfinished or unreadable."""

    path: Path
    why: str


class Collection(NamedTuple):
    """All of a tree.

    Attributes:
      root: the folder searched.
      runs: in order of path.
      left_out: in order of path.
      sweep: what sweep.json says was asked for; {} without one.
    """

    root: Path
    runs: list[Run]
    left_out: list[LeftOut]
    sweep: dict[str, Any]


def collect(root: str | Path) -> Collection:
    """Every run below `root`, which may itself be one.

    Raises:
      ValueError: beginning with the path: no such folder, or no finished run in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; name the one that holds the runs")
    runs: list[Run] = []
    left_out: list[LeftOut] = []
    for folder in _folders(root):
        try:
            found = _read(folder)
        except (ValueError, OSError) as error:
            found = LeftOut(folder, cli.describe(error))
        if isinstance(found, Run):
            runs.append(found)
        elif found is not None:
            left_out.append(found)
    if not runs:
        reasons = "; ".join(f"{one.path}: {one.why}" for one in left_out[:3])
        raise ValueError(
            f"{root}: no finished run below it ({reasons or 'no summary.json'}); "
            "train one with experiments.train or experiments.ablate"
        )
    sweep = root / SWEEP
    return Collection(root, runs, left_out, read_json(sweep) if sweep.is_file() else {})


def _folders(root: Path) -> Iterator[Path]:
    for folder, inside, _ in os.walk(root):
        inside[:] = sorted(
            name
            for name in inside
            if (name not in PASSED_BY or (Path(folder, name) / CONFIG).is_file())
            and not name.startswith(".")
        )
        yield Path(folder)


def _read(folder: Path) -> Run | LeftOut | None:
    """What a folder holds: a run, something that should have become one, or nothing."""
    config = folder / CONFIG
    if (folder / "summary.json").is_file():
        if not config.is_file():
            return LeftOut(folder, "a summary.json without a config.json beside it")
        environment = folder / "environment.json"
        return Run(
            folder,
            _config(config),
            read_json(folder / "summary.json"),
            read_json(environment) if environment.is_file() else {},
        )
    if (folder / FAILURE).is_file():
        return LeftOut(folder, f"failed: {_said(read_json(folder / FAILURE))}")
    if config.is_file():
        return LeftOut(folder, "unfinished: no summary.json")
    return None


def _config(path: Path) -> ResolvedConfig:
    try:
        return resolve(Config.from_dict(read_json(path)), 1)
    except ValueError as error:
        text = str(error)
        raise ValueError(
            text if text.startswith(str(path)) else f"{path}: {text}"
        ) from None


def _said(failure: dict[str, Any]) -> str:
    """What a failure.json says, in one line, whatever its keys."""
    said = [str(failure[key]) for key in SAID_BY if failure.get(key)]
    if not said:
        said = [f"{k}: {v}" for k, v in failure.items() if not isinstance(v, dict)]
    return " ".join(" ".join(said).split()) or "no reason given"
