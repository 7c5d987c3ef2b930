import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from w2v_jax.evaluation.readers import Pair, read_pairs
from w2v_jax.evaluation.similarity import evaluate
from w2v_jax.vectors import Vectors

AS_GENSIM = 1e-6  # gensim's float32 dot products sum in another order
SETS = ["wordsim353.tsv", "simlex999.txt"]


@pytest.fixture
def circle() -> Vectors:
    """Words on the unit circle, ten degrees apart."""
    angles = np.radians(10 * np.arange(8))
    words = list("abcdefgh")
    return Vectors(words, np.stack([np.cos(angles), np.sin(angles)], axis=1))


def test_people_who_judge_by_the_angle_agree_perfectly(circle):
    pairs = [Pair("a", other, 10 - i) for i, other in enumerate("bcdefgh")]
    scores = evaluate(circle, pairs).to_dict()
    assert scores["spearman"] == pytest.approx(1)
    assert scores["pairs"] == 7
    assert scores["out_of_vocabulary"] == 0
    assert scores["coverage"] == 1
    assert scores["interval"] == pytest.approx((1, 1))


def test_pearson_sees_the_values_and_spearman_the_order(circle):
    cosines = np.cos(np.radians([10, 20, 30, 40]))
    pairs = [Pair("a", w, float(c)) for w, c in zip("bcde", cosines, strict=True)]
    bent = [Pair("a", w, float(c**50)) for w, c in zip("bcde", cosines, strict=True)]
    assert evaluate(circle, pairs).to_dict()["pearson"] == pytest.approx(1)
    scores = evaluate(circle, bent).to_dict()
    assert scores["spearman"] == pytest.approx(1)
    assert scores["pearson"] < 0.99


def test_missing_words_are_left_out_or_given_cosine_zero(circle):
    # three pairs in the right order, and a missing one that people find most alike:
    # left out the ranks agree; at cosine 0 the human order 4 1 2 3 meets 1 2 3 4
    pairs = [Pair("a", "d", 1), Pair("a", "c", 2), Pair("a", "b", 3), Pair("a", "?", 4)]
    scores = evaluate(circle, pairs).to_dict()
    assert scores["spearman"] == pytest.approx(1)
    differences = np.array([1 - 2, 2 - 3, 3 - 4, 4 - 1])
    expected = 1 - 6 * (differences**2).sum() / (4 * (16 - 1))
    assert scores["spearman_missing_as_zero"] == pytest.approx(expected)
    assert (scores["pairs"], scores["out_of_vocabulary"]) == (3, 1)
    assert scores["coverage"] == 3 / 4


def test_with_no_known_pair_there_is_no_score(circle):
    scores = evaluate(circle, [Pair("?", "!", 1), Pair("a", "?", 2)]).to_dict()
    assert scores["spearman"] is None
    assert scores["interval"] is None
    assert scores["pairs"] == 0


def test_a_word_beyond_the_cut_counts_as_missing(circle):
    pairs = [Pair("a", other, i) for i, other in enumerate("bcdefgh")]
    assert evaluate(circle, pairs, restrict=4).to_dict()["pairs"] == 3


def keyed_vectors() -> KeyedVectors:
    """Random vectors for most words of the sets, some in two spellings."""
    words: dict[str, None] = {}
    for name in SETS:
        for first, second, _ in read_pairs(datapath(name)):
            words |= {first: None, second.upper(): None, second: None}
    kept = [word for i, word in enumerate(words) if i % 10]
    vectors = KeyedVectors(20)
    vectors.add_vectors(kept, np.random.default_rng(0).normal(size=(len(kept), 20)))
    return vectors


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("restrict", [0, 900])
@pytest.mark.parametrize("fold_case", [True, False])
def test_correlations_equal_gensims(name, restrict, fold_case):
    theirs = keyed_vectors()
    ours = evaluate(
        Vectors(theirs.index_to_key, theirs.vectors),
        read_pairs(datapath(name)),
        restrict,
        fold_case,
    ).to_dict()
    for key, dummy in (("", False), ("_missing_as_zero", True)):
        pearson, spearman, missing = theirs.evaluate_word_pairs(
            datapath(name),
            restrict_vocab=restrict or None,
            case_insensitive=fold_case,
            dummy4unknown=dummy,
        )
        assert ours[f"spearman{key}"] == pytest.approx(spearman[0], abs=AS_GENSIM)
        assert ours[f"pearson{key}"] == pytest.approx(pearson[0], abs=AS_GENSIM)
        assert 100 * (1 - ours["coverage"]) == pytest.approx(missing)
        assert missing > 0  # both conventions are at work
