"""One comparison of two numbers that should be the same, and how far they are apart."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
P = ParamSpec("P")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The outcome of one check.

    Attributes:
      layer: autodiff, differences, identities, training_path or mutation.
      loss: name of the loss, with its architecture.
      check: what is compared with what.
      quantity: the argument or the identity that it is about.
      inputs: size of the scores, case and float type.
      error: the largest difference, relative to the largest entry expected; a number
        that is not finite anywhere makes it infinite.
      tolerance: the largest error that passes.
      map: the relative error of every coordinate, where there are coordinates.
    """

    layer: str
    loss: str
    check: str
    quantity: str
    inputs: str
    error: float
    tolerance: float
    map: Floats | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


def error_map(found: Any, expected: Any, scale: float, smallest: float = 0.0) -> Floats:
    """|found - expected| / scale for each coordinate.

    Args:
      found: any shape.
      expected: the same shape.
      scale: the size that errors are relative to, usually the largest entry expected.
      smallest: differences up to this count as none; for underflow.

    Returns:
      float64 of the same shape; infinite where either number is not finite, or where
      something differs though the scale is zero.
    """
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return np.full(expected.shape, math.inf)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.abs(found - expected)
        gap = np.where(gap <= smallest, 0.0, gap)
        relative = np.where(gap == 0, 0.0, gap / scale)
    return np.where(np.isfinite(found) & np.isfinite(expected), relative, math.inf)


def largest(values: Any) -> float:
    """The largest absolute entry; zero if there is none."""
    return float(np.abs(np.asarray(values, np.float64)).max(initial=0.0))


def worst(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """For each (layer, loss, check, quantity) the comparison nearest to failing."""
    chosen: dict[tuple[str, ...], Comparison] = {}
    for one in comparisons:
        key = (one.layer, one.loss, one.check, one.quantity)
        if key not in chosen or _badness(one) > _badness(chosen[key]):
            chosen[key] = one
    return list(chosen.values())


def _badness(one: Comparison) -> float:
    return one.error / one.tolerance if one.tolerance else math.inf * one.error


def in_float64(function: Callable[P, R]) -> Callable[P, R]:
    """Runs a function with 64-bit floats enabled, whatever the process has set."""

    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    wrapped.__doc__, wrapped.__name__ = function.__doc__, function.__name__
    return wrapped
