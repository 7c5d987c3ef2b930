"""A heat map of relative errors, coordinate by coordinate: one panel per argument."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

CHECK = "closed form = central differences"
FLOOR = 1e-18  # an error of zero is drawn as this

Maps = dict[tuple[str, str], npt.NDArray[np.float64]]


def error_maps(comparisons: Iterable[Any], check: str = CHECK) -> Maps:
    """(loss, argument) -> the largest error of each coordinate over all draws.

    Args:
      comparisons: of `w2v_jax.verification`.
      check: which of their checks to draw.
    """
    maps: Maps = {}
    for one in comparisons:
        if one.check != check or one.map is None:
            continue
        key, errors = (one.loss, one.quantity), np.atleast_2d(one.map)
        before = maps.get(key, np.zeros_like(errors))
        maps[key] = np.maximum(before, errors)
    return maps


def heat_map(comparisons: Iterable[Any], check: str = CHECK) -> bytes:
    """A PNG: a row for each loss, a panel for each argument, log10 of the error.

    Raises:
      ValueError: matplotlib is not installed, or nothing of this check was compared.
    """
    figure_class, log_norm = matplotlib_parts()
    maps = error_maps(comparisons, check)
    losses = list(dict.fromkeys(loss for loss, _ in maps))
    if not losses:
        raise ValueError(f"heat map: no comparison of {check!r} to draw.")
    columns = max(sum(loss == of for of, _ in maps) for loss in losses)
    size = (3.4 * columns + 0.8, 1.9 * len(losses) + 0.9)
    figure = figure_class(figsize=size, layout="constrained")
    grid = figure.subplots(len(losses), columns, squeeze=False)
    norm = log_norm(FLOOR, 1e-6)
    image = None
    for line, loss in zip(grid, losses, strict=True):
        names = [name for of, name in maps if of == loss]
        for axis, name in zip(line, names, strict=False):
            shown = np.clip(np.nan_to_num(maps[loss, name], posinf=1.0), FLOOR, None)
            image = axis.imshow(shown, cmap="magma", norm=norm, aspect="auto")
            axis.set_title(f"{loss}: {name}", fontsize=7)
            axis.set_xlabel("coordinate", fontsize=7)
            axis.set_ylabel("row", fontsize=7)
            axis.tick_params(labelsize=6)
        for axis in line[len(names) :]:
            axis.set_axis_off()
    figure.colorbar(image, ax=grid, shrink=0.6, label="largest relative error")
    figure.suptitle(f"{check}, every coordinate (tolerance 1e-8)", fontsize=10)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def matplotlib_parts() -> tuple[Any, Any]:
    """matplotlib's Figure and LogNorm; a bare Figure needs no display.

    Raises:
      ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.colors import LogNorm
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "heat map: matplotlib is not installed; pip install 'w2v_jax[plots]', or "
            "leave --out and --heatmap away"
        ) from None
    return Figure, LogNorm
