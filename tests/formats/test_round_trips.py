"""Values and words go out and come back bit for bit, in every format."""

import errno
import warnings

import numpy as np
import pytest
import safetensors.numpy
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from w2v_jax import formats
from w2v_jax.formats import npz
from w2v_jax.vectors import Vectors

ALL = ["v.bin", "v.txt", "v.vec", "v.glove", "v.npz", "v.safetensors", "v.tsv"]

# no white space and no surrogates: what the word2vec formats can hold
WORD = st.text(
    st.characters(exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1
).filter(lambda word: not word.startswith("\ufeff"))
FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw):
    words = draw(st.lists(WORD, min_size=1, max_size=6, unique=True))
    dim = draw(st.integers(2, 5))
    return words, draw(arrays(np.float32, (len(words), dim), elements=FLOAT))


def assert_same(found: Vectors, words, matrix) -> None:
    assert list(found.words) == list(words)
    np.testing.assert_array_equal(  # as bits, so that -0.0 is not 0.0
        found.matrix.view(np.int32), np.asarray(matrix, np.float32).view(np.int32)
    )


@pytest.mark.parametrize("name", ALL)
@given(table=tables())
def test_any_table_comes_back_bit_for_bit(tmp_path_factory, name, table):
    path = tmp_path_factory.mktemp("round") / name
    Vectors(*table).save(path)
    assert_same(Vectors.load(path), *table)


@pytest.fixture
def table():
    """Awkward words, and floats whose decimals are hard to get right."""
    rng = np.random.default_rng(0)
    words = ["the", "北京", "naïve", "Ａ", "😀", "a\u00a0b", "#", "3.14", "d", "é"]
    bits = rng.integers(0, 2**32, (len(words), 40), dtype=np.uint32)
    matrix = bits.view(np.float32)
    matrix[~np.isfinite(matrix)] = 1e-45  # the smallest number there is
    return words, matrix


@pytest.mark.parametrize("name", ALL)
def test_random_bit_patterns_come_back(tmp_path, table, name):
    Vectors(*table).save(tmp_path / name)
    assert_same(Vectors.load(tmp_path / name), *table)


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_our_word2vec_files_bit_for_bit(tmp_path, table, binary):
    path = tmp_path / ("v.bin" if binary else "v.txt")
    Vectors(*table).save(path)
    theirs = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert_same(Vectors(theirs.index_to_key, theirs.vectors), *table)


@pytest.mark.parametrize("binary", [True, False])
def test_our_word2vec_files_are_gensims_byte_for_byte(tmp_path, table, binary):
    words, matrix = table
    theirs = KeyedVectors(matrix.shape[1])
    theirs.add_vectors(words, matrix)
    theirs.save_word2vec_format(tmp_path / "theirs", binary=binary)
    ours = tmp_path / ("v.bin" if binary else "v.txt")
    Vectors(*table).save(ours)
    assert ours.read_bytes() == (tmp_path / "theirs").read_bytes()
    assert_same(Vectors.load(tmp_path / "theirs", format=format_name(binary)), *table)


def format_name(binary: bool) -> str:
    return "word2vec_binary" if binary else "word2vec_text"


def test_gensim_reads_our_glove_files(tmp_path, table):
    Vectors(*table).save(tmp_path / "v.glove")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # gensim leaves a file open
        theirs = KeyedVectors.load_word2vec_format(tmp_path / "v.glove", no_header=True)
    assert_same(Vectors(theirs.index_to_key, theirs.vectors), *table)


def test_word2vec_c_ends_each_binary_vector_with_a_line_feed(tmp_path, table):
    words, matrix = table
    body = b"".join(
        word.encode() + b" " + row.tobytes() + b"\n"
        for word, row in zip(words, matrix, strict=True)
    )
    path = tmp_path / "v.bin"
    path.write_bytes(b"%d %d\n" % matrix.shape + body)
    assert_same(Vectors.load(path), *table)


def test_word2vec_c_ends_each_line_of_text_with_a_space(tmp_path):
    path = tmp_path / "v.txt"
    path.write_bytes(b"2 3\n</s> 0.500000 -0.250000 0.125000 \nthe 1 2 3 \n")
    assert_same(Vectors.load(path), ["</s>", "the"], [[0.5, -0.25, 0.125], [1, 2, 3]])


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \r\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path, mark, end):
    for head, name in ((b"2 2" + end, "v.txt"), (b"", "g.txt")):
        path = tmp_path / name
        path.write_bytes(mark + head + b"a 1 2" + end + b"b 3 4" + end)
        assert_same(Vectors.load(path), ["a", "b"], [[1, 2], [3, 4]])


def test_a_text_file_without_a_header_is_glove(tmp_path):
    path = tmp_path / "glove.6B.3d.txt"
    path.write_text("the 0.1 0.2 0.3\n. . 1 2 3\n")
    found = Vectors.load(path)
    assert found.words == ("the", ". .")  # GloVe's own files hold such words


def test_fasttext_vectors_with_a_no_break_space_in_a_word_are_read(tmp_path):
    path = tmp_path / "cc.vec"
    path.write_text("1 2\na\u00a0b 1 2 \n")
    assert Vectors.load(path).words == ("a\u00a0b",)


def test_numpy_alone_reads_our_npz(tmp_path, table):
    Vectors(*table).save(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as archive:  # noqa: TID251
        assert archive["words"].tolist() == table[0]
        np.testing.assert_array_equal(archive["matrix"], table[1])


def test_a_compressed_npz_is_read(tmp_path, table):
    np.savez_compressed(tmp_path / "v.npz", words=np.array(table[0]), matrix=table[1])
    assert_same(Vectors.load(tmp_path / "v.npz"), *table)


def test_the_safetensors_library_alone_reads_our_safetensors(tmp_path, table):
    Vectors(*table).save(tmp_path / "v.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "v.safetensors")
    assert tensors["words"].tobytes().decode().split("\n") == table[0]
    np.testing.assert_array_equal(tensors["matrix"], table[1])


def test_a_bare_table_takes_its_words_from_the_vocabulary_beside_it(tmp_path, table):
    words, matrix = table
    path = tmp_path / "output_vectors.safetensors"
    safetensors.numpy.save_file({"output_vectors": matrix}, path)
    with pytest.raises(ValueError, match=r"no vocabulary\.tsv beside it"):
        Vectors.load(path)
    lines = "".join(f"{word}\t{9 - i}\n" for i, word in enumerate(words))
    (tmp_path / "vocabulary.tsv").write_text(lines)
    assert_same(Vectors.load(path), *table)
    (tmp_path / "vocabulary.tsv").write_text("one\t2\n")
    with pytest.raises(ValueError, match="10 vectors, but 1 words"):
        Vectors.load(path)


@pytest.mark.parametrize("name", ["v.npz", "v.safetensors"])
def test_a_large_table_is_mapped_and_not_read(tmp_path, monkeypatch, table, name):
    Vectors(*table).save(tmp_path / name)
    assert not isinstance(Vectors.load(tmp_path / name).matrix, np.memmap)
    for module in (npz, formats.safetensors_file):
        monkeypatch.setattr(module, "MAPPED_BYTES", 1)
    found = Vectors.load(tmp_path / name)
    assert isinstance(found.matrix, np.memmap)
    assert_same(found, *table)


def test_saving_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch, table):
    path = tmp_path / "v.bin"
    path.write_bytes(b"old")

    def full_disk(*_):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="disk full"):
        Vectors(*table).save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["v.bin"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_words_and_vectors_may_lie_across_the_pieces_that_are_read(
    tmp_path, monkeypatch, table, end
):
    words, matrix = table
    rows = zip(words, matrix, strict=True)
    body = b"".join(word.encode() + b" " + row.tobytes() + end for word, row in rows)
    path = tmp_path / "v.bin"
    path.write_bytes(b"%d %d\n" % matrix.shape + body)
    for size in (1, 7, 160, 163):  # a vector takes 160 bytes
        monkeypatch.setattr(formats.word2vec_binary, "_PIECE", size)
        assert_same(Vectors.load(path), *table)
