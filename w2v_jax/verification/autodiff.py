"""Layer a: what jax.grad finds is what was derived by hand.

float64 must agree to 1e-12 of the largest entry of each gradient; or of a hundredth
of its terms taken without signs, where these cancel more than that (the gradient of a
softmax over equal vectors is zero, up to their rounding). float32 is held against the
closed form in float64, so that an error which both share would show; what it may be
off by follows from its roundings, see `float32_tolerance`.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.verification.comparison import (
    Comparison,
    Floats,
    error_map,
    in_float64,
    largest,
)
from w2v_jax.verification.inputs import cast
from w2v_jax.verification.spec import Arguments, LossSpec

TOLERANCE = 1e-12
CANCELLED = 1e-2
HESSIAN_TOLERANCE = 1e-10  # a second derivative loses what a first one does, twice

Gradients = dict[str, Any]


@functools.lru_cache(maxsize=256)
def gradient_by_jax(spec: LossSpec) -> Callable[[Arguments], Gradients]:
    """Arguments -> gradient of each vector argument by name, compiled."""

    @jax.jit
    def gradient(arguments: Arguments) -> Gradients:
        def loss(vectors: Arguments) -> jax.Array:
            return jnp.asarray(spec.loss(**(arguments | vectors)))

        return jax.grad(loss)({name: arguments[name] for name in spec.vectors})

    return gradient


@functools.lru_cache(maxsize=256)
def gradient_by_hand(spec: LossSpec) -> Callable[[Arguments], Gradients]:
    """Arguments -> the closed form's gradients by name, compiled.

    Raises:
      ValueError: on the first call, where it returns another number of gradients.
    """

    @jax.jit
    def gradient(arguments: Arguments) -> Gradients:
        found = spec.gradient(**arguments)
        found = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        if len(found) != len(spec.vectors):
            raise ValueError(
                f"{spec.label}: the closed form returns {len(found)} gradients; "
                f"return one for each of {', '.join(spec.vectors)}, in this order."
            )
        return dict(zip(spec.vectors, found, strict=True))

    return gradient


def float32_tolerance(spec: LossSpec, arguments: Arguments) -> float:
    """What float32 may be off by, relative to a sum taken without signs.

    With the unit roundoff u = 2^-24, a score of D products (over C averaged vectors)
    is off by (D + C) u Z, Z = max_w sum_i |u_wi h_i|. exp turns that into a relative
    error of p, twice for the numerator and the sum over R terms (R u more), and the
    sum over R rows adds R u. 8 stands for the rest: exp itself, products, a cast.
    """
    unit = 2.0**-24
    first = np.asarray(arguments[spec.vectors[0]])
    if len(spec.vectors) == 1:
        return unit * 8 * first.size * max(largest(first), 1.0)
    hidden, rows = _hidden_and_rows(spec, arguments)
    reach = float((np.abs(rows) @ np.abs(hidden)).max(initial=0.0))
    slots = 1 if first.ndim == 1 else len(first)
    return unit * 2 * ((hidden.size + slots) * reach + 2 * len(rows) + 8)


def _hidden_and_rows(spec: LossSpec, arguments: Arguments) -> tuple[Floats, Floats]:
    """|h| and the rows that fit it; for a context, the mean of sizes bounds |h|."""
    first = np.abs(np.asarray(arguments[spec.vectors[0]]))
    hidden = first if first.ndim == 1 else first.sum(axis=0)
    others = [np.atleast_2d(np.asarray(arguments[n])) for n in spec.vectors[1:]]
    fitting = [u for u in others if u.shape[-1] == hidden.shape[-1]]
    rows = np.concatenate(fitting) if fitting else np.zeros((1, len(hidden)))
    return hidden, rows


def unsigned_scale(spec: LossSpec, arguments: Arguments, exact: Gradients) -> float:
    """sum_w |p_w - y_w| |u_w|: the hidden gradient's size before terms cancel.

    |p_w - y_w| is read off dL/du_w = (p_w - y_w) h.
    """
    hidden, rows = _hidden_and_rows(spec, arguments)
    steps = [np.atleast_2d(np.asarray(exact[name])) for name in spec.vectors[1:]]
    fitting = [s for s in steps if s.shape[-1] == hidden.shape[-1]]
    top = largest(spec.hidden(arguments) if spec.architecture else hidden)
    if not fitting or not top:
        return 0.0
    residuals = np.abs(np.concatenate(fitting)).max(axis=1) / top
    return float((residuals * np.abs(rows).max(axis=1)).sum())


def floor(spec: LossSpec, arguments: Arguments) -> float:
    """The smallest size that an error of this spec is relative to."""
    return spec.floor * max(largest(arguments[name]) for name in spec.vectors)


@in_float64
def compare(
    spec: LossSpec, arguments: Arguments, inputs: str = "", dtype: Any = np.float64
) -> list[Comparison]:
    """Autodiff against the closed form, one comparison for each vector argument."""
    narrow = np.dtype(dtype) == np.float32
    given = cast(spec, arguments, dtype)
    found = gradient_by_jax(spec)(given)
    wide = {name: np.asarray(value, np.float64) for name, value in given.items()}
    exact_arguments = arguments | {name: wide[name] for name in spec.vectors}
    if "noise_weight" in arguments:
        exact_arguments["noise_weight"] = float(wide["noise_weight"])
    exact = gradient_by_hand(spec)(cast(spec, exact_arguments, np.float64))
    tolerance = float32_tolerance(spec, arguments) if narrow else TOLERANCE
    # Below the smallest normal number results are flushed to zero, term by term.
    tiny = float(np.finfo(dtype).tiny) * 64 * max(1.0, *map(largest, wide.values()))
    made = []
    for name in spec.vectors:
        scale = max(largest(exact[name]), floor(spec, arguments))
        if name == spec.vectors[0]:
            unsigned = unsigned_scale(spec, arguments, exact)
            scale = max(scale, unsigned if narrow else CANCELLED * unsigned)
        errors = error_map(found[name], exact[name], scale, tiny)
        made.append(
            Comparison(
                layer="autodiff",
                loss=spec.label,
                check=f"jax.grad in {np.dtype(dtype).name} = closed form",
                quantity=name,
                inputs=inputs,
                error=largest(errors),
                tolerance=tolerance,
                map=errors,
            )
        )
    return made


@functools.lru_cache(maxsize=256)
def _hessian_by_jax(spec: LossSpec) -> Callable[[Arguments], Any]:
    first = spec.vectors[0]

    @jax.jit
    def hessian(arguments: Arguments) -> Any:
        return jax.hessian(lambda h: spec.loss(**(arguments | {first: h})))(
            arguments[first]
        )

    return hessian


@in_float64
def compare_hessian(
    spec: LossSpec, arguments: Arguments, inputs: str = ""
) -> Iterator[Comparison]:
    """jax.hessian against the closed form's d2L/dh2, in float64.

    Relative to the largest entry, or to a ten-thousandth of max |u|^2 if that is
    more: a covariance is a small difference of such squares where p is concentrated.
    """
    if spec.hessian is None:
        return iter(())
    given = cast(spec, arguments, np.float64)
    found = _hessian_by_jax(spec)(given)
    exact = jax.jit(spec.hessian)(**given)
    square = max(largest(arguments[name]) for name in spec.vectors[1:]) ** 2
    errors = error_map(found, exact, max(largest(exact), 1e-4 * square))
    made = Comparison(
        layer="autodiff",
        loss=spec.label,
        check="jax.hessian = closed form",
        quantity=spec.vectors[0],
        inputs=inputs,
        error=largest(errors),
        tolerance=HESSIAN_TOLERANCE,
        map=errors,
    )
    return iter((made,))
