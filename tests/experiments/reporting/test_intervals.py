"""Intervals over seeds and items: equal to plain resampling, and wide enough."""

import numpy as np
import pytest
import scipy.stats

from experiments.reporting import intervals
from w2v_jax.evaluation import statistics

RNG = np.random.default_rng(0)
HUMAN = RNG.normal(size=80).round(1)  # with ties, as people's scores have
VALUES = HUMAN + RNG.normal(size=(3, 80))
RIGHT = (RNG.random((4, 300)) < RNG.random(300)).astype(float)


def test_scores_are_those_of_scipy():
    theirs = [scipy.stats.spearmanr(HUMAN, one).statistic for one in VALUES]
    np.testing.assert_allclose(intervals.score(HUMAN, VALUES), theirs, rtol=1e-12)
    np.testing.assert_array_equal(intervals.score(None, RIGHT), RIGHT.mean(axis=1))
    assert np.isnan(intervals.score(HUMAN[:1], VALUES[:, :1])).all()


def test_students_interval_is_scipys():
    scores = np.array([0.61, 0.64, 0.66, 0.59])
    theirs = scipy.stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert intervals.student_interval(scores) == pytest.approx(tuple(theirs))
    wider = scipy.stats.ttest_1samp(scores, 0).confidence_interval(0.99)
    assert intervals.student_interval(scores, 0.99) == pytest.approx(tuple(wider))
    assert intervals.student_interval(scores[:1]) is None


def test_weighted_ranks_are_the_ranks_of_the_resample_written_out():
    at = statistics.resamples(80, 50)
    weights = np.stack([np.bincount(row, minlength=80) for row in at])
    ranks = intervals.weighted_ranks(HUMAN, weights)
    for row, found in zip(at, ranks, strict=True):
        theirs = scipy.stats.rankdata(HUMAN[row])
        np.testing.assert_array_equal(found[row], theirs)  # halves are exact


def test_for_one_seed_the_draws_are_the_bootstrap_over_items():
    at = statistics.resamples(80, 200)
    plain = statistics.spearman(HUMAN[at], VALUES[0][at])
    found = intervals.two_level_draws(HUMAN, VALUES[:1], 200)
    np.testing.assert_allclose(found, plain, rtol=1e-10)  # sums in another order


def test_both_levels_are_resampled_and_the_seeds_widened():
    at = statistics.resamples(80, 200)
    each = np.stack([statistics.spearman(HUMAN[at], v[at]) for v in VALUES], axis=1)
    chosen = np.random.default_rng(statistics.SEED + 1).integers(3, size=(200, 3))
    expected = []
    for row, seeds in zip(each, chosen, strict=True):
        middle = row.mean()
        expected.append(middle + np.sqrt(3 / 2) * (row[seeds].mean() - middle))
    found = intervals.two_level_draws(HUMAN, VALUES, 200)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_shares_spread_as_seeds_and_items_together_do():
    draws = intervals.two_level_draws(None, RIGHT, 20_000)
    n, items = RIGHT.shape
    means = RIGHT.mean(axis=0)
    over_items = means.var() / items
    over_seeds = RIGHT.mean(axis=1).var(ddof=1) / n
    # what an item does under one seed alone, seen through resampled seeds as well
    rest = (RIGHT - means - RIGHT.mean(axis=1, keepdims=True) + RIGHT.mean()).var()
    expected = over_items + over_seeds + rest / items / (n - 1)
    # 20,000 draws know a variance to 1 / sqrt(10,000); three times that
    assert draws.var() == pytest.approx(expected, rel=0.03)
    assert draws.mean() == pytest.approx(RIGHT.mean(), abs=4 * np.sqrt(expected / 2e4))


def test_the_same_numbers_give_the_same_interval():
    for human, values in ((HUMAN, VALUES), (None, RIGHT)):
        first = intervals.two_level_draws(human, values, 100)
        np.testing.assert_array_equal(
            first, intervals.two_level_draws(human, values, 100)
        )


def test_an_estimate_shows_the_interval_of_both_levels_where_there_is_one():
    scores = np.array([0.5, 0.6])
    draws = np.linspace(0, 1, 1001)
    both = intervals.estimate(scores, draws, 8, 10)
    assert both.mean == pytest.approx(0.55)
    assert both.deviation == pytest.approx(0.1 / np.sqrt(2))
    assert both.interval == pytest.approx((0.025, 0.975))
    assert both.shown == both.interval
    assert both.coverage == 0.8
    seeds = intervals.estimate(scores)
    assert (seeds.interval, seeds.coverage) == (None, None)
    assert seeds.shown == seeds.over_seeds
    one = intervals.estimate(scores[:1], draws, 8, 10, level=0.5)
    assert (one.deviation, one.over_seeds) == (None, None)
    assert one.interval == pytest.approx((0.25, 0.75))


def planted_coverage(n, trials):
    """How often the interval holds the truth, when seeds and items both vary."""
    rng = np.random.default_rng(n)
    items, held = 100, 0
    for _ in range(trials):
        chance = rng.beta(2, 2, size=items)  # of the item; the truth is 1/2
        shift = 0.05 * rng.normal(size=(n, 1))  # of the seed
        right = (rng.random((n, items)) < chance + shift).astype(float)
        low, high = statistics.percentiles(intervals.two_level_draws(None, right, 500))
        held += low <= 0.5 <= high
    return held / trials


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(n):
    # 0.95, less what a percentile interval of few seeds lacks; 500 trials know it
    # to 0.01
    assert planted_coverage(n, 500) >= 0.92


def test_an_interval_over_items_alone_would_be_too_narrow():
    rng = np.random.default_rng(1)
    chance = rng.beta(2, 2, size=400)
    right = (rng.random((5, 400)) < chance + 0.1 * rng.normal(size=(5, 1))) * 1.0
    low, high = statistics.percentiles(intervals.two_level_draws(None, right))
    alone = statistics.percentiles(
        intervals.two_level_draws(None, right.mean(axis=0)[None])
    )
    assert high - low > 1.5 * (alone[1] - alone[0])
