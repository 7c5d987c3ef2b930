"""Layer c: what must hold whatever the numbers are, and the limits beyond numbers.

These do not compare the loss with its own derivation, so they also notice a loss and
a closed form that are wrong in the same way.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.verification.autodiff import (
    floor,
    gradient_by_hand,
    gradient_by_jax,
)
from w2v_jax.verification.comparison import (
    Comparison,
    Floats,
    error_map,
    in_float64,
    largest,
)
from w2v_jax.verification.inputs import cast
from w2v_jax.verification.spec import Arguments, LossSpec

# A few dozen roundings of 2^-53; scores of 1e4 enter with an absolute error of 1e-11,
# but only where p is 0 or 1 to all digits.
TOLERANCE = 1e-12
# exp(-GAP) is below 2^-53 squared: scores this far apart have reached their limit.
GAP = 80.0

Check = Callable[[str, Any, Any, float], Comparison]


def _checker(spec: LossSpec, inputs: str, check: str) -> Check:
    def made(quantity: str, found: Any, expected: Any, scale: float) -> Comparison:
        tiny = float(np.finfo(np.float64).tiny) * max(1.0, scale)
        errors = error_map(found, expected, scale, tiny)
        return Comparison(
            layer="identities",
            loss=spec.label,
            check=check,
            quantity=quantity,
            inputs=inputs,
            error=largest(errors),
            tolerance=TOLERANCE,
            map=errors,
        )

    return made


def _loss(spec: LossSpec, arguments: Arguments) -> float:
    return float(jnp.asarray(jax.jit(spec.loss)(**cast(spec, arguments, np.float64))))


@in_float64
def is_bilinear(spec: LossSpec, arguments: Arguments) -> bool:
    """Whether the loss sees its vectors only through products u . h.

    Then it does not change when h is doubled and every u is halved, which are exact
    in binary floats.
    """
    first, *others = spec.vectors
    if not others:
        return False
    moved = {name: arguments[name] / 2 for name in others}
    moved[first] = arguments[first] * 2
    before, after = _loss(spec, arguments), _loss(spec, arguments | moved)
    return abs(after - before) <= TOLERANCE * max(abs(before), 1.0)


@in_float64
def scores_only(
    spec: LossSpec, arguments: Arguments, inputs: str = ""
) -> list[Comparison]:
    """Identities of every loss of scores u . h; none for a loss that is not of them.

    <h, dL/dh> = sum_w <u_w, dL/du_w>, both being sum_w z_w dL/dz_w; and each dL/du_w
    is parallel to h. Both gradients, by jax and by hand, must obey.
    """
    if not spec.architecture and not is_bilinear(spec, arguments):
        return []
    given = cast(spec, arguments, np.float64)
    first, *others = spec.vectors
    made = []
    for method, gradient in (("jax", gradient_by_jax), ("hand", gradient_by_hand)):
        check = _checker(spec, inputs, f"identity, gradient by {method}")
        found = {n: np.asarray(g) for n, g in gradient(spec)(given).items()}
        if any(found[n].shape != np.shape(arguments[n]) for n in found):
            made.append(check("shapes of the gradient", np.inf, 0.0, 1.0))
            continue
        terms = [arguments[name] * found[name] for name in others]
        size = sum(float(np.abs(term).sum()) for term in terms)
        made.append(
            check(
                "<h, dL/dh> = sum <u, dL/du>",
                float((arguments[first] * found[first]).sum()),
                float(sum(term.sum() for term in terms)),
                max(size, floor(spec, arguments) * largest(arguments[first])),
            )
        )
        hidden = spec.hidden(arguments) if spec.architecture else arguments[first]
        if hidden.ndim == 1 and largest(hidden) > 0:
            direction = hidden / np.sqrt((hidden**2).sum())
            for name in others:
                rows = np.atleast_2d(found[name])
                if rows.shape[-1] != len(direction):
                    continue
                along = (rows @ direction)[:, None] * direction[None, :]
                scale = max(largest(rows), floor(spec, arguments))
                made.append(check(f"dL/d{name} parallel to h", rows, along, scale))
        if spec.name == "softmax" and largest(hidden) > 0:
            made.append(_residuals_sum_to_zero(found, hidden, check))
    return made


def _residuals_sum_to_zero(found: Arguments, hidden: Any, check: Check) -> Comparison:
    """sum_w (p_w - y_w) = 1 - 1; p - y is read off dL/du_w = (p_w - y_w) h."""
    residual = found["output_vectors"] @ hidden / (hidden @ hidden)
    size = float(np.abs(residual).sum())
    return check("softmax residuals sum to zero", residual.sum(), 0.0, size)


@in_float64
def masked_slots(
    spec: LossSpec, arguments: Arguments, inputs: str = ""
) -> list[Comparison]:
    """What a mask leaves out has no gradient, and no influence on the others'."""
    made = []
    pairs = [("context_mask", "context"), ("mask", "nodes")]
    for mask, name in (p for p in pairs if p[0] in spec.kinds and p[1] in spec.kinds):
        out = ~np.asarray(arguments[mask])
        garbage = np.where(out[:, None], 7.0, arguments[name])
        for method, gradient in (("jax", gradient_by_jax), ("hand", gradient_by_hand)):
            check = _checker(spec, inputs, f"mask, gradient by {method}")
            given = cast(spec, arguments, np.float64)
            clean = gradient(spec)(given)
            dirty = gradient(spec)(given | {name: jnp.asarray(garbage)})
            outside = np.asarray(clean[name])[out]
            made.append(check(f"masked {name} receive 0", outside, 0 * outside, 1.0))
            made += [
                check(f"{other} blind to masked {name}", dirty[other], clean[other], 1)
                for other in spec.vectors
            ]
    return made


@in_float64
def limits(spec: LossSpec, arguments: Arguments, inputs: str = "") -> list[Comparison]:
    """Value and gradient where all scores are zero, and where they are +-1e4.

    There p is known without an exponential (see `hard_limits`). At +-1e4 the scores
    must be at least `GAP` apart and away from zero, or there is nothing to compare.
    """
    if spec.hard_limit is None:
        return []
    first, *others = spec.vectors
    shapes = [np.atleast_2d(arguments[name]).shape[0] for name in others]
    made = []
    zero = arguments | {first: np.zeros_like(arguments[first])}
    for place, given in (("scores of 0", zero), ("scores of +-1e4", arguments)):
        hidden, rows = spec.hidden(given), spec.rows(given)
        scores = rows @ hidden
        if place != "scores of 0" and not _far_apart(scores):
            continue
        value, residual = spec.hard_limit(scores, given)
        parts = np.split(np.outer(residual, hidden), np.cumsum(shapes)[:-1])
        in_hidden: Floats = residual @ rows
        expected = {
            name: part.reshape(np.shape(arguments[name]))
            for name, part in zip(others, parts, strict=True)
        }
        if np.ndim(arguments[first]) == 2:  # a context, each word with its share
            in_hidden = np.outer(spec.shares(given), in_hidden)
        expected[first] = in_hidden
        check = _checker(spec, inputs, f"limit at {place}")
        scale = max(abs(value), largest(scores), 1.0)
        made.append(check("value", _loss(spec, given), value, scale))
        for method, gradient in (("jax", gradient_by_jax), ("hand", gradient_by_hand)):
            found = gradient(spec)(cast(spec, given, np.float64))
            check = _checker(spec, inputs, f"limit at {place}, gradient by {method}")
            for name in spec.vectors:
                # Where all terms vanish or cancel, the size of one of them.
                one = rows if name == first else hidden
                made.append(check(name, found[name], expected[name], largest(one)))
    return made


def _far_apart(scores: Any) -> bool:
    points = np.sort(np.append(scores, 0.0))
    return bool(len(points) > 1 and np.diff(points).min() > GAP)


@in_float64
def finite(spec: LossSpec, arguments: Arguments, inputs: str = "") -> list[Comparison]:
    """The loss and both gradients are finite, at scores of any size."""
    given = cast(spec, arguments, np.float64)
    check = _checker(spec, inputs, "finite at scores of +-1e4")
    made = [check("value", _loss(spec, arguments) * 0, 0.0, 1.0)]
    for method, gradient in (("jax", gradient_by_jax), ("hand", gradient_by_hand)):
        for name, found in gradient(spec)(given).items():
            zero = np.asarray(found) * 0
            made.append(check(f"{name}, by {method}", zero, np.zeros_like(zero), 1.0))
    return made
