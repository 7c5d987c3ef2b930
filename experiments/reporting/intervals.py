"""One cell's score: mean, standard deviation and intervals over seeds and items.

A score is the mean over n seeds of a statistic of Q items: Spearman's correlation of
people's scores with cosines, or the share of right answers. All seeds meet the same
items, so seeds and items are crossed and each is resampled by itself:

    draw b:   seeds s_1..s_n and items i_1..i_Q, both with replacement
              statistic of every drawn seed on the drawn items, averaged over seeds

(Davison and Hinkley 1997, section 3.8, on resampling at two levels). Drawing n of n
seeds shows only (n - 1) / n of their variance; the deviations from the mean are
widened by sqrt(n / (n - 1)) for that. A percentile interval from three or five seeds
is still somewhat narrow, which is why Student's interval over seeds stands beside it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics

Floats = NDArray[np.float64]
Interval = tuple[float, float] | None
_AT_ONCE = 128  # resamples that are in the processor's cache together


class Estimate(NamedTuple):
    """A cell's score on one measure.

    Attributes:
      scores: [n] one a seed, in order of seed; never nan.
      mean, deviation: over seeds; the deviation (n - 1 below) is None for one seed.
      over_seeds: Student's interval of the mean; None for one seed.
      interval: of the two-level bootstrap; for one seed over its items alone; None
        for what has no items.
      items: items that count, 0 for what has none.
      total: items of the set.
    """

    scores: Floats
    mean: float
    deviation: float | None
    over_seeds: Interval
    interval: Interval
    items: int = 0
    total: int = 0

    @property
    def coverage(self) -> float | None:
        """The share of the set's items that count."""
        return self.items / self.total if self.total else None

    @property
    def shown(self) -> Interval:
        """The interval that tables show: over seeds and items, else over seeds."""
        return self.over_seeds if self.interval is None else self.interval


def estimate(
    scores: Floats,
    draws: Floats | None = None,
    items: int = 0,
    total: int = 0,
    level: float = statistics.LEVEL,
) -> Estimate:
    """An `Estimate` from scores [n] and, where there are items, bootstrap draws [B]."""
    return Estimate(
        scores,
        float(scores.mean()),
        float(scores.std(ddof=1)) if len(scores) > 1 else None,
        student_interval(scores, level),
        None if draws is None else statistics.percentiles(draws, level),
        items,
        total,
    )


def student_interval(scores: Floats, level: float = statistics.LEVEL) -> Interval:
    """mean +- t_{n-1} sd / sqrt(n) of scores [n]; None for fewer than two."""
    if len(scores) < 2:
        return None
    from scipy.stats import t

    n = len(scores)
    half = float(t.ppf((1 + level) / 2, n - 1) * scores.std(ddof=1) / np.sqrt(n))
    return float(scores.mean()) - half, float(scores.mean()) + half


def score(human: Floats | None, values: Floats) -> Floats:
    """Each seed's statistic [n] of values [n, Q]; nan where a correlation has none."""
    if human is None:
        shares: Floats = values.mean(axis=-1)
        return shares
    if values.shape[-1] < 2:
        return np.full(len(values), np.nan)
    return statistics.spearman(human, values)


def two_level_draws(
    human: Floats | None, values: Floats, count: int = statistics.RESAMPLES
) -> Floats:
    """Bootstrap draws [count] of the mean score of values [n, Q] over seeds and items.

    The same seeds and items are drawn on every call of the same sizes.
    """
    each = _right(values, count) if human is None else _ranked(human, values, count)
    n = len(values)
    if n == 1:
        return each[:, 0]
    chosen = np.random.default_rng(statistics.SEED + 1).integers(n, size=(count, n))
    middle = each.mean(axis=1)
    drawn = np.take_along_axis(each, chosen, axis=1).mean(axis=1)
    widened: Floats = middle + np.sqrt(n / (n - 1)) * (drawn - middle)
    return widened


def _right(values: Floats, count: int) -> Floats:
    """Shares right [count, n] on resampled items.

    Items on which the seeds do the same are one kind; how often each kind is drawn is
    multinomial.
    """
    kinds, sizes = np.unique(values, axis=1, return_counts=True)
    rng = np.random.default_rng(statistics.SEED)
    total = int(sizes.sum())
    return rng.multinomial(total, sizes / total, size=count) @ kinds.T / total


def _ranked(human: Floats, values: Floats, count: int) -> Floats:
    """Spearman's correlations [count, n] on resampled items.

    A resample is how often each item is in it, so that items are sorted only once.
    """
    items = len(human)
    drawn = statistics.resamples(items, count)
    parts = []
    for start in range(0, count, _AT_ONCE):
        at = drawn[start : start + _AT_ONCE]
        flat = (at + np.arange(len(at))[:, None] * items).ravel()
        weights = np.bincount(flat, minlength=at.size).reshape(at.shape)
        ranks = weighted_ranks(human, weights)
        each = (weighted_ranks(v, weights) for v in values)
        found = [_weighted_pearson(ranks, one, weights) for one in each]
        parts.append(np.stack(found, axis=1))
    return np.concatenate(parts)


def weighted_ranks(values: Floats, weights: NDArray[np.int64]) -> Floats:
    """Mean ranks [B, N] of values [N] in samples holding each weights [B, N] times."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks = np.cumsum(sizes, axis=1) - sizes + (sizes + 1) / 2
    spread: Floats = ranks[:, group]
    return spread


def _weighted_pearson(x: Floats, y: Floats, weights: NDArray[np.int64]) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    product = (weights * x * y).sum(axis=1)
    scale = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    with np.errstate(invalid="ignore"):
        found: Floats = product / scale
    return found
