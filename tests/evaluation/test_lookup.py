import numpy as np

from w2v_jax.evaluation.lookup import MISSING, Lookup

WORDS = ["Apple", "apple", "pear", "APPLE", "straße"]


def test_the_most_frequent_spelling_lends_its_vector():
    lookup = Lookup(WORDS)
    assert [lookup.row(w) for w in ("apple", "APPLE", "Pear", "fig")] == [0, 0, 2, -1]


def test_upper_case_decides_as_in_gensim():
    assert Lookup(WORDS).row("STRASSE") == 4  # "straße".upper()


def test_without_folding_only_the_same_spelling_counts():
    lookup = Lookup(WORDS, fold_case=False)
    assert [lookup.row(w) for w in ("apple", "APPLE", "Pear")] == [1, 3, MISSING]


def test_words_beyond_the_cut_are_missing():
    assert Lookup(WORDS, restrict=2).row("pear") == MISSING
    assert Lookup(WORDS, restrict=3).row("pear") == 2
    assert Lookup(["a", "A"], restrict=1, fold_case=False).row("A") == MISSING


def test_groups_of_words_become_rows():
    rows = Lookup(WORDS).rows([("pear", "fig"), ("apple", "pear")], 2)
    np.testing.assert_array_equal(rows, [[2, MISSING], [0, 2]])
    assert Lookup(WORDS).rows([], 3).shape == (0, 3)


def test_every_spelling_is_found_and_filled_up_to_one_length():
    lookup = Lookup(WORDS)
    assert lookup.spellings == 3
    assert lookup.all_spellings(["apple", "pear"]) == [0, 1, 3, 2, MISSING, MISSING]
