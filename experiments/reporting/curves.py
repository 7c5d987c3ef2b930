"""Learning curves: loss against raw words, one line a cell, a band over its seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.cells import Cell
from experiments.reporting.collect import Run

Floats = NDArray[np.float64]
POINTS = 200  # of a curve, between which it is straight
MOST = 10  # lines whose names have room beside the picture


def curve(run: Run) -> tuple[Floats, Floats] | None:
    """Raw words [N] and losses [N], nats per pair, in order; None without any."""
    lines = [
        (line["raw_words"], line["loss"])
        for line in run.metrics()
        if line.get("loss") is not None and line.get("raw_words") is not None
    ]
    if not lines:
        return None
    words, losses = np.array(sorted(lines), np.float64).T
    return words, losses


def together(runs: Sequence[Run]) -> tuple[Floats, Floats] | None:
    """Raw words [P] and the losses [n, P] of all runs there, interpolated.

    Only the stretch that every curve covers; runs without a log do not count.
    """
    curves = [found for found in map(curve, runs) if found is not None]
    if not curves:
        return None
    begin = max(words[0] for words, _ in curves)
    end = min(words[-1] for words, _ in curves)
    if end < begin:
        return None
    at = np.linspace(begin, end, POINTS if end > begin else 1)
    return at, np.stack([np.interp(at, *found) for found in curves])


def learning_curves(cells: Sequence[Cell]) -> Any | None:
    """A figure, or None where no run has a log. Bands: least and greatest over seeds.

    Cells of one training (judged by several tables) are drawn once.
    """
    from matplotlib.figure import Figure

    drawn: dict[tuple[Any, ...], tuple[str, tuple[Floats, Floats]]] = {}
    for cell in cells:
        found = together(cell.runs)
        paths = tuple(run.path for run in cell.runs)
        if found is not None and paths not in drawn:
            drawn[paths] = (cell.name, found)
    if not drawn:
        return None
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axis = figure.subplots()
    for name, (words, losses) in drawn.values():
        named = name if len(drawn) <= 2 * MOST else None
        marker = "o" if len(words) == 1 else None
        millions = words / 1e6
        (line,) = axis.plot(
            millions, losses.mean(axis=0), lw=1.2, marker=marker, label=named
        )
        axis.fill_between(
            *(millions, losses.min(axis=0), losses.max(axis=0)),
            alpha=0.2,
            color=line.get_color(),
            lw=0,
        )
    axis.set_xlabel("raw words, millions")
    axis.set_ylabel("loss, nats per pair")
    if len(drawn) <= 2 * MOST:
        figure.legend(
            loc="outside lower center", fontsize=7, ncols=1 + (len(drawn) > MOST // 2)
        )
    return figure
