import numpy as np
import pytest

from w2v_jax.evaluation import stability
from w2v_jax.vectors import Vectors

WORDS = [f"w{i}" for i in range(200)]
MATRIX = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
ALL = np.arange(200, dtype=np.int32)


def test_a_turned_copy_has_the_same_neighbours():
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    turned = Vectors(WORDS, 3 * MATRIX @ turn)
    found = stability.overlaps(Vectors(WORDS, MATRIX), turned, ALL)
    # only near-equal cosines may change places
    assert found.mean() > 0.999


def test_unrelated_vectors_overlap_by_chance():
    other = np.random.default_rng(2).normal(size=(200, 8))
    found = stability.overlaps(Vectors(WORDS, MATRIX), Vectors(WORDS, other), ALL)
    # k / (V - 1) = 0.05; 2,000 nearly independent draws, four deviations
    assert abs(found.mean() - 10 / 199) < 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_the_overlap_counts_words_not_places():
    # on a line of angles, each word's two nearest are the words beside it
    angles = np.array([0.0, 1.0, 2.1, 3.3, 4.6, 6.0]) / 5
    a = Vectors("abcdef", np.stack([np.cos(angles), np.sin(angles)], axis=1))
    swapped = a.matrix[[0, 1, 2, 3, 5, 4]]  # e and f change places
    found = stability.overlaps(a, Vectors("abcdef", swapped), ALL[:6], k=2)
    # a, b and c keep theirs; d had c and e, and where e was is f now; e and f had
    # d and each other, and still have
    np.testing.assert_allclose(found, [1, 1, 1, 0.5, 1, 1])


def test_noise_on_rare_words_shows_in_their_band():
    noise = np.random.default_rng(3).normal(size=MATRIX.shape) * 0.01
    noise[100:] *= 200  # the second hundred
    counts = np.repeat([5000, 5], 100).astype(np.int64)
    tables = stability.common([Vectors(WORDS, MATRIX), Vectors(WORDS, MATRIX + noise)])
    found = stability.by_band(tables, counts)
    frequent, rare = (
        found["occurrences 1000 to 9999"],
        found["occurrences 1 to 9"],
    )
    assert rare["interval"][1] < frequent["interval"][0]
    assert (rare["words"], frequent["words"]) == (100, 100)
    assert rare["chance"] == 10 / 199


def test_tables_are_cut_to_the_words_they_share():
    a = Vectors(["x", "y", "z"], [[1.0], [2.0], [3.0]])
    b = Vectors(["z", "q", "x"], [[30.0], [0.0], [10.0]])
    found = stability.common([a, b])
    assert [table.words for table in found] == [("x", "z")] * 2
    np.testing.assert_array_equal(found[1].matrix, [[10], [30]])
    with pytest.raises(ValueError, match="have 1 words in common"):
        stability.common([a, Vectors(["x", "u"], [[1.0], [2.0]])])
    with pytest.raises(ValueError, match="at least two tables"):
        stability.common([a])


def test_what_cannot_be_compared_is_refused():
    a = Vectors(WORDS, MATRIX)
    with pytest.raises(ValueError, match="k=200: must be at least 1 and below"):
        stability.overlaps(a, a, ALL, k=200)
    with pytest.raises(ValueError, match="different words"):
        stability.overlaps(a, Vectors(WORDS[::-1], MATRIX), ALL)


def test_all_pairs_of_three_files_are_averaged_over_a_sample():
    tables = [
        Vectors(
            WORDS, MATRIX + seed * np.random.default_rng(seed).normal(size=(200, 8))
        )
        for seed in range(3)
    ]
    (found,) = stability.by_band(tables, sampled=50).values()
    assert found["words"] == 50
    (whole,) = stability.by_band(tables).values()
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean(
        [stability.overlaps(tables[i], tables[j], ALL) for i, j in pairs]
    )
    assert whole["overlap"] == pytest.approx(expected)
