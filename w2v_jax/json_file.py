"""JSON objects from files that anyone may have edited or damaged."""

import json
from pathlib import Path
from typing import Any


def read_json(path: Path) -> dict[str, Any]:
    """Reads a file that holds one JSON object; ValueError begins with the path."""
    return json_object(path, path.read_bytes())


def json_object(path: Path, text: bytes) -> dict[str, Any]:
    """The object that the bytes of a file spell.

    Raises:
      ValueError: no JSON, or no object; beginning with the path.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: no valid JSON ({error}); restore or delete the file."
        ) from None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: no JSON object; restore or delete the file.")
    return value
