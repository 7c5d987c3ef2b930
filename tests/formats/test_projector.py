import numpy as np
import pytest

from w2v_jax.vectors import Vectors


def test_the_projector_gets_values_and_words_in_two_files(tmp_path):
    Vectors(["a b", "北京"], [[0.5, -1], [0.1, 2]]).save(tmp_path / "v.tsv")
    assert (tmp_path / "v.tsv").read_text() == "0.5\t-1.0\n0.1\t2.0\n"
    assert (tmp_path / "v_metadata.tsv").read_text() == "a b\n北京\n"


def test_a_word_with_a_tab_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"word 2, .*holds a tab"):
        Vectors(["a", "b\tc"], [[1.0], [2.0]]).save(tmp_path / "v.tsv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "words", "message"),
    [
        ("1.5\t2\n3\n", "a\nb\n", "line 2: 1 values, expected 2"),
        ("1\n2\n3\n", "a\nb\n", "line 3: 1 values, expected 1 for each of 2 words"),
        ("1.0000\n", "a\nb\n", "1 vectors for 2 words"),
        ("1\t2\n", "a\n" * 99, "99 words in v_metadata.tsv, but too few bytes"),
        ("1\tx\n", "a\n", "line 1: expected numbers, not"),
        ("1\tnan\n", "a\n", "not finite"),
        ("1\n2\n", "a\na\n", "'a' is both word 1 and word 2"),
        ("", "", "no vectors"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_the_line(
    tmp_path, values, words, message
):
    path = tmp_path / "v.tsv"
    path.write_text(values)
    (tmp_path / "v_metadata.tsv").write_text(words)
    with pytest.raises(ValueError, match=f"^{path}: .*{message}"):
        Vectors.load(path)


def test_an_empty_word_is_refused_in_its_own_file(tmp_path):
    (tmp_path / "v.tsv").write_text("1\n2\n")
    beside = tmp_path / "v_metadata.tsv"
    beside.write_text("a\n\n")
    with pytest.raises(ValueError, match=f"^{beside}: line 2: no word"):
        Vectors.load(tmp_path / "v.tsv")


def test_without_its_words_the_file_is_of_no_use(tmp_path):
    (tmp_path / "v.tsv").write_text("1\n")
    with pytest.raises(FileNotFoundError, match=r"v_metadata\.tsv"):
        Vectors.load(tmp_path / "v.tsv")


def test_values_of_a_large_file_come_back(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    words = [str(i) for i in range(5000)]  # more rows than are written at a time
    Vectors(words, matrix).save(tmp_path / "v.tsv")
    found = Vectors.load(tmp_path / "v.tsv")
    assert found.words == tuple(words)
    np.testing.assert_array_equal(found.matrix, matrix)
