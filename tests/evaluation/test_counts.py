import numpy as np
import pytest

from w2v_jax.evaluation.counts import counts_beside, read_counts


def test_counts_come_from_the_vocabulary_beside_the_vectors(tmp_path):
    (tmp_path / "vocabulary.tsv").write_text("the\t20\n北京\t7\nrare\t1\n")
    found = counts_beside(tmp_path / "vectors.bin", ["北京", "the"])
    np.testing.assert_array_equal(found, [7, 20])


def test_without_a_vocabulary_or_with_another_one_there_are_no_counts(tmp_path):
    assert counts_beside(tmp_path / "vectors.bin", ["the"]) is None
    (tmp_path / "vocabulary.tsv").write_text("the\t20\n")
    assert counts_beside(tmp_path / "vectors.bin", ["the", "cat"]) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the\t20\ncat\n", "line 2: expected a word, a tab and a count"),
        (b"the\t-20\n", "line 1: expected a word, a tab and a count"),
        (b"\t20\n", "line 1: expected a word, a tab and a count"),
        (b"the\t" + b"9" * 5000 + b"\n", "line 1: expected a word, a tab and a count"),
        (b"the\t1\n\xff\t20\n", "line 2: the word is not UTF-8"),
    ],
)
def test_a_bad_vocabulary_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "vocabulary.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        read_counts(path)
