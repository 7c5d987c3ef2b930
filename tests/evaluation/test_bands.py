import numpy as np

from w2v_jax.evaluation.bands import bands


def test_bands_group_by_rank_or_by_count():
    rows = np.array([0, 999, 1000, 25_000, -1], np.int32)
    by_rank = bands(rows)
    assert {name: inside.tolist() for name, inside in by_rank.items()} == {
        "rank 1 to 1000": [True, True, False, False, False],
        "rank 1001 to 5000": [False, False, True, False, False],
        "rank 20001 to 100000": [False, False, False, True, False],
    }
    counts = np.array([20_000, 10_000, 9_999, 5])
    by_count = bands(np.array([0, 1, 2, 3, -1], np.int32), counts)
    assert {name: inside.tolist() for name, inside in by_count.items()} == {
        "occurrences 1 to 9": [False, False, False, True, False],
        "occurrences 1000 to 9999": [False, False, True, False, False],
        "occurrences 10000 and above": [True, True, False, False, False],
    }
