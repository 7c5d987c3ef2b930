"""Pictures of quality: against each swept flag, against time, and over two flags.

Every function returns a figure or None where there is nothing to draw. Points carry
the interval that the tables show; a band or bar that shows another thing says so.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.reporting.analysis import Analysis
from experiments.reporting.budgets import pareto
from experiments.reporting.cells import Cell
from experiments.reporting.intervals import Estimate
from experiments.reporting.measures import Measure
from experiments.reporting.tables import POINTS

LINES = 8  # more than so many on one panel cannot be told apart
WIDTH, HEIGHT = 3.6, 3.1  # of a panel, in inches
ACROSS = 3  # panels
RANGE = 20  # largest over smallest, from which an axis is logarithmic


def panels(count: int, width: float = WIDTH, height: float = HEIGHT) -> tuple[Any, Any]:
    """A figure with so many panels, three a row, and their axes."""
    from matplotlib.figure import Figure

    across = min(count, ACROSS)
    down = -(-count // ACROSS)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for empty in axes[count:]:
        empty.set_axis_off()
    return figure, axes[:count]


def label(measure: Measure) -> str:
    """What an axis of the measure says."""
    kind = "Spearman × 100" if measure.kind == "similarity" else "% right"
    return f"{measure.name}, {kind}"


def numeric(cells: Sequence[Cell], field: str) -> bool:
    """Whether the values of a field are numbers to be put on an axis."""
    values = [cell.settings[field] for cell in cells]
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def against_flag(analysis: Analysis, field: str) -> Any | None:
    """Quality against one swept flag: lines for numbers, bars for names.

    One line or group of bars for each setting of the other swept flags; more than
    `LINES` of them are thinned to those that vary the flag most.
    """
    groups = _others_alike(analysis, field)
    if not groups or not analysis.measures:
        return None
    figure, axes = panels(len(analysis.measures))
    draw = _lines if numeric(analysis.grid.cells, field) else _bars
    for axis, measure in zip(axes, analysis.measures, strict=True):
        draw(axis, analysis, measure, field, groups)
        axis.set_xlabel(f"--{field}")
        axis.set_ylabel(label(measure))
    if len(groups) > 1:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(
            handles,
            names,
            loc="outside lower center",
            fontsize=7,
            ncols=min(len(axes), 2),
        )
    return figure


def _others_alike(analysis: Analysis, field: str) -> dict[str, list[Cell]]:
    """Cells by their other swept fields, where the field takes two values or more."""
    others = [name for name in analysis.grid.swept if name != field]
    groups: dict[str, list[Cell]] = {}
    for cell in analysis.grid.cells:
        name = ", ".join(f"{other}={cell.settings[other]}" for other in others)
        groups.setdefault(name, []).append(cell)
    varied = {
        name: cells
        for name, cells in groups.items()
        if len({cell.settings[field] for cell in cells}) > 1
    }
    if not varied and len(others) and numeric(analysis.grid.cells, field):
        return {"": list(analysis.grid.cells)}  # random draws: no two agree in the rest
    kept = sorted(varied, key=lambda name: -len(varied[name]))[:LINES]
    return {name: cells for name, cells in varied.items() if name in kept}


def _lines(
    axis: Any,
    analysis: Analysis,
    measure: Measure,
    field: str,
    groups: dict[str, list[Cell]],
) -> None:
    values = []
    for name, cells in groups.items():
        points = _points(analysis, measure, cells)
        if not points:
            continue
        x = np.array([cell.settings[field] for cell, _ in points], float)
        y, low, high = _arrays([one for _, one in points])
        order = np.argsort(x, kind="stable")
        x, y, low, high = x[order], y[order], low[order], high[order]
        values += x.tolist()
        if len(set(x)) == len(x):
            (line,) = axis.plot(x, y, "o-", ms=3, lw=1.2, label=name or None)
            axis.fill_between(x, low, high, alpha=0.15, color=line.get_color(), lw=0)
        else:
            axis.errorbar(x, y, [y - low, high - y], fmt="o", ms=3, lw=0.8)
    above = [x for x in values if x > 0]
    if above and min(values) >= 0 and max(above) / min(above) >= RANGE:
        if len(above) == len(values):
            axis.set_xscale("log")
        else:  # a flag that 0 turns off
            axis.set_xscale("symlog", linthresh=min(above))


def _bars(
    axis: Any,
    analysis: Analysis,
    measure: Measure,
    field: str,
    groups: dict[str, list[Cell]],
) -> None:
    names = list(
        dict.fromkeys(str(cell.settings[field]) for cell in analysis.grid.cells)
    )
    width = 0.8 / len(groups)
    lowest = []
    for place, (group, cells) in enumerate(groups.items()):
        points = _points(analysis, measure, cells)
        if not points:
            continue
        y, low, high = _arrays([one for _, one in points])
        at = [names.index(str(cell.settings[field])) for cell, _ in points]
        x = np.array(at) + (place - (len(groups) - 1) / 2) * width
        errors = [y - low, high - y]
        axis.bar(x, y, width * 0.9, yerr=errors, capsize=2, label=group or None)
        lowest += low.tolist()
    axis.set_xticks(range(len(names)), names, rotation=15, ha="right", fontsize=8)
    if lowest and min(lowest) < 0:
        axis.axhline(0, color="black", lw=0.8)


def _points(
    analysis: Analysis, measure: Measure, cells: Sequence[Cell]
) -> list[tuple[Cell, Estimate]]:
    found = ((cell, analysis.scores.get((cell.name, measure.name))) for cell in cells)
    return [(cell, one) for cell, one in found if one is not None]


def _arrays(estimates: Sequence[Estimate]) -> tuple[Any, Any, Any]:
    """Means and ends of the intervals in points; a mean inside its own interval."""
    means = np.array([one.mean for one in estimates])
    ends = np.array([one.shown or (one.mean, one.mean) for one in estimates])
    low, high = np.minimum(ends[:, 0], means), np.maximum(ends[:, 1], means)
    return POINTS * means, POINTS * low, POINTS * high


def against_time(analysis: Analysis) -> Any | None:
    """Quality against seconds of training; cells that no other beats are joined.

    Cells are known by their places in the grid, from 1.
    """
    numbers = {cell.name: place for place, cell in enumerate(analysis.grid.cells, 1)}
    seconds = {
        cell.name: analysis.costs[cell.name, "train_seconds"].mean
        for cell in analysis.grid.cells
        if (cell.name, "train_seconds") in analysis.costs
    }
    if len(seconds) < 2 or not analysis.measures:
        return None
    figure, axes = panels(len(analysis.measures))
    for axis, measure in zip(axes, analysis.measures, strict=True):
        points = {
            name: (spent, POINTS * analysis.scores[name, measure.name].mean)
            for name, spent in seconds.items()
            if (name, measure.name) in analysis.scores
        }
        front = pareto(points)
        for name, (x, y) in points.items():
            one = analysis.scores[name, measure.name]
            (y,), (low,), (high,) = _arrays([one])
            on = name in front
            color = "tab:red" if on else "tab:gray"
            bar = [[y - low], [high - y]]
            axis.errorbar([x], [y], bar, fmt="o", color=color, ms=4, lw=0.8)
            number = str(numbers[name])
            axis.annotate(
                number, (x, y), (3, 3), textcoords="offset points", fontsize=7
            )
        joined = np.array([points[name] for name in front])
        if len(joined):
            axis.plot(*joined.T, color="tab:red", lw=0.8)
        axis.set_xlabel("training, s")
        axis.set_ylabel(label(measure))
    return figure


def two_way(analysis: Analysis) -> dict[str, Any]:
    """Heat maps of quality over every two swept flags of which all pairs were run.

    Where several cells share a pair, the map shows their mean.
    """
    made = {}
    cells = analysis.grid.cells
    for first, second in itertools.combinations(analysis.grid.swept, 2):
        rows = list(dict.fromkeys(cell.settings[first] for cell in cells))
        columns = _in_order([cell.settings[second] for cell in cells])
        pairs = {(cell.settings[first], cell.settings[second]) for cell in cells}
        if len(pairs) < len(rows) * len(columns) or not analysis.measures:
            continue
        figure, axes = panels(len(analysis.measures))
        for axis, measure in zip(axes, analysis.measures, strict=True):
            _heat(axis, analysis, measure, (first, rows), (second, columns))
        made[f"{first}_{second}"] = figure
    return made


def _in_order(values: Sequence[Any]) -> list[Any]:
    found = list(dict.fromkeys(values))
    return sorted(found, key=lambda v: (isinstance(v, str), v))


def _heat(
    axis: Any,
    analysis: Analysis,
    measure: Measure,
    down: tuple[str, list[Any]],
    across: tuple[str, list[Any]],
) -> None:
    (first, rows), (second, columns) = down, across
    shown = np.full((len(rows), len(columns)), np.nan)
    for i, j in np.ndindex(shown.shape):
        wanted = {first: rows[i], second: columns[j]}
        alike = [
            cell
            for cell in analysis.grid.cells
            if wanted.items() <= cell.settings.items()
        ]
        found = [one.mean for _, one in _points(analysis, measure, alike)]
        if found:
            shown[i, j] = POINTS * np.mean(found)
    picture = axis.imshow(shown, aspect="auto", cmap="viridis")
    middle = np.nanmean(shown) if np.isfinite(shown).any() else 0.0
    for i, j in np.ndindex(shown.shape):
        if np.isfinite(shown[i, j]):
            color = "white" if shown[i, j] < middle else "black"
            text = f"{shown[i, j]:.1f}"
            axis.text(j, i, text, ha="center", va="center", color=color, fontsize=7)
    axis.set_xticks(range(len(columns)), columns, fontsize=7)
    axis.set_yticks(range(len(rows)), rows, fontsize=7)
    axis.set_xlabel(f"--{second}")
    axis.set_ylabel(f"--{first}")
    axis.set_title(label(measure), fontsize=9)
    axis.figure.colorbar(picture, ax=axis, shrink=0.8)
