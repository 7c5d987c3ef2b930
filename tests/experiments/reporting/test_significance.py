"""Tests of differences: a planted one is found, and nothing is found too often."""

import itertools

import numpy as np
import pytest
import scipy.stats

from experiments.reporting import significance
from experiments.reporting.significance import Discordant
from w2v_jax.evaluation import comparison, statistics

RNG = np.random.default_rng(3)
HUMAN = RNG.normal(size=60).round(1)
A = HUMAN + RNG.normal(size=(3, 60))
B = HUMAN + RNG.normal(size=(3, 60))


def worlds(n, items, trials, seed=0, gap=0.0, shift=0.1, taste=0.5, noise=1.0):
    """Pairs of cells [n, items] of one worth: seeds, items and their own noise.

    Args:
      n, items, trials: sizes.
      seed: of the draws.
      gap: what the first cell is better by.
      shift: deviation of the seeds.
      taste: deviation of how much an item suits one cell.
      noise: deviation of an item under one seed.
    """
    rng = np.random.default_rng(seed)
    for _ in range(trials):
        item = rng.normal(size=items)
        cells = []
        for better in (gap, 0.0):
            own = item + better + taste * rng.normal(size=items)
            seeds = shift * rng.normal(size=(n, 1))
            cells.append(own + seeds + noise * rng.normal(size=(n, items)))
        yield cells


def test_contributions_average_to_the_score():
    parts = significance.contributions(HUMAN, A)
    theirs = [scipy.stats.spearmanr(HUMAN, one).statistic for one in A]
    np.testing.assert_allclose(parts.mean(axis=1), theirs, rtol=1e-12)
    right = (A > 0).astype(float)
    np.testing.assert_array_equal(significance.contributions(None, right), right)


def test_contributions_spread_as_the_correlation_does_over_samples():
    rng = np.random.default_rng(0)
    items, samples = 200, 2000
    human = rng.normal(size=(samples, items))
    values = human + rng.normal(size=(samples, items))
    spread = statistics.spearman(human, values).var()
    parts = significance.contributions(human[0], values[:1])
    # pearson's influence on ranks is a first-order account of Spearman's, whose ranks
    # move with the sample; near .7 it is good to a fifth
    assert parts.var() / items == pytest.approx(spread, rel=0.35)


def test_without_items_the_difference_is_welchs():
    a, b = RNG.normal(size=5), 2 * RNG.normal(size=4) + 1
    found = significance.difference(a[:, None], b[:, None])
    theirs = scipy.stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (found.basis, found.value) == ("seeds", pytest.approx(a.mean() - b.mean()))


def test_with_one_seed_the_difference_is_students_over_items():
    ((a, b),) = worlds(1, 50, 1)
    found = significance.difference(a, b, 0.9)
    theirs = scipy.stats.ttest_rel(a[0], b[0])
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval(0.9)))
    assert found.basis == "items"


def test_the_variance_is_that_of_seeds_and_items_with_the_rest_counted_once():
    rng = np.random.default_rng(5)
    n, items = 400, 500  # large, so that each part is known well
    shift, taste, noise = 0.5, 2.0, 3.0
    ((a, b),) = worlds(n, items, 1, rng.integers(99), 0.0, shift, taste, noise)
    low, high = significance.difference(a, b).interval
    variance = 2 * shift**2 / n + 2 * taste**2 / items + 2 * noise**2 / n / items
    # the largest part is of 500 items: its deviation is known to 1 / sqrt(1000)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.1)


def test_one_number_and_nothing_else_has_no_test():
    found = significance.difference(np.ones((1, 1)), np.zeros((1, 1)))
    assert (found.value, found.p, found.interval) == (1, None, None)


def test_cells_that_agree_everywhere_do_not_differ():
    ((a, _),) = worlds(3, 20, 1)
    same = np.repeat(a[:1], 3, axis=0)
    found = significance.difference(same, same)
    assert (found.value, found.p, found.interval) == (0, 1, (0, 0))
    apart = significance.difference(same + 1, same)
    assert (apart.value, apart.p) == (pytest.approx(1), pytest.approx(0))


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize(
    ("shift", "taste", "noise"), [(0.1, 0.0, 1.0), (0.0, 1.0, 0.5), (0.2, 1.0, 1.0)]
)
def test_cells_of_one_worth_are_told_apart_in_one_case_of_twenty(
    n, shift, taste, noise
):
    made = worlds(n, 60, 600, 1, 0.0, shift, taste, noise)
    share = np.mean([significance.difference(a, b).p <= 0.05 for a, b in made])
    # binomial(600, 1/20) reaches .08 in one case of 1,000; fewer is caution
    assert share <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 4])
def test_correlations_of_one_worth_are_told_apart_in_one_case_of_twenty(n):
    rng = np.random.default_rng(n)
    alarms = []
    for _ in range(400):
        human = rng.normal(size=80)
        shared = human + 0.5 * rng.normal(size=80)
        cells = []
        for _ in range(2):
            own = shared + 0.5 * rng.normal(size=80)
            noise = 0.8 + 0.2 * rng.random(size=(n, 1))  # a seed's own
            values = own + noise * rng.normal(size=(n, 80))
            cells.append(significance.contributions(human, values))
        alarms.append(significance.difference(*cells).p <= 0.05)
    # binomial(400, 1/20) reaches .085 in one case of 500
    assert np.mean(alarms) <= 0.085


def test_items_alone_would_see_differences_that_are_of_the_seeds():
    made = list(worlds(5, 60, 200, 2, 0.0, 0.5, 0.0, 0.5))
    both = np.mean([significance.difference(a, b).p <= 0.05 for a, b in made])
    alone = np.mean(
        [
            scipy.stats.ttest_rel(a.mean(axis=0), b.mean(axis=0)).pvalue <= 0.05
            for a, b in made
        ]
    )
    assert alone > 0.3
    assert both <= 0.09  # binomial(200, 1/20): one case of 100


@pytest.mark.slow
def test_the_whole_family_raises_a_false_alarm_in_one_case_of_twenty():
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(300):
        item = rng.normal(size=50)
        cells = [
            item + 0.2 * rng.normal(size=(4, 1)) + rng.normal(size=(4, 50))
            for _ in range(5)
        ]
        p_values = [
            significance.difference(a, b).p for a, b in itertools.combinations(cells, 2)
        ]
        alarms += min(comparison.holm(p_values)) <= 0.05
    # binomial(300, 1/20) reaches 26 in one case of 200
    assert alarms <= 26


def test_a_planted_difference_is_found_with_its_size():
    found = [significance.difference(a, b) for a, b in worlds(5, 200, 50, 6, gap=0.5)]
    assert np.mean([one.p <= 0.05 for one in found]) > 0.9
    held = np.mean([one.interval[0] <= 0.5 <= one.interval[1] for one in found])
    assert held >= 0.84  # binomial(50, .95) falls below in one case of 200


def test_seeds_in_pairs_have_every_sign_flipped():
    a, b = np.array([0.7, 0.8, 0.9]), np.array([0.5, 0.6, 0.75])
    # all three differences are positive: of 2^3 ways, this one and its mirror
    assert significance.by_seeds(a, b, True) == 2 / 8
    mixed = np.array([0.7, 0.5, 0.75])
    gaps = mixed - b  # .2, -.1, 0
    reached = [
        abs(sum(s * g for s, g in zip(signs, gaps, strict=True))) >= 0.1 - 1e-12
        for signs in itertools.product((-1, 1), repeat=3)
    ]
    assert significance.by_seeds(mixed, b, True) == np.mean(reached)


def test_seeds_of_their_own_have_every_label_exchanged():
    a, b = np.array([0.7, 0.8, 0.9, 0.95, 0.99]), np.array([0.5, 0.55, 0.6])
    # the most extreme of C(8, 3) = 56 ways; its mirror is not as far
    assert significance.by_seeds(a, b, False) == pytest.approx(2 / 56)  # scipy doubles
    assert significance.by_seeds(a[:1], b, False) is None


def test_many_seeds_in_pairs_are_flipped_at_random():
    rng = np.random.default_rng(0)
    b = rng.normal(size=20)
    p = significance.by_seeds(b + 0.5 * rng.normal(size=20) + 0.25, b, True)
    assert 0 < p < 0.2
    assert significance.by_seeds(b + 1, b, True) == pytest.approx(2 / 10_000)


def test_for_one_run_of_each_the_item_test_is_that_of_the_library():
    expected = comparison.correlations(HUMAN, A[0], B[0])["p"]
    found = significance.by_items(HUMAN, A[:1], B[:1])
    # 9,999 random exchanges, drawn in another way
    deviation = np.sqrt(expected * (1 - expected) / 9_999)
    assert found == pytest.approx(expected, abs=6 * deviation)


def test_exchanges_of_several_runs_are_those_written_out():
    human, a, b = HUMAN[:6], A[:2, :6], B[:2, :6]
    observed = _gap_written_out(human, a, b)
    reached = []
    for swap in itertools.product((False, True), repeat=6):
        left, right = np.where(swap, b, a), np.where(swap, a, b)
        ranks = [scipy.stats.rankdata(x, axis=1) for x in (a, b)]
        left, right = np.where(swap, *ranks[::-1]), np.where(swap, *ranks)
        gap = abs(_pearson_gap(scipy.stats.rankdata(human), left, right))
        reached.append(gap >= abs(observed) - 1e-9)
    exact = np.mean(reached)
    found = significance.by_items(human, a, b)
    # 1,999 of the 2^6 ways
    assert found == pytest.approx(exact, abs=5 * np.sqrt(0.25 / 1_999))


def _pearson_gap(human, left, right):
    return np.mean([np.corrcoef(human, x)[0, 1] for x in left]) - np.mean(
        [np.corrcoef(human, x)[0, 1] for x in right]
    )


def _gap_written_out(human, a, b):
    ranks = [scipy.stats.rankdata(x, axis=-1) for x in (human, a, b)]
    return _pearson_gap(*ranks)


def test_for_one_run_of_each_answers_are_judged_by_mcnemar():
    a = np.array([[1] * 9 + [0] * 1 + [1] * 40])
    b = np.array([[0] * 9 + [1] * 1 + [1] * 40])
    expected = comparison.accuracies(a[0] > 0, b[0] > 0)["p"]
    found = significance.by_items(None, a.astype(float), b.astype(float))
    assert found == pytest.approx(expected, rel=1e-12) == pytest.approx(22 / 1024)


def test_answers_of_several_runs_have_every_sign_flipped():
    rng = np.random.default_rng(8)
    a, b = (rng.random((3, 10)) < 0.6).astype(float), (rng.random((3, 10)) < 0.3) * 1.0
    gaps = (a - b).sum(axis=0)
    assert len(np.unique(np.abs(gaps[gaps != 0]))) > 1  # or it is McNemar's
    reached = [
        abs(np.dot(signs, gaps)) >= abs(gaps.sum())
        for signs in itertools.product((-1, 1), repeat=10)
    ]
    # the transform's errors are 1e-16 a term
    assert significance.by_items(None, a, b) == pytest.approx(
        np.mean(reached), abs=1e-9
    )
    assert significance.by_items(None, a, a) == 1


def test_cohens_d_is_in_deviations_of_one_training():
    a, b = np.array([4.0, 6.0]), np.array([1.0, 3.0])
    assert significance.cohens_d(a, b) == pytest.approx(3 / np.sqrt(2))
    assert significance.cohens_d(a[:1], b) is None
    assert significance.cohens_d(np.ones(3), np.zeros(3)) is None


def test_discordant_answers_give_odds_and_cohens_g():
    a = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 1.0]])
    b = np.array([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0.0]])
    found = significance.discordant(a, b)
    assert found == Discordant(4, 1)
    assert found.odds_ratio == 4
    assert found.cohens_g == pytest.approx(4 / 5 - 1 / 2)
    assert Discordant(3, 0).odds_ratio is None
    assert Discordant(0, 0).cohens_g is None
