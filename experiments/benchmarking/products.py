"""The matrix products of a function, found in its jaxpr: shapes and flop."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np


class Product(NamedTuple):
    """A `dot_general`.

    Attributes:
      left, right: shapes.
      axes: its dimension numbers.
      times: how often it runs in one call.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    axes: Any
    times: int

    @property
    def flop(self) -> int:
        """Of all its runs: a multiplication and an addition for each term."""
        (_, summed), (_, batch) = self.axes
        free = math.prod(self.left)
        skipped = {*summed, *batch}
        other = [n for axis, n in enumerate(self.right) if axis not in skipped]
        return 2 * free * math.prod(other) * self.times

    def operands(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Random float32 arrays of its shapes."""
        first = rng.standard_normal(self.left, np.float32)
        return first, rng.standard_normal(self.right, np.float32)


def products(function: Callable[..., Any], *arguments: Any) -> list[Product]:
    """The products that one call computes, those that no result needs left out.

    What a `scan` repeats counts as often; of a `while` one turn counts.
    """
    return list(_found(jax.make_jaxpr(function)(*arguments).jaxpr, 1))


def _found(jaxpr: Any, times: int) -> Iterator[Product]:
    live = {var for var in jaxpr.outvars if not hasattr(var, "val")}
    needed = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or live.intersection(equation.outvars):
            live.update(var for var in equation.invars if not hasattr(var, "val"))
            needed.append(equation)
    for equation in reversed(needed):
        if equation.primitive.name == "dot_general":
            left, right = (var.aval.shape for var in equation.invars)
            yield Product(left, right, equation.params["dimension_numbers"], times)
            continue
        turns = times * equation.params.get("length", 1)
        if not turns:  # a scan over nothing
            continue
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from _found(inner, turns)
