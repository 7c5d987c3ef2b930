"""What a token costs against a swept number: an exponent fitted to the runs.

    seconds of training per kept token  ~  x ^ e

by least squares on logarithms, one point a cell. An exponent of 1 is O(x), of 0 O(1);
O(log x) is a small one that falls as x grows. Kept tokens, because words outside the
vocabulary and those subsampled away cost nothing.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.analysis import Analysis
from experiments.reporting.budgets import LENGTH
from experiments.reporting.cells import Cell
from experiments.reporting.intervals import Interval
from experiments.reporting.plots import panels
from experiments.reporting.tables import (
    NOTHING,
    Field,
    TableData,
    interval_text,
    number_text,
)

Floats = NDArray[np.float64]
FEWEST = 3  # values from which an exponent has an error


class Scaling(NamedTuple):
    """The cells of one group along one flag.

    Attributes:
      field: the flag.
      group: the settings of the other swept flags.
      x: [P] values, rising; for --max_vocabulary the size that the vocabulary had.
      seconds: [P] mean microseconds per kept token.
      exponent: fitted.
      interval: Student's, P - 2 degrees of freedom.
    """

    field: str
    group: str
    x: Floats
    seconds: Floats
    exponent: float
    interval: Interval


def scalings(analysis: Analysis) -> list[Scaling]:
    """Every swept flag of whole numbers, in every group with three values or more."""
    made = []
    for field in analysis.grid.swept:
        values = [cell.settings[field] for cell in analysis.grid.cells]
        whole = all(type(value) is int for value in values)
        if not whole or field in LENGTH:
            continue
        others = [name for name in analysis.grid.swept if name != field]
        groups: dict[str, dict[float, float]] = {}
        for cell in analysis.grid.cells:
            point = _point(cell, field)
            if point is not None:
                name = ", ".join(f"{other}={cell.settings[other]}" for other in others)
                groups.setdefault(name, {})[point[0]] = point[1]
        for name, points in groups.items():
            if len(points) >= FEWEST:
                x, y = np.array(sorted(points.items())).T
                made.append(Scaling(field, name, x, y, *fit(x, y, analysis.level)))
    return made


def _point(cell: Cell, field: str) -> tuple[float, float] | None:
    """The flag's value and the cost; None where the summaries do not say."""
    costs = []
    for run in cell.runs:
        spent, kept = (run.summary.get(k) for k in ("train_seconds", "kept_tokens"))
        if not spent or not kept:
            return None
        costs.append(1e6 * spent / kept)
    x = cell.settings[field]
    if field == "max_vocabulary":
        x = cell.runs[0].summary.get("vocabulary") or x
    return (float(x), float(np.mean(costs))) if x > 0 else None


def fit(x: Floats, y: Floats, level: float) -> tuple[float, Interval]:
    """The exponent of y ~ x ^ e, and Student's interval; two points have none.

    Args:
      x: [P], positive, not all alike.
      y: [P], positive.
      level: of the interval.
    """
    from scipy.stats import t

    u, v = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = float(u @ v / (u @ u))
    if len(x) < FEWEST:
        return slope, None
    rest = v - slope * u
    error = np.sqrt(rest @ rest / (len(x) - 2) / (u @ u))
    half = float(t.ppf((1 + level) / 2, len(x) - 2) * error)
    return slope, (slope - half, slope + half)


def table(found: list[Scaling], level: float) -> TableData | None:
    """One row an exponent; None where there is none."""
    if not found:
        return None
    rows = [
        (
            Field(f"--{one.field}"),
            Field(one.group or NOTHING),
            Field(f"{one.x[0]:,.0f} to {one.x[-1]:,.0f}"),
            Field(f"{one.seconds[0]:.3g} to {one.seconds[-1]:.3g}"),
            Field(
                number_text(one.exponent), False, interval_text(one.interval, 2, 1.0)
            ),
        )
        for one in found
    ]
    plain = [
        (one.field, one.group, x, seconds, one.exponent, *(one.interval or ("", "")))
        for one in found
        for x, seconds in zip(one.x, one.seconds, strict=True)
    ]
    return TableData(
        "scaling",
        "Cost of a kept token",
        ("flag", "of", "from, to", "µs, from, to", "exponent"),
        tuple(rows),
        "Seconds of training per kept token against the flag, fitted as a power of it, "
        f"one point a cell; [{100 * level:g} % interval, Student's]. 1: in proportion; "
        "0: no dependence; a logarithm looks like a small exponent.",
        (("flag", "of", "x", "microseconds", "exponent", "low", "high"), tuple(plain)),
        texts=2,
    )


def figure(found: list[Scaling]) -> Any | None:
    """Cost against each flag on logarithmic axes, with the fitted lines."""
    fields = list(dict.fromkeys(one.field for one in found))
    if not fields:
        return None
    drawn, axes = panels(len(fields))
    for axis, field in zip(axes, fields, strict=True):
        for one in found:
            if one.field == field:
                name = f"{one.group} ({one.exponent:.2f})".strip()
                (line,) = axis.plot(one.x, one.seconds, "o", ms=3, label=name)
                middle = (
                    np.exp(np.log(one.x).mean()),
                    np.exp(np.log(one.seconds).mean()),
                )
                fitted = middle[1] * (one.x / middle[0]) ** one.exponent
                axis.plot(one.x, fitted, lw=0.9, color=line.get_color())
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel(f"--{field}")
        axis.set_ylabel("µs per kept token")
        axis.legend(fontsize=6)
    return drawn
