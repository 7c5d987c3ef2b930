"""metrics.jsonl: one flat JSON object a line, appended while a run goes on."""

import json
import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from w2v_jax import durable


class MetricsLog:
    """Appends lines, each on the disk before `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable.named(path):
            self._file = path.open("ab", buffering=0)

    def append(self, /, **values: Any) -> None:
        """Adds one line.

        Raises:
          ValueError: a value that is not a number, a string, a truth value or None. A
            float that is not finite becomes null, which every JSON reader knows.
          OSError: with the file's name; at most an unfinished last line is left, which
            `cut_back` drops.
        """
        line = json.dumps({name: _flat(name, v) for name, v in values.items()}) + "\n"
        with durable.named(self.path):
            rest = memoryview(line.encode())
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file; appending is an error from then on."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _flat(name: str, value: Any) -> Any:
    if not isinstance(value, (str, bool, type(None))):
        value = value.item() if getattr(value, "ndim", None) == 0 else value
        if not isinstance(value, (int, float)):
            raise ValueError(f"{name}={value!r}: a metric is one number or string.")
        if not math.isfinite(value):
            return None
    return value


def cut_back(path: Path, step: int | None) -> list[str]:
    """Makes the log what it was at a checkpoint, for a run that goes on from there.

    Keeps the lines whose `step` is at most `step` (None: no checkpoint, so no line)
    and drops those that a kill has torn. The file is replaced as a whole.

    Returns:
      A message for each line dropped that is no JSON object with a step, the
      unfinished last one left out: that one every kill may leave.
    """
    if not path.exists():
        return []
    with durable.named(path):
        lines = path.read_bytes().split(b"\n")
    kept, messages = [], []
    for number, line in enumerate(lines[:-1], 1):  # the last has no line feed
        at = _step(line)
        if at is None:
            messages.append(f"{path}: line {number} is no metric, dropped")
        elif step is not None and at <= step:
            kept.append(line + b"\n")
    durable.write_whole(path, b"".join(kept))
    return messages


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All lines of a log, a torn last one left out.

    Raises:
      ValueError: another line that is no JSON object; the message names it.
    """
    with durable.named(path):
        lines = path.read_bytes().split(b"\n")
    values = []
    for number, line in enumerate(lines[:-1], 1):
        value = _parsed(line)
        if value is None:
            raise ValueError(f"{path}: line {number}: no JSON object; delete the line.")
        values.append(value)
    return values


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _step(line: bytes) -> int | None:
    step = (_parsed(line) or {}).get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) else None
