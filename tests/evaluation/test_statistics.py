import math

import numpy as np
import pytest
import scipy.stats

from w2v_jax.evaluation import statistics

EXACT = 1e-12  # float64, a few hundred additions


def sample(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=size)
    return x, x + rng.normal(size=size)


def test_correlations_equal_scipys_with_ties_too():
    x, y = sample(200)
    tied = np.round(y, 0)
    for human in (y, tied):
        assert statistics.pearson(x, human) == pytest.approx(
            scipy.stats.pearsonr(x, human).statistic, abs=EXACT
        )
        assert statistics.spearman(x, human) == pytest.approx(
            scipy.stats.spearmanr(x, human).statistic, abs=EXACT
        )


def test_spearman_sees_only_the_order():
    x, _ = sample(50)
    assert statistics.spearman(x, np.exp(x)) == pytest.approx(1, abs=EXACT)
    assert statistics.spearman(x, -(x**3)) == pytest.approx(-1, abs=EXACT)


def test_many_samples_are_correlated_at_once():
    x, y = sample(60)
    stacked = statistics.spearman(np.stack([x, y]), np.stack([y, -y]))
    assert stacked[0] == pytest.approx(statistics.spearman(x, y), abs=EXACT)
    assert stacked[1] == pytest.approx(-1, abs=EXACT)


def test_a_constant_has_no_correlation():
    assert math.isnan(statistics.pearson(np.ones(3), np.arange(3.0)))


def test_the_interval_of_a_correlation_is_the_textbooks():
    # Fisher: atanh(r) is normal with deviation 1 / sqrt(n - 3), for normal data. The
    # bootstrap agrees to a few hundredths at n = 400, so its ends must too.
    x, y = sample(400)
    r = float(statistics.pearson(scipy.stats.rankdata(x), scipy.stats.rankdata(y)))
    half = 1.96 / math.sqrt(400 - 3)
    low, high = statistics.correlation_interval(x, y)
    assert low == pytest.approx(math.tanh(math.atanh(r) - half), abs=0.03)
    assert high == pytest.approx(math.tanh(math.atanh(r) + half), abs=0.03)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    # 200 samples of a proportion of 0.3: the 95 % interval covers it 190 times, with
    # a deviation of sqrt(200 * .95 * .05) = 3; four deviations below is 178.
    rng = np.random.default_rng(1)
    covered = 0
    for successes in rng.binomial(300, 0.3, size=200):
        low, high = statistics.proportion_interval(int(successes), 300)
        covered += low <= 0.3 <= high
    assert 178 <= covered <= 200


def test_the_interval_of_a_proportion_has_the_binomials_width():
    low, high = statistics.proportion_interval(400, 1000)
    half = 1.96 * math.sqrt(0.4 * 0.6 / 1000)
    # 2,000 resamples place a 2.5 % quantile to within a tenth of the deviation
    assert low == pytest.approx(0.4 - half, abs=half / 10)
    assert high == pytest.approx(0.4 + half, abs=half / 10)


def test_the_same_scores_give_the_same_interval():
    x, y = sample(50)
    assert statistics.correlation_interval(x, y) == statistics.correlation_interval(
        x, y
    )
    assert statistics.proportion_interval(3, 9) == statistics.proportion_interval(3, 9)


def test_nothing_has_no_interval():
    empty = np.zeros(0)
    assert statistics.correlation_interval(empty, empty) is None
    assert statistics.proportion_interval(0, 0) is None
    assert statistics.correlation_interval(np.ones(4), np.ones(4)) is None
