"""Losses and residuals where every score is zero or beyond all bounds, in NumPy.

There the logistic is a step and the softmax picks the largest score, so that values
can be written down without any exponential:

    s(z) -> 0, 1/2, 1       softplus(z) -> max(z, 0), log 2 at z = 0
    p -> equal shares among the largest scores
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from w2v_jax.verification.comparison import Floats

Limit = tuple[float, Floats]


def _softplus(scores: Floats) -> Floats:
    return np.maximum(scores, 0) + np.where(scores == 0, math.log(2), 0)


def softmax(scores: Floats, arguments: dict[str, Any]) -> Limit:
    """(value, p - y [V]) of the full softmax."""
    top = scores == scores.max()
    residual = top / top.sum()
    residual[arguments["target"]] -= 1
    value = scores.max() + math.log(top.sum()) - scores[arguments["target"]]
    return float(value), residual


def negative_sampling(scores: Floats, arguments: dict[str, Any]) -> Limit:
    """(value, p - y [1 + K]) of negative sampling, the positive word first."""
    weights = np.full(len(scores), float(arguments.get("noise_weight", 1.0)))
    weights[0] = 1.0
    signs = np.where(np.arange(len(scores)) == 0, -1.0, 1.0)
    believed = np.heaviside(signs * scores, 0.5)
    value = (weights * _softplus(signs * scores)).sum()
    return float(value), weights * signs * believed


def hierarchical_softmax(scores: Floats, arguments: dict[str, Any]) -> Limit:
    """(value, p - y [L]) of a path; code 0 has probability s(z)."""
    signs = np.where(np.asarray(arguments["codes"]) == 0, -1.0, 1.0)
    there = np.asarray(arguments["mask"], np.float64)
    value = (there * _softplus(signs * scores)).sum()
    return float(value), there * signs * np.heaviside(signs * scores, 0.5)


LIMITS: dict[str, Callable[[Floats, dict[str, Any]], Limit]] = {
    "softmax": softmax,
    "negative_sampling": negative_sampling,
    "hierarchical_softmax": hierarchical_softmax,
}
