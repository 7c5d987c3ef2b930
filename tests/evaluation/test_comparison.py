import numpy as np
import pytest
import scipy.stats

from w2v_jax.evaluation import comparison
from w2v_jax.evaluation.analogy import AnalogyResult
from w2v_jax.evaluation.similarity import SimilarityResult


def noisy(human, noise, seed):
    return human + noise * np.random.default_rng(seed).normal(size=len(human))


HUMAN = np.random.default_rng(0).normal(size=400)


def test_a_planted_difference_is_found_with_its_sign_and_its_size():
    found = comparison.correlations(HUMAN, noisy(HUMAN, 0.5, 1), noisy(HUMAN, 2, 2))
    for side, seed, noise in (("a", 1, 0.5), ("b", 2, 2)):
        theirs = scipy.stats.spearmanr(HUMAN, noisy(HUMAN, noise, seed)).statistic
        assert found[side] == pytest.approx(theirs, abs=1e-12)  # float64 sums
    assert found["difference"] == pytest.approx(found["a"] - found["b"])
    low, high = found["interval"]
    assert 0 < low < found["difference"] < high
    assert found["p"] == 1 / (comparison.PERMUTATIONS + 1)  # none came as far


def test_the_other_way_round_is_the_same_with_its_sign_turned():
    a, b = noisy(HUMAN, 1, 1), noisy(HUMAN, 1.2, 2)
    there = comparison.correlations(HUMAN, a, b)
    back = comparison.correlations(HUMAN, b, a)
    assert there["difference"] == -back["difference"]
    assert there["p"] == pytest.approx(back["p"], abs=1e-9)  # the same exchanges


def test_equal_models_do_not_differ():
    found = comparison.correlations(HUMAN, HUMAN, HUMAN)
    assert (found["difference"], found["interval"], found["p"]) == (0, (0, 0), 1)


@pytest.mark.slow
def test_models_of_equal_worth_are_told_apart_in_one_case_of_twenty():
    p_values = []
    for seed in range(100):
        human = np.random.default_rng(seed).normal(size=30)
        a, b = noisy(human, 1, seed + 1000), noisy(human, 1, seed + 2000)
        p_values.append(comparison.correlations(human, a, b)["p"])
    # binomial(100, 1/20) exceeds 12 in one case of 700
    assert (np.array(p_values) <= 0.05).sum() <= 12
    assert 0.3 < np.median(p_values) < 0.7  # uniform: 0.5 with a deviation of 0.05


def test_only_the_order_of_cosines_counts():
    a, b = noisy(HUMAN, 1, 1), noisy(HUMAN, 1.2, 2)
    plain = comparison.correlations(HUMAN, a, b)
    assert comparison.correlations(HUMAN, np.exp(a), b**3) == plain


def test_mcnemars_test_counts_what_one_model_alone_answers():
    a = np.array([1] * 50 + [1] * 9 + [0] * 1 + [0] * 40, bool)
    b = np.array([1] * 50 + [0] * 9 + [1] * 1 + [0] * 40, bool)
    found = comparison.accuracies(a, b)
    assert (found["a"], found["b"]) == (0.59, 0.51)
    assert found["difference"] == pytest.approx(0.08)
    # ten questions tell them apart: P(at most 1 or at least 9 heads of 10)
    # is 2 (1 + 10) / 2^10
    assert found["p"] == pytest.approx(22 / 1024)
    low, high = found["interval"]
    deviation = np.sqrt(0.10 - 0.08**2) / 10  # of a mean of +1, -1 and 0 over 100
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.15)  # 2,000 draws


def test_models_with_the_same_answers_do_not_differ():
    answers = np.array([True, False, True])
    assert comparison.accuracies(answers, answers)["p"] == 1


def test_only_items_known_to_both_are_compared():
    known = np.array([True, True, False, True])
    also = np.array([True, True, True, False])
    right = np.array([True, False, True, True])
    rest = {"sections": np.array(["s"] * 4), "rarest": np.zeros(4, np.int32)}
    a = AnalogyResult(known=known, correct=right, **rest)
    b = AnalogyResult(known=also, correct=~right, **rest)
    found = comparison.compare(a, b)
    assert (found["items"], found["only_a_right"], found["only_b_right"]) == (2, 1, 1)
    human, cosine = np.arange(4.0), np.arange(4.0)
    c = SimilarityResult(human, cosine, np.ones(4, bool))
    d = SimilarityResult(human, -cosine, np.array([True, True, True, False]))
    found = comparison.compare(c, d)
    assert (found["items"], found["a"], found["b"]) == (3, 1, -1)
    with pytest.raises(ValueError, match="different sets"):
        comparison.compare(a, c)


def test_nothing_in_common_is_no_difference():
    empty = np.zeros(0)
    assert comparison.correlations(empty, empty, empty)["difference"] is None
    assert comparison.accuracies(empty.astype(bool), empty.astype(bool))["p"] is None
    assert comparison.correlations(HUMAN, np.zeros(400), HUMAN)["p"] is None


def test_holms_correction_is_the_one_of_his_paper():
    # n = 4: 4 x .005, 3 x .01, 2 x .03, then .04 raised to the one before it
    found = comparison.holm([0.01, 0.04, None, 0.03, 0.005])
    assert found == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert comparison.holm([0.6, 0.7]) == [1, 1]
    assert comparison.holm([]) == []
