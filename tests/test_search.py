"""The search against NumPy over the whole matrix at once."""

import numpy as np
import pytest

from w2v_jax import search

# float32 sums of 16 products of numbers below 1: a few units in the last place
ROUNDING = 1e-6


def table(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)


def brute_force(scores: np.ndarray, excluded: np.ndarray, k: int) -> np.ndarray:
    """Rows [B, k] of the best scores [V, B], by a stable sort."""
    scores = scores.copy()
    for query, rows in enumerate(excluded):
        scores[rows[rows >= 0], query] = -np.inf
    return np.argsort(-scores, axis=0, kind="stable")[:k].T


# below one chunk, one chunk, one and a bit, several with a last one that steps back
@pytest.mark.parametrize("rows", [3, search.CHUNK, search.CHUNK + 1, 2500])
@pytest.mark.parametrize("k", [1, 3])
def test_the_search_finds_what_sorting_all_cosines_finds(rows, k):
    matrix, queries = table(rows, 16), search.unit(table(5, 16, seed=1))
    excluded = np.random.default_rng(2).integers(-1, rows, (5, 2), dtype=np.int32)
    excluded[:, 1] = -1 if rows == 3 else excluded[:, 1]  # leave some rows
    cosines = search.unit(matrix) @ queries.T
    k = min(k, rows - 1)
    scores, found = search.best_rows(search.slabs(matrix), queries, excluded, k)
    np.testing.assert_array_equal(found, brute_force(cosines, excluded, k))
    np.testing.assert_allclose(
        scores, np.take_along_axis(cosines.T, found, axis=1), atol=ROUNDING
    )


def test_slabs_of_a_large_matrix_give_the_same_answers(monkeypatch):
    matrix, rows = table(5000, 8), [0, 1500, 4999, 2500]
    queries = search.unit(matrix[rows])  # each would answer itself
    excluded = np.array([[0], [1500], [4999], [-1]], np.int32)
    whole = search.best_rows(search.slabs(matrix), queries, excluded, 4)
    monkeypatch.setattr(search, "SLAB_BYTES", 4 * 8 * 2048)  # 2,048 rows a slab
    parts = list(search.slabs(matrix))
    assert [start for start, _, _ in parts] == [0, 2048, 4096]
    assert whole[1][3, 0] == 2500
    split = search.best_rows(parts, queries, excluded, 4)
    np.testing.assert_array_equal(split[1], whole[1])
    np.testing.assert_allclose(split[0], whole[0], atol=ROUNDING)


def test_more_queries_than_a_batch_are_each_answered():
    matrix = np.eye(8, dtype=np.float32)
    wanted = np.arange(search.BATCH + 3) % 8
    excluded = np.full((len(wanted), 1), -1, np.int32)
    _, found = search.best_rows(search.slabs(matrix), matrix[wanted], excluded, 1)
    np.testing.assert_array_equal(found[:, 0], wanted)


@pytest.mark.parametrize("k", [1, 1100])
@pytest.mark.parametrize("slab_rows", [1024, 4096])
def test_equal_scores_come_in_row_order(monkeypatch, k, slab_rows):
    monkeypatch.setattr(search, "SLAB_BYTES", 4 * 4 * slab_rows)
    matrix = np.tile(np.eye(4, dtype=np.float32)[:2], (600, 1))  # 1, 0, 1, 0 ...
    excluded = np.array([[0]], np.int32)
    _, found = search.best_rows(search.slabs(matrix), matrix[:1], excluded, k)
    ones, zeros = np.arange(2, 1200, 2), np.arange(1, 1200, 2)
    np.testing.assert_array_equal(found[0], np.concatenate([ones, zeros])[:k])


def test_a_zero_vector_has_cosine_zero_with_everything():
    matrix = np.array([[0, 0], [1, 0], [-1, 0]], np.float32)
    query, excluded = matrix[[1]], np.array([[-1]], np.int32)
    scores, found = search.best_rows(search.slabs(matrix), query, excluded, 3)
    np.testing.assert_array_equal(found[0], [1, 0, 2])
    np.testing.assert_array_equal(scores[0], [1, 0, -1])


def test_with_every_row_excluded_the_score_is_minus_infinity():
    matrix = np.eye(2, dtype=np.float32)
    excluded = np.array([[0, 1]], np.int32)
    scores, _ = search.best_rows(search.slabs(matrix), matrix[:1], excluded, 1)
    assert scores[0, 0] == -np.inf


def test_the_product_score_is_levy_and_goldbergs_formula():
    matrix = table(50, 8)
    a, b, c = search.unit(table(3, 8, seed=1))
    shifted = [(1 + search.unit(matrix) @ query) / 2 for query in (a, b, c)]
    expected = shifted[1] * shifted[2] / (shifted[0] + search.COSMUL_EPSILON)
    scores, found = search.best_rows(
        search.slabs(matrix),
        np.stack([a, b, c])[:, None],
        np.array([[-1]], np.int32),
        50,
        search.cosine_product,
    )
    np.testing.assert_array_equal(found[0], np.argsort(-expected))
    # a quotient by a number that may be small: relative, some units in the last place
    np.testing.assert_allclose(scores[0], np.sort(expected)[::-1], rtol=1e-5)


def test_one_program_serves_all_batches_of_a_size():
    matrix, excluded = table(300, 8), np.full((7, 1), -1, np.int32)
    parts = list(search.slabs(matrix))
    search.best_rows(parts, table(7, 8), excluded, 1)
    compiled = search._best._cache_size()
    for seed in range(3):
        search.best_rows(parts, table(5 + seed, 8, seed), excluded[: 5 + seed], 1)
    assert search._best._cache_size() == compiled  # 5, 6 and 7 queries all fill up to 8
