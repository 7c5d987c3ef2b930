"""A field of the config with its documentation and its range, and the check of both."""

import dataclasses
import difflib
import sys
from typing import Any

MOST = 2**31 - 1  # what a whole number is at most, unless its field says less


def field_of(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A dataclass field with its documentation and its range (low <= x, x < below)."""
    metadata = {
        "help": help,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "choices": choices,
    }
    return dataclasses.field(default=default, metadata=metadata)


def did_you_mean(name: str, known: list[str]) -> str:
    """' Did you mean X?' for the nearest known name, else nothing."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def check(field: "dataclasses.Field[Any]", value: Any) -> None:
    """Raises ValueError, naming the field and its range, for a value outside it."""
    low, high, above, below = (
        field.metadata[key] for key in ("low", "high", "above", "below")
    )
    choices = field.metadata["choices"]
    optional = "None" in str(field.type)
    if value is None and optional:
        return
    kind = str if "str" in str(field.type) else None
    if choices is not None or kind is str:
        if not isinstance(value, str):
            raise ValueError(f"{field.name}={value!r}: must be a string.")
        if choices is not None and value not in choices:
            hint = did_you_mean(value, list(choices))
            raise ValueError(
                f"{field.name}={value}: must be one of {', '.join(choices)}.{hint}"
            )
        return
    if field.type is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{field.name}={value!r}: must be true or false.")
        return
    whole = "int" in str(field.type)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ValueError(
            f"{field.name}={value!r}: must be a {'whole ' if whole else ''}number."
        )
    if not abs(value) <= sys.float_info.max:  # NaN, infinite, or no float at all
        raise ValueError(f"{field.name}={value}: must be finite.")
    if low is not None and value < low:
        raise ValueError(f"{field.name}={value}: must be at least {low}.")
    high = MOST if high is None and whole else high
    if high is not None and value > high:
        raise ValueError(f"{field.name}={value}: must be at most {high}.")
    if above is not None and value <= above:
        raise ValueError(f"{field.name}={value}: must be above {above}.")
    if below is not None and value >= below:
        raise ValueError(f"{field.name}={value}: must be below {below}.")
