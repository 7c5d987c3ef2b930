"""Random arguments for a loss: sizes of scores, float types, special cases."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from w2v_jax.verification.comparison import largest
from w2v_jax.verification.spec import Arguments, LossSpec, is_vector

# The largest score: of the size at which training begins; of a trained model and more;
# and where every exponential has over- or underflowed.
SCORES = {"tiny": 1e-3, "ordinary": 30.0, "extreme": 1e4}

SIZES = {"D": 5, "V": 7, "K": 3, "L": 4, "C": 4}


def draw(
    spec: LossSpec,
    rng: np.random.Generator,
    scores: str = "ordinary",
    case: str = "plain",
    sizes: Mapping[str, int] = SIZES,
) -> Arguments:
    """One example in NumPy float64.

    Args:
      spec: what the arguments are.
      rng: consumed.
      scores: tiny, ordinary or extreme; the largest score is drawn up to that size.
      case: one of `spec.cases`.
      sizes: of the letters in the kinds.

    Returns:
      Arguments by name.
    """
    made = {name: _draw_one(kind, rng, sizes) for name, kind in spec.kinds.items()}
    _apply(case, spec, made)
    reached = _largest_score(spec, made)
    if reached > 0:
        size = SCORES[scores] * (rng.uniform(0.1, 1.0) if scores == "ordinary" else 1.0)
        first = spec.vectors[0]
        made[first] = made[first] * (size / reached)
    return made


def _draw_one(kind: str, rng: np.random.Generator, sizes: Mapping[str, int]) -> Any:
    word, *letters = kind.split()
    if is_vector(kind):
        return rng.standard_normal([sizes[letter] for letter in kind.split()])
    shape = tuple(sizes[letter] for letter in letters)
    if word == "id":
        return np.int32(rng.integers(shape[0]))
    if word == "bits":
        return rng.integers(0, 2, shape).astype(np.int32)
    if word == "mask":
        return np.ones(shape, bool)
    if word == "weight":
        return float(rng.uniform(0.2, 2.0))
    raise ValueError(
        f"{kind}: unknown kind of argument; use sizes such as 'V D', 'id V', 'bits L', "
        "'mask L' or 'weight'."
    )


def _apply(case: str, spec: LossSpec, made: Arguments) -> None:
    """Changes plain arguments into those of a special case."""
    masks = [name for name, kind in spec.kinds.items() if kind.startswith("mask")]
    if case == "masked slots":
        for name in masks:
            made[name][1::2] = False
    elif case == "empty context":
        made["context_mask"][:] = False
    elif case == "path of length one":
        made["mask"][1:] = False
    elif case == "repeated words":
        for name in spec.vectors:
            if made[name].ndim == 2:
                made[name][-1] = made[name][0]
    elif case == "negative equal to the target":
        made["negatives"][:1] = made["positive"]
    elif case != "plain":
        raise ValueError(f"{case}: unknown case; {spec.label} has {spec.cases}.")


def _largest_score(spec: LossSpec, made: Arguments) -> float:
    first = spec.vectors[0]
    if len(spec.vectors) == 1:
        return largest(made[first])
    hidden = spec.hidden(made) if spec.architecture else np.atleast_2d(made[first])[0]
    others = [np.atleast_2d(made[name]) for name in spec.vectors[1:]]
    fitting = [u for u in others if u.shape[-1] == hidden.shape[-1] and u.size]
    return max((largest(u @ hidden) for u in fitting), default=largest(hidden))


def cast(spec: LossSpec, arguments: Arguments, dtype: Any) -> Arguments:
    """The arguments as jax arrays, floats in the given type."""
    return {
        name: jnp.asarray(value, dtype)
        if is_vector(spec.kinds[name]) or spec.kinds[name] == "weight"
        else jnp.asarray(value)
        for name, value in arguments.items()
    }
