"""Every answer of `Vectors` beside that of gensim's KeyedVectors, same vectors."""

import time
import warnings

import numpy as np
import pytest
from gensim.models import KeyedVectors

from w2v_jax import tables
from w2v_jax.evaluation import analogy
from w2v_jax.evaluation.readers import read_analogies
from w2v_jax.vectors import Vectors

ROUNDING = 2e-6  # float32 cosines over 50 values; 3CosMul multiplies three of them
WORDS = [f"w{i}" for i in range(3000)]
RNG = np.random.default_rng(0)
# correlated, as trained vectors are, and of many lengths; no two cosines are equal
MATRIX = RNG.normal(size=(3000, 8)) @ RNG.normal(size=(8, 50))
MATRIX = (MATRIX + RNG.normal(size=MATRIX.shape)) * RNG.gamma(2, size=(3000, 1))
MATRIX = MATRIX.astype(np.float32)
OURS = Vectors(WORDS, MATRIX)
ASKED = [WORDS[i] for i in RNG.choice(3000, 20, replace=False)]
TRIPLES = [[WORDS[i] for i in RNG.choice(3000, 3, replace=False)] for _ in range(20)]


def keyed(matrix=MATRIX) -> KeyedVectors:
    made = KeyedVectors(matrix.shape[1])
    made.add_vectors(WORDS, matrix)
    return made


THEIRS = keyed()


def assert_same(ours, theirs):
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose(
        [score for _, score in ours], [score for _, score in theirs], atol=ROUNDING
    )


def test_nearest_words_come_in_gensims_order_with_gensims_cosines():
    for word in ASKED:
        assert_same(OURS.nearest(word, 25), THEIRS.most_similar(word, topn=25))


def test_the_words_nearest_to_a_vector_are_gensims():
    query = RNG.normal(size=50).astype(np.float32)
    assert_same(OURS.nearest_to(query, 25), THEIRS.similar_by_vector(query, topn=25))


def test_3cosadd_gives_gensims_answers():
    for a, b, c in TRIPLES:
        expected = THEIRS.most_similar(positive=[b, c], negative=[a], topn=10)
        assert_same(OURS.analogy(a, b, c, 10), expected)


def test_3cosmul_gives_gensims_answers():
    for a, b, c in TRIPLES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of gensim by itself
            expected = THEIRS.most_similar_cosmul([b, c], [a], topn=10)
        found = OURS.analogy(a, b, c, 10, "3cosmul")
        assert [word for word, _ in found] == [word for word, _ in expected]
        # a quotient: relative, and its divisor may be near zero
        np.testing.assert_allclose(
            [score for _, score in found], [s for _, s in expected], rtol=1e-4
        )


def test_similarities_are_gensims():
    for a, b, _ in TRIPLES:
        expected = float(THEIRS.similarity(a, b))
        assert OURS.similarity(a, b) == pytest.approx(expected, abs=ROUNDING)


def test_the_euclidean_distance_is_that_of_gensims_vectors():
    for a, b, _ in TRIPLES:
        expected = float(np.linalg.norm(THEIRS[a].astype(np.float64) - THEIRS[b]))
        assert OURS.distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_the_centroid_is_gensims_mean_vector():
    expected = THEIRS.get_mean_vector(ASKED, pre_normalize=True)
    np.testing.assert_allclose(OURS.centroid(ASKED), expected, atol=ROUNDING)


def test_the_odd_one_out_is_gensims():
    for start in range(0, 3000, 200):
        words = WORDS[start : start + 5]
        assert OURS.odd_one_out(words) == THEIRS.doesnt_match(words)


@pytest.mark.parametrize("table", tables.TABLES)
def test_both_tables_together_are_searched_as_gensim_would(table):
    outputs = RNG.normal(size=MATRIX.shape).astype(np.float32)
    found = tables.combined(OURS, Vectors(WORDS, outputs), table)
    joined = {
        "input": MATRIX,
        "output": outputs,
        "average": (MATRIX + outputs) / 2,
        "concatenation": np.concatenate([MATRIX, outputs], axis=1),
    }[table]
    theirs = keyed(joined)
    for word in ASKED[:5]:
        assert_same(found.nearest(word, 10), theirs.most_similar(word, topn=10))


@pytest.mark.slow
def test_all_google_questions_over_70000_words_take_five_seconds_of_two_cores(
    shared_data,
):
    questions = read_analogies(shared_data / "eval/en/questions-words.txt")
    assert len(questions) == 19_544
    known = {w.lower() for q in questions for w in (*q[:3], *q.answers)}
    words = sorted(known) + [f"other{i}" for i in range(70_000 - len(known))]
    vectors = Vectors(words, RNG.normal(size=(70_000, 100)))
    analogy.evaluate(vectors, questions[:4096])  # compiles
    begun = time.process_time()
    result = analogy.evaluate(vectors, questions)
    used = time.process_time() - begun
    assert result.known.all()
    # core-seconds, so that what else the machine does hardly counts: two cores, 5 s
    assert used < 2 * 5
