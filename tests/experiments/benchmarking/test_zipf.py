"""Text of Zipf's law: counts by the formula, words by the counts."""

import numpy as np
import pytest

from experiments.benchmarking import zipf


@pytest.mark.parametrize("size", [2, 7, 1000])
def test_counts_fall_as_one_over_the_rank(size):
    known = zipf.vocabulary(size)
    ranks = np.arange(1, size + 1)
    exact = zipf.FEWEST * size / ranks
    assert len(known) == len(known.words) == size
    assert ((known.counts >= exact) & (known.counts < exact + 1)).all()
    assert known.counts[-1] == zipf.FEWEST


def test_words_are_distinct_and_the_most_frequent_come_first():
    known = zipf.vocabulary(300)
    assert len(set(known.words)) == 300
    assert (np.diff(known.counts) <= 0).all()


@pytest.mark.parametrize("size", [2, 20])
def test_a_text_has_words_as_often_as_the_counts_say(size):
    known = zipf.vocabulary(size)
    ids = zipf.text(known, 50_000)
    assert ids.dtype == np.int32
    share = known.counts / known.counts.sum()
    found = np.bincount(ids, minlength=size) / len(ids)
    # five standard deviations of a share of 50,000 draws
    spread = np.sqrt(share * (1 - share) / len(ids))
    assert (np.abs(found - share) < 5 * spread).all()


def test_the_first_and_the_last_word_can_be_drawn_and_none_beyond():
    ids = zipf.text(zipf.vocabulary(3), 1000)
    assert set(ids.tolist()) == {0, 1, 2}


def test_the_same_seed_gives_the_same_text_and_another_one_another():
    known = zipf.vocabulary(50)
    first, again, other = (zipf.text(known, 100, seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_one_word_is_no_vocabulary():
    with pytest.raises(ValueError, match="vocabulary=1"):
        zipf.vocabulary(1)
