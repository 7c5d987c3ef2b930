import numpy as np

from w2v_jax.evaluation import held_out
from w2v_jax.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("the", "cat", "sat"), np.array([100, 10, 5]))


def windows(ids, **changes):
    options = {"window": 2, "dynamic": False} | changes
    return held_out.make_windows(np.array(ids, np.int32), VOCABULARY, **options)


def test_ids_of_the_text_become_ids_of_the_model():
    ids = np.array([0, 1, -1, 2, 0, -1], np.int32)
    found = held_out.known_ids(("sat", "unheard", "the"), ids, VOCABULARY)
    np.testing.assert_array_equal(found, [2, 3, -1, 0, 2, -1])  # V = 3: unknown


def test_every_word_sees_its_neighbours_and_not_itself():
    found = windows([0, 1, 2])
    np.testing.assert_array_equal(found.centres, [0, 1, 2])
    pairs = [
        (centre, sorted(context[mask].tolist()))
        for centre, context, mask in zip(*found, strict=True)
    ]
    assert pairs == [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])]


def test_windows_end_with_the_line_and_skip_unknown_words():
    found = windows([0, 3, 1, -1, 2, 0, -1, 1])
    # "the (unheard) cat", "sat the"; the last cat is alone and predicts nothing
    np.testing.assert_array_equal(found.centres, [0, 1, 2, 0])
    assert found.context[found.mask].tolist() == [1, 0, 0, 2]


def test_dynamic_windows_reach_one_to_m_words_evenly():
    found = windows([1] * 30_000, window=5, dynamic=True)
    reach = found.mask[5:-5].sum(axis=1) / 2
    assert set(reach) == {1, 2, 3, 4, 5}
    # the mean of U{1..5} is 3, its variance 2: four standard errors
    assert abs(reach.mean() - 3) < 4 * np.sqrt(2 / 30_000)


def test_subsampling_keeps_frequent_words_as_often_as_it_says():
    found = windows([0] * 30_000, subsample=0.1)
    ratio = 0.1 / (100 / 115)  # t / f
    keep = np.sqrt(ratio) + ratio
    deviation = np.sqrt(keep * (1 - keep) / 30_000)
    assert abs(len(found) / 30_000 - keep) < 4 * deviation


def test_a_text_without_known_words_has_no_windows():
    assert len(windows([3, 3, -1])) == 0
    assert len(windows([])) == 0


def test_batches_hold_every_window_once_and_are_filled_up_with_empty_ones():
    found = windows([0, 1, 2, 1, 0])
    batches = list(found.batches(2))
    assert [batch.mask.shape for batch in batches] == [(2, 4)] * 3
    assert not batches[-1].mask[1].any()
    joined = np.concatenate([batch.context[batch.mask] for batch in batches])
    np.testing.assert_array_equal(joined, found.context[found.mask])
