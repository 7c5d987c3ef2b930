"""Small files that would fill the memory: refused, or read within it."""

import gzip
import io
import json
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from w2v_jax.formats import checks, source
from w2v_jax.vectors import Vectors

MB = 1 << 20
ROOM = 100 * MB  # what reading may take beyond the size of the file


def peak(path, **options) -> tuple[int, str]:
    """Bytes that reading took at most, and how it was refused ("" if it was not)."""
    tracemalloc.start()
    try:
        Vectors.load(path, **options)
        message = ""
    except ValueError as error:
        message = str(error)
    finally:
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert not message or message.startswith(str(path))
    return taken, message


def within(path, says: str, room: int = ROOM) -> None:
    taken, message = peak(path)
    assert re.search(says, message) if says else message == ""
    assert taken < path.stat().st_size + room


def packed(path, *parts: bytes, times: int = 1) -> None:
    """Writes a gzip file piece by piece."""
    with gzip.open(path, "wb", 9) as file:
        for part in parts[:-1]:
            file.write(part)
        for _ in range(times):
            file.write(parts[-1])
    assert path.stat().st_size < 3 * MB


@pytest.mark.parametrize("name", ["v.bin", "v.txt"])
@pytest.mark.parametrize(
    "header", [b"99999999 100\n", b"3000000000 3\n", b"9 262144\n"]
)
def test_a_header_larger_than_the_file_takes_nothing(tmp_path, name, header):
    path = tmp_path / name
    path.write_bytes(header + b"a " + bytes(400))
    taken, message = peak(path)
    assert "promises" in message
    assert taken < MB


@pytest.mark.parametrize("name", ["v.bin.gz", "v.vec.gz"])
def test_a_header_that_only_a_bomb_could_hold_takes_nothing(tmp_path, name):
    path = tmp_path / name
    packed(path, b"20000000 3\n", b"a 0 0 0\n" * 1000)
    taken, message = peak(path)
    assert "promises" in message
    assert taken < 2 * MB


ZEROS = b" " + bytes(4 * 1000)


@pytest.mark.parametrize(
    ("name", "head", "part"),
    [
        ("v.bin.gz", b"80000 1000\n", b"w" + ZEROS),
        ("v.vec.gz", b"400000 100\n", b"w" + b" 0" * 100 + b"\n"),
        ("v.glove.gz", b"", b"w" + b" 0" * 100 + b"\n"),
        ("v.glove.gz", b"", b"w 0\n"),
        ("v.glove.gz", b"", b"w 0 "),
        ("v.vec.gz", b"1 3\n", b"w"),
        ("v.bin.gz", b"1 3\n", b"w"),
    ],
    ids=["bin", "text", "GloVe", "words", "one line", "one word", "one word, bin"],
)
def test_a_gzip_file_that_unpacks_without_end_is_refused(
    tmp_path, monkeypatch, name, head, part
):
    parts = 8 if part == b"w 0\n" else 1  # ten million lines take their time
    monkeypatch.setattr(checks, "_SLACK", checks._SLACK // parts)
    path = tmp_path / name
    packed(path, head, part * 1000, times=64 * MB // (parts * len(part) * 1000) + 1)
    within(path, "promises|unpack|no end of a word|is this a file", ROOM // parts)


def test_a_gzip_file_of_honest_vectors_is_read_though_large(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(20_000, 50)).astype(np.float32)
    plain, path = tmp_path / "v.bin", tmp_path / "v.bin.gz"
    Vectors(map(str, range(20_000)), matrix).save(plain)
    path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    np.testing.assert_array_equal(Vectors.load(path).matrix, matrix)


def test_the_bound_of_a_gzip_file_counts_anew_after_going_back(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_SLACK", 0)
    path = tmp_path / "v.glove.gz"
    text = b"".join(b"w%d %d\n" % (i, i) for i in range(500))
    path.write_bytes(gzip.compress(text))
    most = checks.most_bytes(path)
    # Read twice, once to count the lines: each time less than the bound, both more.
    monkeypatch.setattr(checks, "_TIGHTEST", 1.2 * len(text) / path.stat().st_size)
    monkeypatch.setattr(checks, "_WORD_BYTES", 1)
    assert most != checks.most_bytes(path) < 2 * len(text)
    assert len(Vectors.load(path).words) == 500


@pytest.mark.parametrize(
    "name", ["v.bin", "v.txt", "v.glove", "v.npz", "v.safetensors"]
)
def test_a_word_of_two_megabytes_is_read_and_takes_little(tmp_path, name):
    word = "x" * (2 * MB)
    path = tmp_path / name
    Vectors([word, "b"], np.eye(2, dtype=np.float32)).save(path)
    within(path, "")
    assert Vectors.load(path).words == (word, "b")


def test_a_binary_word_without_end_is_refused(tmp_path):
    path = tmp_path / "v.bin"
    path.write_bytes(b"1 1\n" + b"x" * (checks.LONGEST_WORD + 5 * MB))
    within(path, "byte 4: no end of a word within")


@pytest.mark.parametrize("name", ["v.txt", "v.glove"])
def test_a_line_without_end_is_refused_with_its_number(tmp_path, monkeypatch, name):
    monkeypatch.setattr(source, "LONGEST_LINE", 1000)
    path = tmp_path / name
    path.write_bytes((b"2 1\n" if name == "v.txt" else b"a 1\n") + b"b" * 2000)
    within(path, "line 2: longer than 1000 bytes")


def test_a_line_of_ten_million_tabs_is_counted_and_not_split(tmp_path):
    path = tmp_path / "v.tsv"
    (tmp_path / "v_metadata.tsv").write_bytes(b"a\nb\n")
    path.write_bytes(b"1\t2\n" + b"\t" * (10 * MB))
    within(path, "line 2: 10485761 values, expected 2")


def npz(path, **arrays) -> None:
    np.savez_compressed(path, **arrays)
    assert path.stat().st_size < MB


@pytest.mark.parametrize(
    ("words", "matrix"),
    [
        (np.array(["a"]), np.zeros((1, 200 * MB // 4), np.float32)),
        (np.full(50 * MB, "a"), np.zeros((1, 1), np.float32)),
        (np.full(12 * MB, "a"), np.zeros((1, 1), np.float32)),
        (np.full(2 * MB, "aaaaaaa"), np.zeros((2 * MB, 1), np.float32)),
    ],
    ids=["matrix", "words", "many short words", "both"],
)
def test_a_compressed_archive_that_unpacks_to_much_is_refused(tmp_path, words, matrix):
    path = tmp_path / "v.npz"
    npz(path, words=words, matrix=matrix)
    within(path, "write it without compression")


def test_a_table_is_read_into_one_buffer_only(tmp_path):
    matrix = np.random.default_rng(0).random((20_000, 300), np.float32)  # 24 MB
    vectors = Vectors(map(str, range(len(matrix))), matrix)
    for name in ("v.npz", "v.safetensors", "v.bin"):
        vectors.save(tmp_path / name)
        taken, message = peak(tmp_path / name)
        # 20,000 words at some 150 bytes; pieces of 4 MB. A second copy would show.
        assert (message, taken < matrix.nbytes + 20 * MB) == ("", True), name


def members(path, **contents: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name.replace("_", "."), content)


def array_bytes(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


CODES = np.array([ord("a"), 0xD800, ord("b"), 0x110000], np.uint32)


@pytest.mark.parametrize(
    ("policy", "words"),
    [("replace", ("a\ufffd", "b\ufffd")), ("skip", ("a", "b"))],
)
def test_a_word_of_what_is_no_character_goes_by_the_policy(tmp_path, policy, words):
    path = tmp_path / "v.npz"
    body = array_bytes(np.array(["xx", "yy"]))[: -CODES.nbytes] + CODES.tobytes()
    matrix = array_bytes(np.eye(2, dtype=np.float32))
    members(path, words_npy=body, matrix_npy=matrix)
    assert Vectors.load(path, invalid_utf8=policy).words == words
    with pytest.raises(ValueError, match=r"word 1 holds what is no character"):
        Vectors.load(path)


def test_a_member_path_that_climbs_out_writes_nothing(tmp_path):
    path = tmp_path / "folder" / "v.npz"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../words.npy", "/matrix.npy", "..\\words.npy"):
            archive.writestr(name, array_bytes(np.array(["a"])))
    with pytest.raises(ValueError, match="no array 'words'"):
        Vectors.load(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["folder", "v.npz"]


def test_a_safetensors_header_of_its_own_size_is_all_that_is_read(tmp_path):
    path = tmp_path / "v.safetensors"
    header = json.dumps({"matrix": {"dtype": "F32"}, "pad": "x" * (2 * MB)}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    within(path, "byte 0: a header of")


def test_a_nul_in_a_member_or_an_encrypted_one_is_refused(tmp_path):
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(["a"]), matrix=np.ones((1, 1), np.float32))
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags of a member, in its own header and in the directory.
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + place] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a sound \.npz archive .*password"):
        Vectors.load(path)
