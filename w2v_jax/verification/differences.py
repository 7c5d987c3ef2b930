"""Layer b: the closed form is the slope of the loss, measured without calculus.

Central differences of the sixth order in every coordinate; and, where the loss is an
analytic function, a complex step, which subtracts nothing and so loses no digits. At
scores beyond 30 the loss is compared with its limits, see `identities`.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from w2v_jax.verification.autodiff import (
    CANCELLED,
    floor,
    gradient_by_hand,
    unsigned_scale,
)
from w2v_jax.verification.comparison import (
    Comparison,
    error_map,
    in_float64,
    largest,
)
from w2v_jax.verification.inputs import cast
from w2v_jax.verification.spec import Arguments, LossSpec

TOLERANCE = 1e-8
COMPLEX_TOLERANCE = 1e-12  # as exact as the gradient itself: no step error, no loss

# f'(x) = sum_k w_k (f(x + k s) - f(x - k s)) / s + O(s^6 f^(7) / 140)
_PLACES = np.array([1.0, 2, 3, -1, -2, -3])
_WEIGHTS = np.array([45.0, -9, 1]) / 60
_COMPLEX_STEP = 1e-30


def steps(spec: LossSpec, arguments: Arguments) -> dict[str, float]:
    """The step for each vector argument.

    A step of 0.02 in a score leaves (0.02)^6 / 140 = 5e-13 of the seventh derivative,
    and rounding adds 2^-53 x 30 / 0.02 = 2e-13; both are far below 1e-8. The score
    moves with the largest entry of the other vectors. A cap keeps the step small
    beside the argument itself, for losses that are not made of scores.
    """
    made = {}
    for name in spec.vectors:
        others = [largest(arguments[other]) for other in spec.vectors if other != name]
        cap = 0.1 * max(1.0, largest(arguments[name]))
        made[name] = min(0.02 / max([*others, 1e-3]), cap)
    return made


@functools.lru_cache(maxsize=256)
def _central(spec: LossSpec) -> Callable[[Arguments, dict[str, float]], Any]:
    @jax.jit
    def slopes(arguments: Arguments, step: dict[str, jax.Array]) -> Any:
        vectors = {name: arguments[name] for name in spec.vectors}
        flat, unravel = ravel_pytree(vectors)
        width, _ = ravel_pytree(
            {name: jnp.full(v.shape, step[name]) for name, v in vectors.items()}
        )

        def at(moved: jax.Array) -> jax.Array:
            return jnp.asarray(spec.loss(**(arguments | unravel(moved))))

        shifts = _PLACES[:, None, None] * jnp.diag(width)[None, :, :]
        ahead, behind = jnp.split(
            jax.vmap(jax.vmap(at))(flat[None, None, :] + shifts), 2
        )
        return unravel((_WEIGHTS[:, None] * (ahead - behind)).sum(axis=0) / width)

    return slopes


@functools.lru_cache(maxsize=256)
def _complex(spec: LossSpec) -> Callable[[Arguments], Any]:
    @jax.jit
    def slopes(arguments: Arguments) -> Any:
        flat, unravel = ravel_pytree({n: arguments[n] for n in spec.vectors})
        places = list(
            itertools.accumulate(arguments[n].size for n in sorted(spec.vectors))
        )

        def at(moved: jax.Array) -> jax.Array:
            pieces = jnp.split(moved, places[:-1])
            parts = {
                name: piece.reshape(arguments[name].shape)
                for name, piece in zip(sorted(spec.vectors), pieces, strict=True)
            }
            return jnp.imag(spec.loss(**(arguments | parts))) / _COMPLEX_STEP

        shifts = jnp.eye(flat.size) * _COMPLEX_STEP
        base = jnp.broadcast_to(flat, shifts.shape)
        return unravel(jax.vmap(at)(jax.lax.complex(base, shifts)))

    return slopes


@in_float64
def compare(spec: LossSpec, arguments: Arguments, inputs: str = "") -> list[Comparison]:
    """The closed form against measured slopes, for each vector argument.

    Central differences are relative to the largest entry of the whole gradient, as
    every coordinate shares the rounding of one loss; complex steps to that of the
    argument's own.
    """
    given = cast(spec, arguments, np.float64)
    by_hand = gradient_by_hand(spec)(given)
    measured = {"central differences": _central(spec)(given, steps(spec, arguments))}
    if spec.complex_step:
        measured["complex step"] = _complex(spec)(given)
    whole = max(largest(by_hand[name]) for name in spec.vectors)
    tiny = float(np.finfo(np.float64).tiny)
    made = []
    for method, name in itertools.product(measured, spec.vectors):
        central = method == "central differences"
        scale = whole if central else largest(by_hand[name])
        scale = max(scale, floor(spec, arguments))
        if name == spec.vectors[0]:
            scale = max(scale, CANCELLED * unsigned_scale(spec, arguments, by_hand))
        errors = error_map(by_hand[name], measured[method][name], scale, tiny)
        made.append(
            Comparison(
                layer="differences",
                loss=spec.label,
                check=f"closed form = {method}",
                quantity=name,
                inputs=inputs,
                error=largest(errors),
                tolerance=TOLERANCE if central else COMPLEX_TOLERANCE,
                map=errors,
            )
        )
    return made
