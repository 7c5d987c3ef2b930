"""The run directory: everything of a run, in files that are whole or absent.

    with RunDirectory(path) as run:              # locked: one process at a time
        going_on = run.begin(config.to_dict())   # False: a new run
        notes = run.record_environment(environment(corpus_sha256=...))
        with run.metrics(step) as log: log.append(step=..., loss=...)
        run.write_json("summary.json", {...})

The lock is advisory (flock): the system drops it with the process, so a killed run
leaves none.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from w2v_jax import durable
from w2v_jax.config import KERNELS
from w2v_jax.durable import array_sha256
from w2v_jax.json_file import read_json
from w2v_jax.metrics_log import MetricsLog, cut_back, read_metrics
from w2v_jax.provenance import changes, environment, peak_memory_bytes

__all__ = [
    "MetricsLog",
    "RunDirectory",
    "array_sha256",
    "environment",
    "peak_memory_bytes",
    "read_json",
    "read_metrics",
    "stored_config",
]

LOCK = ".lock"
CONFIG, ENVIRONMENT, METRICS = "config.json", "environment.json", "metrics.jsonl"
CHECKPOINTS, SUMMARY = "checkpoints", "summary.json"
# What a run writes. The config goes last: what is left by an interrupted clearing
# still says whose it was.
CONTENTS = (
    SUMMARY,
    "eval.json",
    "vectors.bin",
    "output_vectors.safetensors",
    "vocabulary.tsv",
    METRICS,
    CHECKPOINTS,
    ENVIRONMENT,
    CONFIG,
)
# Other values of these are another input: going on would mix two runs.
INPUTS = ("corpus_sha256", "tokenizer", "tokenizer_version")


class RunDirectory:
    """The directory of one run, held by this process until it is closed.

    Raises:
      ValueError: another process holds it.
      OSError: it cannot be made or written, with the name of the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.path / LOCK)
        try:
            durable.sweep(self.path, CONTENTS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drops the lock; a second call does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints; `checkpoint.save` makes it."""
        return self.path / CHECKPOINTS

    @property
    def finished(self) -> bool:
        """Whether the run has written its summary, which comes last of all."""
        return (self.path / SUMMARY).exists()

    def config(self) -> dict[str, Any] | None:
        """The config of the run that the directory holds; None if there is none."""
        return self.read_json(CONFIG) if (self.path / CONFIG).exists() else None

    def begin(
        self,
        config: Mapping[str, Any],
        overwrite: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> bool:
        """Claims the directory for a run with this config and writes it down.

        Args:
          config: every field, resolved.
          overwrite: clear the directory of a run with another config or other INPUTS,
            or of one that is finished. An unfinished run with the same goes on all the
            same, so that a command given again after a kill loses nothing.
          facts: with the INPUTS of this run; None: not compared.

        Returns:
          Whether an earlier run with this config goes on.

        Raises:
          ValueError: the directory holds a run with another config; the message names
            the fields that differ.
        """
        wanted = json.loads(json.dumps(dict(config)))  # as the file gives it back
        other = overwrite and (self._unlike(wanted) or self._other_inputs(facts))
        if overwrite and (self.finished or other):
            self.clear()
        if unlike := self._unlike(wanted):
            raise ValueError(
                f"{self.path}: holds a run with {unlike}; choose another directory, "
                "give the same flags again, or clear it with --overwrite."
            )
        if (self.path / CONFIG).exists():
            return True
        self.write_json(CONFIG, wanted)
        return False

    def _unlike(self, wanted: Mapping[str, Any]) -> str:
        """How the run in the directory differs from the config; "" if it does not."""
        try:
            old = self.config()
        except ValueError as error:
            return f"a config that cannot be read ({error})"
        if old is not None:
            fields = ", ".join(changes(old, wanted))
            return f"another config ({fields})" if fields else ""
        there = [name for name in CONTENTS if (self.path / name).exists()]
        return f"{', '.join(there)} but no {CONFIG}" if there else ""

    def _other_inputs(self, facts: Mapping[str, Any] | None) -> list[str]:
        """How the run's inputs differ from those; what cannot be read is another."""
        if facts is None or not (self.path / ENVIRONMENT).exists():
            return []
        try:
            known = self.read_json(ENVIRONMENT)
        except ValueError as error:
            return [str(error)]
        return changes(*({n: d.get(n) for n in INPUTS} for d in (known, facts)))

    def record_environment(self, values: Mapping[str, Any]) -> list[str]:
        """Writes `environment.json`, or compares with that of the run's first start.

        What has changed since then is added to the file under "resumed".

        Returns:
          What has changed, for a warning: the same bits are then not promised.

        Raises:
          ValueError: the input has changed (corpus or tokenizer).
        """
        values = json.loads(json.dumps(dict(values)))
        if not (self.path / ENVIRONMENT).exists():
            self.write_json(ENVIRONMENT, values)
            return []
        first = self.read_json(ENVIRONMENT)
        earlier = first.get("resumed", [])
        if not isinstance(earlier, list):
            raise ValueError(
                f"{self.path / ENVIRONMENT}: resumed is no list; delete that entry"
            )
        known = {name: value for name, value in first.items() if name != "resumed"}
        new = {name: v for name, v in values.items() if v != known.get(name)}
        if inputs := changes(*({n: d.get(n) for n in INPUTS} for d in (known, values))):
            raise ValueError(
                f"{self.path}: its run was started on another input "
                f"({', '.join(inputs)}); choose another directory, or --overwrite."
            )
        new.pop("command_line", None)
        if new and new not in earlier:
            self.write_json(ENVIRONMENT, {**known, "resumed": [*earlier, new]})
        return changes({name: known.get(name) for name in new}, new)

    def metrics(self, step: int | None) -> tuple[MetricsLog, list[str]]:
        """The log to append to, cut back to a checkpoint's step, and messages.

        See `metrics_log.cut_back`; None where the run starts anew.
        """
        path = self.path / METRICS
        messages = cut_back(path, step)
        return MetricsLog(path), messages

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Writes one object whole, indented, in the order given."""
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> None:
        """Writes a text whole, as UTF-8."""
        durable.write_whole(self.path / name, text.encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Reads one object.

        Raises:
          ValueError: beginning with the path, where it is no JSON object.
        """
        return read_json(self.path / name)

    def clear(self) -> None:
        """Removes what runs write here, and nothing else."""
        for name in CONTENTS:
            durable.remove(self.path / name)
        durable.sync_folder(self.path)


def read_summary(path: Path) -> dict[str, Any]:
    """The summary of a finished run, with what is told of one at its end.

    Raises:
      ValueError: beginning with the path, where it is none.
    """
    summary = read_json(path)
    none = type(None)  # unknown after no step
    for name, kinds in {
        "raw_words": (int,),
        "train_seconds": (int, float),
        "peak_memory_bytes": (int, float),
        "words_per_second": (int, float, none),
        "final_loss": (int, float, none),
    }.items():
        if not isinstance(summary.get(name, ""), kinds):
            raise ValueError(
                f"{path}: {name} is missing or no number; delete the file, and the run "
                "ends again from its last checkpoint"
            )
    return summary


def stored_config(path: str | Path) -> dict[str, Any] | None:
    """The config that a run directory holds, read without its lock.

    For what must be known before jax starts: a run that goes on keeps its number of
    replicas, whatever devices there are now. None where there is no config that can
    be read; `RunDirectory.begin` then says why.
    """
    try:
        return read_json(Path(path) / CONFIG)
    except (OSError, ValueError):
        return None


def stored_kernel(stored: Mapping[str, Any]) -> str:
    """The kernel of a stored config; older versions had XLA's alone."""
    kernel = stored.get("kernel")
    return kernel if isinstance(kernel, str) and kernel in KERNELS else "xla"


def _locked(path: Path) -> int:
    """An open file with the lock; programs that this process starts do not get it."""
    with durable.named(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise ValueError(
                f"{path.parent}: process {holder or 'unknown'} is at work on this run "
                "directory; wait for it, stop it, or choose another directory."
            ) from None
        except BaseException:
            os.close(lock)
            raise
    return lock
