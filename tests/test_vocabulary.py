import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.corpus import encode
from w2v_jax.vocabulary import Vocabulary, build_vocabulary, keep_probabilities

WORDS = ("the", "cat", "sat", "on", "mat")
COUNTS = np.array([50, 20, 20, 5, 1])


@dataclasses.dataclass
class Corpus:
    words: tuple[str, ...] = WORDS
    counts: np.ndarray = dataclasses.field(default_factory=lambda: COUNTS)
    path: Path = Path("text.txt")


def test_words_below_min_count_are_left_out():
    vocabulary = build_vocabulary(Corpus(), min_count=5)
    assert vocabulary.words == WORDS[:4]
    assert vocabulary.counts.tolist() == [50, 20, 20, 5]
    assert len(vocabulary) == 4


def test_a_bound_keeps_the_most_frequent_words():
    assert build_vocabulary(Corpus(), 1, max_vocabulary=2).words == WORDS[:2]
    assert build_vocabulary(Corpus(), 5, max_vocabulary=9).words == WORDS[:4]


@pytest.mark.parametrize(
    ("min_count", "max_vocabulary", "left"), [(21, 0, 1), (51, 0, 0), (1, 1, 1)]
)
def test_a_vocabulary_of_fewer_than_two_words_is_refused(
    min_count, max_vocabulary, left
):
    with pytest.raises(ValueError, match=f"{left} of its 5") as caught:
        build_vocabulary(Corpus(), min_count, max_vocabulary)
    assert str(caught.value).startswith("text.txt: ")
    assert "lower min_count" in str(caught.value)


def test_the_id_of_a_word_in_the_corpus_is_its_id_in_the_vocabulary(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("b a a c b a d\nc b a e")
    corpus = encode(path, cache_dir=tmp_path / "c")
    vocabulary = build_vocabulary(corpus, 2)
    assert vocabulary.words == ("a", "b", "c")
    kept = corpus.ids[(corpus.ids >= 0) & (corpus.ids < len(vocabulary))]
    assert [vocabulary.words[id] for id in kept] == list("baacbacba")
    assert [vocabulary.index(word) for word in vocabulary.words] == [0, 1, 2]


def test_a_word_that_is_not_known_is_refused_by_name():
    vocabulary = Vocabulary(WORDS, COUNTS)
    assert "cat" in vocabulary
    assert "cow" not in vocabulary
    with pytest.raises(ValueError, match="'cow'"):
        vocabulary.index("cow")


class TestKeepProbabilities:
    threshold = 0.01

    def test_they_follow_the_formula_of_word2vec(self):
        f = COUNTS / COUNTS.sum()
        t = self.threshold
        expected = np.minimum(1, np.sqrt(t / f) + t / f)
        found = keep_probabilities(COUNTS, t, "word2vec")
        # One rounding each for ratio, root and sum.
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(float).eps)
        assert found.dtype == np.float64

    def test_they_follow_the_formula_of_the_paper(self):
        f = COUNTS / COUNTS.sum()
        expected = np.minimum(1, np.sqrt(self.threshold / f))
        found = keep_probabilities(COUNTS, self.threshold, "paper")
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(float).eps)

    def test_they_are_what_the_code_of_word2vec_computes(self):
        # With s = sample * train_words: (sqrt(cn / s) + 1) * s / cn.
        scaled = self.threshold * COUNTS.sum()
        expected = (np.sqrt(COUNTS / scaled) + 1) * scaled / COUNTS
        found = keep_probabilities(COUNTS, self.threshold, "word2vec")
        np.testing.assert_allclose(
            found, np.minimum(1, expected), rtol=4 * np.finfo(float).eps
        )

    def test_a_rarer_word_is_kept_at_least_as_often_and_never_more_than_surely(self):
        found = keep_probabilities(COUNTS, self.threshold, "word2vec")
        assert np.all(np.diff(found) >= 0)
        assert found[-1] == 1.0

    def test_no_threshold_keeps_everything(self):
        assert np.all(keep_probabilities(COUNTS, 0.0, "paper") == 1.0)

    def test_the_total_may_count_the_words_outside_the_vocabulary(self):
        # Twice the total halves every frequency.
        wide = keep_probabilities(COUNTS, 1e-3, "paper", total=2 * int(COUNTS.sum()))
        narrow = keep_probabilities(COUNTS, 2e-3, "paper")
        np.testing.assert_allclose(wide, narrow, rtol=4 * np.finfo(float).eps)

    @pytest.mark.parametrize(
        ("threshold", "formula", "total", "problem"),
        [
            (-1e-3, "paper", None, "subsample"),
            (float("nan"), "paper", None, "subsample"),
            (1e-3, "gensim", None, "word2vec or paper"),
            (1e-3, "paper", 0, "total"),
        ],
    )
    def test_bad_arguments_are_refused(self, threshold, formula, total, problem):
        with pytest.raises(ValueError, match=problem):
            keep_probabilities(COUNTS, threshold, formula, total)


class TestFiles:
    def load(self, tmp_path, data):
        path = tmp_path / "vocabulary.tsv"
        path.write_bytes(data)
        return Vocabulary.load_tsv(path)

    def test_a_vocabulary_survives_a_file(self, tmp_path):
        words = ("the", "词", "o'neill", "\u200b", "a\x00b")
        Vocabulary(words, COUNTS).save_tsv(tmp_path / "v.tsv")
        again = Vocabulary.load_tsv(tmp_path / "v.tsv")
        assert again.words == words
        assert again.counts.tolist() == COUNTS.tolist()
        assert again.counts.dtype == np.int64

    def test_the_file_has_a_word_a_tab_and_a_count_a_line(self, tmp_path):
        Vocabulary(WORDS[:2], COUNTS[:2]).save_tsv(tmp_path / "v.tsv")
        assert (tmp_path / "v.tsv").read_bytes() == b"the\t50\ncat\t20\n"

    def test_a_writer_that_fails_midway_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "v.tsv"
        Vocabulary(WORDS[:1], COUNTS[:1]).save_tsv(path)
        with pytest.raises(UnicodeEncodeError):  # "\ud800" is no text in UTF-8
            Vocabulary(("cat", "\ud800"), COUNTS[:2]).save_tsv(path)
        assert path.read_bytes() == b"the\t50\n"
        assert list(tmp_path.iterdir()) == [path]

    def test_windows_line_ends_are_accepted(self, tmp_path):
        assert self.load(tmp_path, b"the\t2\r\ncat\t1\r\n").words == ("the", "cat")

    @pytest.mark.parametrize(
        ("data", "line", "problem"),
        [
            (b"the\t2\nthe\t1\n", 2, "twice"),
            (b"the\t2\ncat\t-1\n", 2, "not a count"),
            (b"the\t2\ncat\t0\n", 2, "count is 0"),
            (b"the\t2\ncat\t1.5\n", 2, "not a count"),
            (b"the\t2\ncat\t\n", 2, "not a count"),
            (b"the\t2\ncat\t1\t1\n", 2, "not a count"),
            (b"the\t" + b"9" * 5000 + b"\n", 1, "not a count"),
            ("the\t²\n".encode(), 1, "not a count"),
            (b"the\t2\ncat 1\n", 2, "no tab"),
            (b"the\t2\n\n", 2, "no tab"),
            (b"\t2\n", 1, "white space"),
            (b"a b\t2\n", 1, "white space"),
            (b"the\t2\nc\xff\t1\n", 2, "byte 1 is not UTF-8"),
            (b"the\t2\ncat\t3\n", 2, "sort by count"),
        ],
    )
    def test_a_bad_line_is_refused_by_number(self, tmp_path, data, line, problem):
        with pytest.raises(ValueError, match=problem) as caught:
            self.load(tmp_path, data)
        start = f"{tmp_path / 'vocabulary.tsv'}: line {line}: "
        assert str(caught.value).startswith(start)
        assert len(str(caught.value)) < len(start) + 200

    def test_an_empty_file_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="empty"):
            self.load(tmp_path, b"")

    @given(data=st.data())
    def test_a_mutated_file_gives_a_vocabulary_or_one_clear_error(self, data):
        text = bytearray(b"the\t50\ncat\t20\nsat\t20\non\t5\n")
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(text) - 1))
            text[at : at + data.draw(st.integers(0, 2))] = data.draw(
                st.binary(max_size=2)
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "v.tsv"
            path.write_bytes(text)
            error = refusal(path)
            assert error is None or error.startswith(f"{path}: ")


def refusal(path):
    """The text of the ValueError that loading raises; None if it gives something
    that a vocabulary may be.
    """
    try:
        vocabulary = Vocabulary.load_tsv(path)
    except ValueError as error:
        return str(error)
    assert len(set(vocabulary.words)) == len(vocabulary.counts) > 0
    assert np.all(np.diff(vocabulary.counts) <= 0)
    assert vocabulary.counts[-1] > 0
    return None
