"""Is cell a better than cell b on one measure, beyond the noise of seeds and items?

Every score here is a mean over items: shares of right answers are, and Spearman's
correlation is to first order, through the influence of each item on it (Efron and
Tibshirani 1993, section 22.6, for ranks zh and za of mean 0 and variance 1)

    c_i = r + zh_i za_i - r (zh_i^2 + za_i^2) / 2,    mean_i c_i = r

With contributions c [n, Q] of n seeds and Q items for either cell, the difference of
the scores varies with the seeds, with the items, and with both at once:

    SE^2 = var_s(a) / n_a + var_s(b) / n_b + var_i(a - b) / Q - residual

The first two are Welch's; the residual is in each of them and counts once. p is
Student's, with Satterthwaite's degrees of freedom. Seeds are not taken as pairs: the
same seed gives two cells the same first vectors and little else, so pairing would
halve the degrees of freedom for nothing. `by_seeds` does pair them, and `by_items`
tests the trained vectors as they are: permutations need no formula, but five seeds
have only 2^5 sign flips, too few for any correction.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.intervals import Interval
from w2v_jax.evaluation import statistics

Floats = NDArray[np.float64]
PERMUTATIONS = 9_999
FEWER = 1_999  # where several seeds decide, and p over items is a second opinion
_AT_ONCE = 1_000  # permutations held in memory together
_EVERY = 16  # seeds up to which every sign flip is tried
_ROUNDING = 1e-9  # equal but for rounding counts as equal


class Difference(NamedTuple):
    """The score of a less that of b.

    Attributes:
      value: the difference.
      interval: Student's, over seeds and items.
      p: two-sided, over seeds and items; for one seed over items alone, see `basis`.
      basis: "seeds and items", "seeds" (no items) or "items" (one seed: what is tested
        is one pair of trainings, not the settings).
    """

    value: float
    interval: Interval
    p: float | None
    basis: str


def contributions(human: Floats | None, values: Floats) -> Floats:
    """Each item's part [n, Q] of the scores of values [n, Q]; see the module."""
    if human is None:
        return values
    from scipy.stats import rankdata

    zh, za = _standard(rankdata(human)), _standard(rankdata(values, axis=-1))
    r = (zh * za).mean(axis=-1, keepdims=True)
    parts: Floats = r + zh * za - r * (zh * zh + za * za) / 2
    return parts


def _standard(ranks: Floats) -> Floats:
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    scaled: Floats = centred / centred.std(axis=-1, keepdims=True)
    return scaled


def difference(a: Floats, b: Floats, level: float = statistics.LEVEL) -> Difference:
    """Of contributions a [n_a, Q] and b [n_b, Q]; Q = 1 for what has no items."""
    value = float(a.mean() - b.mean())
    parts = []  # (variance of the mean, degrees of freedom)
    residual = 0.0
    seeds = min(len(a), len(b)) > 1
    if seeds:
        for one in (a, b):
            n = len(one)
            parts.append((float(one.mean(axis=1).var(ddof=1)) / n, n - 1))
            residual += _residual(one)
    items = a.shape[1]
    if items > 1:
        gaps = a.mean(axis=0) - b.mean(axis=0)
        parts.append((float(gaps.var(ddof=1)) / items, items - 1))
    if not parts:
        return Difference(value, None, None, "nothing")
    basis = "seeds and items" if seeds and items > 1 else "seeds" if seeds else "items"
    variances = [variance for variance, _ in parts]
    largest = max(sum(variances[:2]) if seeds else 0.0, variances[-1])
    variance = max(sum(variances) - residual, largest)
    if variance <= 0:
        return Difference(value, (value, value), 1.0 if value == 0 else 0.0, basis)
    from scipy.stats import t

    # Satterthwaite 1946
    freedom = variance**2 / sum(v * v / f for v, f in parts)
    error = np.sqrt(variance)
    half = float(t.ppf((1 + level) / 2, freedom) * error)
    p = float(2 * t.sf(abs(value) / error, freedom))
    return Difference(value, (value - half, value + half), p, basis)


def _residual(one: Floats) -> float:
    """The part of a mean's variance that is neither its seeds' nor its items'."""
    n, items = one.shape
    if items < 2:
        return 0.0
    left = one - one.mean(axis=0) - one.mean(axis=1, keepdims=True) + one.mean()
    return float((left * left).sum() / ((n - 1) * (items - 1)) / (n * items))


def by_seeds(a: Floats, b: Floats, paired: bool) -> float | None:
    """Permutation p of the difference of mean scores a [n_a], b [n_b].

    Paired: the sign of each seed's difference is flipped, in all 2^n ways. Otherwise
    the labels are exchanged in all ways. Beyond 65,536 ways, random ones, the one
    observed counted in. None for fewer than two seeds.
    """
    if min(len(a), len(b)) < 2:
        return None
    if paired:
        gaps = a - b
        observed = abs(gaps.sum())
        if len(gaps) <= _EVERY:
            signs = np.array(list(itertools.product((-1, 1), repeat=len(gaps))))
            reached = np.abs(signs @ gaps) >= observed - _ROUNDING
            return float(reached.mean())
    from scipy.stats import permutation_test

    found = permutation_test(
        (a, b),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=2**_EVERY if not paired else PERMUTATIONS,
        rng=np.random.default_rng(statistics.SEED),
    )
    return float(found.pvalue)


def by_items(human: Floats | None, a: Floats, b: Floats) -> float:
    """Permutation p over items of values a and b [n, Q], run by run of each cell.

    Under the null hypothesis an item's outcomes, those of all n runs together, might
    as well be the other cell's. For correlations 9,999 random exchanges (1,999 of
    several runs), the one observed counted in (Phipson and Smyth 2010); for right and
    wrong answers the exact distribution, for one run of each McNemar's exact test.
    """
    if human is None:
        return _exact_flips((a.sum(axis=0) - b.sum(axis=0)).round().astype(np.int64))
    from scipy.stats import rankdata

    h = _standard(rankdata(human))
    za, zb = (_standard(rankdata(x, axis=-1)).T for x in (a, b))  # [Q, n]
    n = za.shape[1]
    product, square = h[:, None] * (zb - za), zb * zb - za * za
    table = np.concatenate([product, square, zb - za], axis=1)
    start = np.concatenate([h @ za, (za * za).sum(axis=0), np.zeros(n)])
    whole = np.concatenate([h @ zb, (zb * zb).sum(axis=0), np.zeros(n)])
    observed = abs(_gap(start, whole, len(h), n)) - _ROUNDING
    rng = np.random.default_rng(statistics.SEED)
    as_far, wanted = 1, PERMUTATIONS if n == 1 else FEWER
    for begin in range(0, wanted, _AT_ONCE):
        count = min(_AT_ONCE, wanted - begin)
        swap = (rng.random((count, len(h)), np.float32) < 0.5).astype(np.float64)
        moved = swap @ table
        gaps = _gap(start + moved, whole - moved, len(h), n)
        as_far += int((np.abs(gaps) >= observed).sum())
    return as_far / (wanted + 1)


def _gap(left: Floats, right: Floats, items: int, n: int) -> Floats:
    """Mean correlation of one side less that of the other, from sums [..., 3 n].

    The sums are of h z, of z^2 and of z; h has mean 0 and variance 1.
    """
    means = []
    for sums in (left, right):
        product, square, total = (sums[..., k * n : (k + 1) * n] for k in range(3))
        scale = np.sqrt(items * (square - total * total / items))
        means.append((product / scale).mean(axis=-1))
    gap: Floats = means[0] - means[1]
    return gap


def _exact_flips(gaps: NDArray[np.int64]) -> float:
    """P(|sum of randomly signed gaps| >= |their sum|), exactly, for gaps [Q]."""
    from scipy.signal import fftconvolve
    from scipy.stats import binom, binomtest

    sizes, counts = np.unique(np.abs(gaps[gaps != 0]), return_counts=True)
    observed = abs(int(gaps.sum()))
    if not len(sizes):
        return 1.0
    if len(sizes) == 1:  # McNemar 1947
        total = int(counts[0])
        ahead = (total + observed // int(sizes[0])) // 2
        return float(binomtest(ahead, total).pvalue)
    chances = np.ones(1)  # of how many of the gaps' units are positive
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        spread = np.zeros(size * count + 1)
        spread[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = fftconvolve(chances, spread)
    sums = np.abs(2 * np.arange(len(chances)) - (len(chances) - 1))
    # the transform leaves errors of 1e-16 a term
    return float(np.clip(chances[sums >= observed].sum(), 1e-12, 1.0))


def cohens_d(a: Floats, b: Floats) -> float | None:
    """(mean a - mean b) / sqrt((var a + var b) / 2) over seeds; None without spread.

    Cohen 1988, section 2.2: the distance in standard deviations of one training.
    """
    if min(len(a), len(b)) < 2:
        return None
    spread = float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))
    return float(a.mean() - b.mean()) / spread if spread > 0 else None


class Discordant(NamedTuple):
    """Questions that one cell alone answers, run by run, summed over the runs.

    Attributes:
      only_a, only_b: how many.
    """

    only_a: int
    only_b: int

    @property
    def odds_ratio(self) -> float | None:
        """only_a / only_b; None where b alone answers none."""
        return self.only_a / self.only_b if self.only_b else None

    @property
    def cohens_g(self) -> float | None:
        """only_a / (only_a + only_b) - 1/2, between -1/2 and 1/2; None if both are 0.

        Cohen 1988, chapter 4: .05 is small, .15 medium, .25 large.
        """
        both = self.only_a + self.only_b
        return self.only_a / both - 0.5 if both else None


def discordant(a: Floats, b: Floats) -> Discordant:
    """Of right and wrong answers a and b [n, Q]."""
    return Discordant(int((a > b).sum()), int((b > a).sum()))
