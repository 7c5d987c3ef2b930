"""Names of cells: readable, safe in a file system, one for each cell."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

PLAIN = "default"  # the cell in which nothing is swept
LONGEST = 200  # bytes; file systems take 255, and a report may add to it
_UNSAFE = re.compile(r"[^A-Za-z0-9._=,+-]+")


def value_text(value: Any) -> str:
    """A value as it is written on a command line: true, none, 1e-05, 5."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def cell_name(overrides: Mapping[str, Any], label: str = "") -> str:
    """`objective=softmax,window=2`, with a cell's own name before it if it has one.

    A value with characters that a file system might mind, as the path of a corpus, has
    them replaced, and a few digits of a hash keep the name its own.
    """
    parts = [label] if label else []
    parts += [f"{name}={value_text(value)}" for name, value in overrides.items()]
    return safe_name(",".join(parts) or PLAIN)


def safe_name(text: str) -> str:
    """The text where it is safe as the name of a folder, otherwise one made from it."""
    name = _UNSAFE.sub("-", text)
    if name == text and 0 < len(name) <= LONGEST and name[0] not in ".-":
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name.strip('.-')[: LONGEST - 9] or 'cell'}-{digest}"
