"""Correlations and intervals, vectorised over resamples, with a fixed seed."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 0.95
SEED = 20130907  # any fixed number: the same scores give the same interval


def pearson(x: Floats, y: Floats) -> Floats:
    """Correlation [...] along the last axis of x and y [..., N]; nan if one is flat."""
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    product = (x * y).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        correlation: Floats = product / scale
    return correlation


def spearman(x: Floats, y: Floats) -> Floats:
    """Pearson correlation of ranks, ties at their mean rank; [...] of [..., N]."""
    from scipy.stats import rankdata  # heavy, and only evaluation needs it

    return pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def resamples(items: int, count: int = RESAMPLES) -> NDArray[np.int64]:
    """Indices [count, items] of bootstrap samples, the same on every call."""
    return np.random.default_rng(SEED).integers(items, size=(count, items))


def percentiles(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """The central `level` of values as (low, high); None if none is a number."""
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def correlation_interval(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Bootstrap percentile interval of Spearman's correlation over pairs of [N].

    Efron and Tibshirani 1993, section 13.3: pairs are drawn with replacement.
    """
    if len(x) < 2:
        return None
    at = resamples(len(x))
    return percentiles(spearman(x[at], y[at]))


def proportion_interval(successes: int, trials: int) -> tuple[float, float] | None:
    """Bootstrap percentile interval of a proportion.

    The number of successes in a resample of n items is binomial(n, successes / n), so
    it is drawn as that.
    """
    if not trials:
        return None
    draws = np.random.default_rng(SEED).binomial(
        trials, successes / trials, size=RESAMPLES
    )
    return percentiles(draws / trials)
