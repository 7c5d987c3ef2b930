import numpy as np
import pytest
import scipy.optimize

from w2v_jax import pair_sets, search
from w2v_jax.vectors import Vectors


def random_unit(rows: int, dim: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return search.unit(rng.normal(size=(rows, dim)).astype(np.float32))


def test_the_average_query_adds_the_mean_offset_of_the_pairs_kept():
    words, sources, targets = (random_unit(3, 4, seed) for seed in (0, 1, 2))
    kept = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1]], np.float32)
    queries = pair_sets.average_queries(words, sources, targets, kept)
    offsets = targets - sources
    expected = [
        words[0] + offsets.mean(axis=0),
        words[1] + (offsets[1] + offsets[2]) / 2,
        words[2] + offsets[2],
    ]
    np.testing.assert_allclose(queries, expected, atol=1e-6)  # float32 sums of three


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """The penalised log loss, in float64, written apart from the code under test."""
    score = w[0] + x @ w[1:]
    log_loss = np.logaddexp(0, -score) * y + np.logaddexp(0, score) * (1 - y)
    return weight @ log_loss + pair_sets.PENALTY * (w[1:] @ w[1:]) / 2


def test_the_regression_finds_the_minimum_that_scipy_finds():
    rng = np.random.default_rng(0)
    x = random_unit(40, 5, 3)
    y = (rng.random(40) < 0.3).astype(np.float32)
    kept = np.ones(40, np.float32)
    kept[:4] = 0
    # each class weighs half of the examples kept
    weight = kept * np.where(y == 1, 18 / (kept * y).sum(), 18 / (kept * (1 - y)).sum())
    expected = scipy.optimize.minimize(loss, np.zeros(6), (x, y, weight)).x
    found = np.asarray(pair_sets.fit_classifier(x, y, kept))
    # scipy stops at a gradient of 1e-5, and the loss has a curvature of about one
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_an_example_left_out_changes_nothing():
    x, y = random_unit(12, 3, 5), np.array([1, 0] * 6, np.float32)
    kept = np.ones(12, np.float32)
    kept[7] = 0
    moved = x.copy()
    moved[7] = -moved[7]
    np.testing.assert_array_equal(
        pair_sets.fit_classifier(x, y, kept), pair_sets.fit_classifier(moved, y, kept)
    )


@pytest.mark.slow
def test_the_classifiers_queries_score_chance_times_cosine():
    words, sources, targets, random = (random_unit(4, 6, seed) for seed in range(4))
    kept = 1 - np.eye(4, dtype=np.float32)
    queries = pair_sets.classifier_queries(words, sources, targets, random, kept)
    matrix = random_unit(9, 6, 9) * 3  # the length of a row must not matter
    barred = np.full((4, 1), -1, np.int32)
    scores, rows = search.best_rows(
        search.slabs(matrix), queries, barred, 9, search.class_times_cosine
    )
    unit = search.unit(matrix)
    for query in range(4):
        examples = np.concatenate([targets, sources, random])
        labels = np.repeat([1, 0], [4, 8]).astype(np.float32)
        weights = np.ones(12, np.float32)
        weights[[query, 4 + query]] = 0
        w = np.asarray(pair_sets.fit_classifier(examples, labels, weights))
        chance = 1 / (1 + np.exp(-(w[0] + unit @ w[1:])))
        expected = chance * (unit @ words[query])
        np.testing.assert_allclose(scores[query], expected[rows[query]], atol=1e-5)
        assert (np.diff(scores[query]) <= 0).all()


@pytest.fixture
def plurals() -> Vectors:
    """singular i = e_i; plural i = e_i + e_0; and one near each singular, apart from
    the relation."""
    singular = np.eye(8, dtype=np.float32)[1:7]
    plural = singular + np.eye(8, dtype=np.float32)[0]
    near = singular + 0.2 * np.eye(8, dtype=np.float32)[7]
    words = [*"abcdef", *(f"{w}s" for w in "abcdef"), *(f"{w}ish" for w in "abcdef")]
    return Vectors(words, np.concatenate([singular, plural, near]))


@pytest.mark.parametrize("method", pair_sets.METHODS)
def test_a_relation_is_learnt_from_pairs(plurals, method):
    assert plurals.nearest("f", 1)[0][0] == "fish"  # without the relation
    pairs = [("a", "as"), ("b", "bs"), ("c", "cs"), ("d", "ds")]
    answers = plurals.relation(pairs, "f", 20, method)
    assert answers[0][0] == "fs"
    asked = {word for pair in pairs for word in pair} | {"f"}
    assert not asked & {word for word, _ in answers}


def test_a_relation_needs_a_pair_and_a_known_method(plurals):
    with pytest.raises(ValueError, match="at least one pair"):
        plurals.relation([], "a")
    with pytest.raises(ValueError, match="must be one of 3cosavg, lrcos"):
        plurals.relation([("a", "as")], "b", method="3cosadd")
