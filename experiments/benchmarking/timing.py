"""Seconds of calls, each waited for, in turn and more than once.

A shared machine changes its speed within minutes, so what is compared is called in
turn: a slow minute then slows all alike. The first turn warms caches and compiles,
and does not count.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

TIMES = 3  # turns that count, at least


def ready(result: Any) -> Any:
    """The result, once every array in it has been computed."""
    import jax

    return jax.block_until_ready(result)


def interleaved(
    calls: Mapping[str, Callable[[], Any]], times: int = TIMES
) -> dict[str, list[float]]:
    """Seconds of each call by name, one for each turn; one turn more goes before.

    Args:
      calls: functions of nothing. What they return is waited for, if they return any
        arrays; they may wait themselves.
      times: turns that count.

    Raises:
      ValueError: no turn at all.
    """
    if times < 1:
        raise ValueError(f"times={times}: must be at least 1.")
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(times + 1):
        for name, call in calls.items():
            begun = time.perf_counter()
            ready(call())
            if turn:
                found[name].append(time.perf_counter() - begun)
    return found


def seconds(call: Callable[[], Any], times: int = TIMES) -> float:
    """The median of the seconds of one call."""
    return median(interleaved({"": call}, times)[""])
