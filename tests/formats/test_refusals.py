"""Damaged and hostile files: one ValueError that begins with the path."""

import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest

from w2v_jax.vectors import Vectors

ONE = struct.pack("<f", 1.0)


def refused(path, message: str, **options) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{message}"):
        Vectors.load(path, **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: expected the number of words and of values"),
        (b"one two\n", "line 1: expected the number"),
        (b"-1 3\n", "line 1: expected the number"),
        (b"1e3 3\n", "line 1: expected the number"),
        ("１ 1\na ".encode() + ONE, "line 1: expected the number"),
        (b"0 3\n", "line 1: 0 words of 3 values"),
        (b"1 0\na ", "line 1: 1 words of 0 values"),
        (b"1 99999999\na ", "line 1: 1 words of 99999999 values"),
        # 2 words: a byte, a space and 4 bytes each, 12 in all; one has come
        (b"2 1\na " + ONE, "promises 2 words of 1 values, at least 12 .* 6 bytes foll"),
        (b"9999999999 100\na " + ONE, "promises 9999999999 words"),
        (b"1 1\nabcdefgh", "byte 4: the file ends within word 1 of 1"),
        (b"2 1\nlong " + ONE + b"b " + ONE[:3], "byte 13: the file ends within word 2"),
        (b"1 1\na " + ONE + b"x", "byte 10: more follows after the 1 words"),
        (b"1 1\na\nb " + ONE, r"byte 4: 'a\\nb' cannot be a word"),
        (b"1 1\na\0b " + ONE, "byte 4: .* cannot be a word"),
        (b"1 1\n " + ONE + b"a", "byte 4: no word before the vector"),
        (b"1 1\n\xff\xfe " + ONE, "byte 4: the word .* is not UTF-8 at its byte 0"),
        (b"2 1\na " + ONE + b"a " + ONE, "'a' is both word 1 and word 2"),
    ],
)  # fmt: skip
def test_a_bad_binary_file_is_refused_with_its_byte(tmp_path, content, message):
    path = tmp_path / "v.bin"
    path.write_bytes(content)
    refused(path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: expected the number"),
        (b"2 3\na 1 2 3\n", "line 1 promises 2 words .* but 8 bytes follow"),
        (b"9999999999 100\na 1\n", "line 1 promises 9999999999 words"),
        (b"2 1\na 1\nbbbbbbbbb 1 2\n", "line 3: 2 values for 'bbbbbbbbb', expected 1"),
        (b"2 2\na 1 2\nb 1 2x\n", "line 3: '2x' is not a number"),
        (b"2 2\na 1  2\nb 1 2\n", "line 2: 3 values for 'a', expected 2"),
        (b"1 2\na 1 2\nb 1 2\n", "line 3: more words than the 1 promised"),
        (b"2 1\naaaaaaaaa 1\n\n", "line 3: the file ends after 1 of 2 words"),
        (b"2 1\na 1\na 2\n", "'a' is both word 1 and word 2"),
        (b"1 1\n 11\n", "line 2: no word"),
        (b"1 1\n\xff 1\n", "line 2: the word .* is not UTF-8"),
        (b"a 1 2\nb 1\n", "line 2: 1 values for 'b', expected 2"),
        (b"a 1 2\nb 1 x\n", "line 2: 'x' is not a number"),
    ],
)
def test_a_bad_text_file_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    refused(path, message)


@pytest.mark.parametrize("value", [b"nan", b"inf", b"-inf", b"1e39", b"1e999"])
def test_a_value_that_is_not_finite_is_refused_with_its_word(tmp_path, value):
    path = tmp_path / "v.txt"
    path.write_bytes(b"2 2\na 1 2\nb 1 " + value + b"\n")
    refused(path, r"'b' \(row 1\) holds a value that is not finite")


def test_the_first_of_equal_words_can_be_kept_as_gensim_does(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("4 1\na 1\nb 2\na 3\nc 4\n")
    found = Vectors.load(path, duplicates="first")
    assert found.words == ("a", "b", "c")
    np.testing.assert_array_equal(found.matrix, [[1], [2], [4]])


@pytest.mark.parametrize(("policy", "word"), [("replace", "a\ufffd"), ("skip", "a")])
def test_words_that_are_not_utf8_are_read_by_policy(tmp_path, policy, word):
    path = tmp_path / "v.bin"
    path.write_bytes(b"1 1\na\xe4 " + ONE)
    assert Vectors.load(path, invalid_utf8=policy).words == (word,)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"duplicates": "last"}, "duplicates=last: must be one of error, first"),
        ({"invalid_utf8": "ignore"}, "invalid_utf8=ignore: must be one of strict"),
        ({"format": "glov"}, "format glov: must be one of .* Did you mean glove?"),
    ],
)
def test_an_unknown_option_is_refused(tmp_path, option, message):
    with pytest.raises(ValueError, match=message):
        Vectors.load(tmp_path / "v.txt", **option)


def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(ValueError, match=r"v\.pkl: .*use one of \.bin, \.txt"):
        Vectors.load(tmp_path / "v.pkl")


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.npz", "v.safetensors"])
def test_a_missing_file_is_an_os_error(tmp_path, name):
    with pytest.raises(FileNotFoundError):
        Vectors.load(tmp_path / name)


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.glove"])
@pytest.mark.parametrize("word", ["new york", "a\nb", "a\tb", "a\rb", "a\0b"])
def test_a_word_with_white_space_is_not_written(tmp_path, name, word):
    vectors = Vectors(["fine", word], [[1.0], [2.0]])
    with pytest.raises(ValueError, match=r"word 2, .*use \.npz or \.safetensors"):
        vectors.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "word"),
    [("v.npz", "a\0"), ("v.safetensors", "a\nb")],
)
def test_words_that_would_not_come_back_are_not_written(tmp_path, name, word):
    with pytest.raises(ValueError, match=r"word 1, .*cannot hold"):
        Vectors([word], [[1.0]]).save(tmp_path / name)


def test_one_huge_word_does_not_widen_a_whole_npz(tmp_path):
    vectors = Vectors(["a" * 100_000, *map(str, range(1000))], np.ones((1001, 1)))
    with pytest.raises(ValueError, match=r"of 100000 characters .*use \.safetensors"):
        vectors.save(tmp_path / "v.npz")
    vectors.save(tmp_path / "v.safetensors")
    assert Vectors.load(tmp_path / "v.safetensors").words == vectors.words


def npy(
    shape: str = "(1, 1)", dtype: str = "<f4", body: bytes = ONE, columns: bool = False
) -> bytes:
    """A .npy file with a header of our own making."""
    header = f"{{'descr': '{dtype}', 'fortran_order': {columns}, 'shape': {shape}}}"
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


WORDS = npy("(1,)", "<U1", "a".encode("utf-32-le"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "no array 'words'"),
        ({"words.npy": WORDS}, "no array 'matrix'"),
        ({"words.npy": WORDS, "matrix.npy": b"junk"}, "matrix.npy has no header"),
        ({"words.npy": WORDS, "matrix.npy": npy(dtype="<f8", body=ONE * 2)},
         "matrix.npy is float64"),
        ({"words.npy": WORDS, "matrix.npy": npy("(1,)")}, r"float32 of shape \[1\]"),
        ({"words.npy": WORDS, "matrix.npy": npy("(999999999, 999999999)")},
         "promises 3999999992000000004 bytes"),
        ({"words.npy": WORDS, "matrix.npy": npy("(-1, -1)")}, "has no header"),
        ({"words.npy": npy("(1,)", "|O", b""), "matrix.npy": npy()}, "is object"),
        ({"words.npy": npy(), "matrix.npy": npy()}, "words.npy is float32"),
        ({"words.npy": WORDS, "matrix.npy": npy(columns=True)}, "in row order"),
        ({"words.npy": npy("(9999999,)", "<U0", b""), "matrix.npy": npy()},
         r"words.npy is <U0 of shape \[9999999\]"),
        ({"words.npy": npy("(2,)", "<U1", b"a\0\0\0b\0\0\0"), "matrix.npy": npy()},
         "2 words need a matrix"),
    ],
)  # fmt: skip
def test_a_bad_npz_is_refused_with_its_member(tmp_path, members, message):
    path = tmp_path / "v.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    refused(path, message)


def test_a_pickle_inside_an_npz_is_never_opened(tmp_path):
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(["a"], dtype=object), matrix=np.ones((1, 1), "f4"))
    refused(path, r"words\.npy is object")


def test_an_npz_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    path = tmp_path / "v.npz"
    zeros = np.zeros((1, 40 << 20), np.float32)  # 160 MB, over the 64 MB allowed
    np.savez_compressed(path, words=np.array(["a"]), matrix=zeros)
    refused(path, "unpack to .* bytes from a file of .*without compression")


def test_a_damaged_zip_is_refused(tmp_path):
    path = tmp_path / "v.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    refused(path, r"not a sound \.npz archive")
    good = io.BytesIO()
    np.savez(good, words=np.array(["a"]), matrix=np.ones((1, 1), np.float32))
    content = bytearray(good.getvalue())
    content[content.index(ONE)] ^= 1  # one bit of a value: the checksum tells
    path.write_bytes(content)
    refused(path, r"not a sound \.npz archive")


def safetensors_bytes(header: object, body: bytes = ONE + b"a") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def described(dtype="F32", shape=(1, 1), offsets=(0, 4)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


LETTER = described("U8", (1,), (4, 5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "byte 0: a header of 0 bytes in a file of 0"),
        (struct.pack("<Q", 1 << 60) + b"{}", "byte 0: a header of 1152921504606846976"),
        (safetensors_bytes(b"{"), "byte 8: the header is not JSON"),
        (safetensors_bytes(b"[" * 100_000), "byte 8: the header is not JSON"),
        (safetensors_bytes(b"\xff{}"), "byte 8: the header is not JSON"),
        (safetensors_bytes([1]), "not a JSON object"),
        (safetensors_bytes({"matrix": 1}), "description is not an object"),
        (safetensors_bytes({}), r"holds \[\]; needs a tensor 'matrix'"),
        (safetensors_bytes({"matrix": described("F64")}), "needs a tensor 'matrix'"),
        (safetensors_bytes({"a": described(), "b": described()}), "needs a tensor"),
        (safetensors_bytes({"matrix": described(shape=(1 << 40, 1 << 40))}),
         "dtype, shape and data_offsets"),
        (safetensors_bytes({"matrix": described(shape=(-1, -1))}), "dtype, shape and"),
        (safetensors_bytes({"matrix": described(shape=(1.0, 1))}), "dtype, shape and"),
        (safetensors_bytes({"matrix": described(shape=(1,))}), "dtype, shape and"),
        (safetensors_bytes({"matrix": described(shape=(9, 9), offsets=(0, 324))}),
         "ends at byte .* copy it again"),
        (safetensors_bytes({"matrix": described(), "words": {"dtype": "U8"}}),
         "tensor 'words': its dtype"),
        (safetensors_bytes({"matrix": described(), "words": LETTER}, ONE + b"\n"),
         "2 words for 1 vectors"),
        (safetensors_bytes({"matrix": described(), "words": LETTER}, ONE + b"\xff"),
         "word 1: .* is not UTF-8"),
    ],
)  # fmt: skip
def test_a_bad_safetensors_file_is_refused(tmp_path, content, message):
    path = tmp_path / "v.safetensors"
    path.write_bytes(content)
    refused(path, message)
