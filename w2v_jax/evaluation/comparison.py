"""Two models on the same items: difference, interval and test, corrected for many sets.

Only items that both models know count, so that neither gains by its vocabulary. The
intervals are paired bootstraps: items are drawn, and both models are judged on them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics
from w2v_jax.evaluation.analogy import AnalogyResult
from w2v_jax.evaluation.similarity import SimilarityResult
from w2v_jax.evaluation.suites import Result

PERMUTATIONS = 9_999
_AT_ONCE = 1_000  # permutations held in memory together
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def compare(a: Result, b: Result) -> dict[str, Any]:
    """Model a against model b on one set: a's score less b's.

    Returns:
      {"measure", "items", "a", "b", "difference", "interval", "test", "p"}: Spearman's
      correlation with a permutation test, or accuracy with McNemar's exact test; the
      scores and p are None where too few items are known to both.

    Raises:
      ValueError: results of different sets.
    """
    if type(a) is not type(b) or len(a.known) != len(b.known):
        raise ValueError("the two results are of different sets")
    both = a.known & b.known
    if isinstance(a, SimilarityResult) and isinstance(b, SimilarityResult):
        return correlations(a.human[both], a.cosine[both], b.cosine[both])
    assert isinstance(a, AnalogyResult)
    assert isinstance(b, AnalogyResult)
    return accuracies(a.correct[both], b.correct[both])


def correlations(human: Floats, a: Floats, b: Floats) -> dict[str, Any]:
    """Spearman's correlation of a and of b with what people said, each [N].

    Under the null hypothesis the two models' ranks of a pair of words might as well be
    exchanged; p is the share of random exchanges that move the correlations as far
    apart as they are, the one observed counted in (Phipson and Smyth 2010).
    """
    about = {"measure": "spearman", "items": len(human), "test": "permutation"}
    if len(human) < 3 or min(map(np.ptp, (human, a, b))) == 0:
        return about | _nothing()
    from scipy.stats import rankdata

    ranks = [np.asarray(rankdata(x), np.float64) for x in (human, a, b)]
    scores = [float(statistics.pearson(ranks[0], rank)) for rank in ranks[1:]]
    at = statistics.resamples(len(human))
    drawn = [statistics.spearman(human[at], x[at]) for x in (a, b)]
    return about | {
        "a": scores[0],
        "b": scores[1],
        "difference": scores[0] - scores[1],
        "interval": statistics.percentiles(drawn[0] - drawn[1]),
        "p": _permutation_p(*ranks),
    }


def _permutation_p(human: Floats, a: Floats, b: Floats) -> float:
    rng = np.random.default_rng(statistics.SEED)
    observed = abs(statistics.pearson(human, a) - statistics.pearson(human, b))
    as_far = 1
    for start in range(0, PERMUTATIONS, _AT_ONCE):
        count = min(_AT_ONCE, PERMUTATIONS - start)
        swap = rng.random((count, len(human))) < 0.5
        left, right = np.where(swap, b, a), np.where(swap, a, b)
        shifts = statistics.pearson(human, left) - statistics.pearson(human, right)
        # equal but for rounding counts as equal
        as_far += int((np.abs(shifts) >= observed - 1e-12).sum())
    return as_far / (PERMUTATIONS + 1)


def accuracies(a: Bools, b: Bools) -> dict[str, Any]:
    """Shares of right answers [N], with McNemar's exact test.

    Of the questions that one model alone answers, each should answer half under the
    null hypothesis: a binomial test, two-sided (McNemar 1947).
    """
    about = {"measure": "accuracy", "items": len(a), "test": "McNemar"}
    if not len(a):
        return about | _nothing()
    from scipy.stats import binomtest

    alone_a, alone_b = int((a & ~b).sum()), int((b & ~a).sum())
    rng = np.random.default_rng(statistics.SEED)
    shares = np.array([alone_a, alone_b, len(a) - alone_a - alone_b]) / len(a)
    drawn = rng.multinomial(len(a), shares, size=statistics.RESAMPLES)
    alone = alone_a + alone_b
    return about | {
        "a": float(a.mean()),
        "b": float(b.mean()),
        "difference": (alone_a - alone_b) / len(a),
        "interval": statistics.percentiles((drawn[:, 0] - drawn[:, 1]) / len(a)),
        "p": float(binomtest(alone_a, alone).pvalue) if alone else 1.0,
        "only_a_right": alone_a,
        "only_b_right": alone_b,
    }


def _nothing() -> dict[str, Any]:
    return {"a": None, "b": None, "difference": None, "interval": None, "p": None}


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction (1979): the chance of any false alarm stays below the level.

    The k-th smallest of n becomes (n - k + 1) p, never below the one before it and
    never above 1. None stays None and does not count.
    """
    given = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    last = 0.0
    for place, (p, i) in enumerate(given):
        last = max(last, min(1.0, (len(given) - place) * p))
        corrected[i] = last
    return corrected
