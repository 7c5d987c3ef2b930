import bz2
import gzip
import hashlib
import os
import tempfile
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax import text_files
from w2v_jax.text_files import TextFile

PACKERS = {
    ".txt": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


def read(path, policy="strict", **options):
    file = TextFile(path, policy)
    return b"".join(file.pieces(**options)), file


def refusal(path):
    """The text of the ValueError that reading raises; None if it gives text."""
    try:
        read(path)
    except ValueError as error:
        return str(error)
    return None


def written(tmp_path, data, name="text.txt"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of 16 bytes, so that short texts have many boundaries."""
    monkeypatch.setattr(text_files, "PIECE_BYTES", 16)


@pytest.mark.parametrize("suffix", PACKERS)
def test_every_kind_of_file_gives_the_same_text_and_its_own_hash(tmp_path, suffix):
    text = "the quick 棕色的 fox\n" * 100_000
    path = written(tmp_path, PACKERS[suffix](text.encode()), f"text{suffix}")
    data, file = read(path)
    assert data.decode() == text
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.bytes_read == file.size == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_an_archive_of_several_members_is_read_to_its_end(tmp_path, suffix):
    pack = PACKERS[suffix]
    path = written(tmp_path, pack(b"one ") + pack(b"two ") + pack(b"three"), "t.any")
    assert read(path)[0] == b"one two three"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_an_archive_is_known_by_its_first_bytes_whatever_its_name(tmp_path, suffix):
    path = written(tmp_path, PACKERS[suffix](b"some words"), "corpus.txt")
    assert read(path)[0] == b"some words"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_plain_text_that_is_named_like_an_archive_is_refused(tmp_path, suffix):
    path = written(tmp_path, b"plain text", f"text{suffix}")
    with pytest.raises(ValueError, match=f"named {suffix}") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_an_archive_cut_at_any_byte_is_refused(tmp_path, suffix):
    whole = PACKERS[suffix](bytes(range(97, 123)) * 40)
    for length in range(1, len(whole)):
        path = written(tmp_path, whole[:length], f"text{suffix}")
        with pytest.raises(ValueError, match=r"cut short|named") as caught:
            read(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_an_archive_that_unpacks_to_much_more_does_so_in_small_steps(tmp_path, suffix):
    size = 48 << 20
    path = written(tmp_path, PACKERS[suffix](b" " * size), f"bomb{suffix}")
    assert path.stat().st_size < size / 900
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in TextFile(path).pieces()) == size
        # Pieces, and what 128 bytes of Zstandard unpack to: 128 kB for each 4.
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("junk", [b"junk", b"BZh9junk", b"j" * 100_000])
def test_junk_behind_an_archive_is_refused(tmp_path, suffix, junk):
    packed = PACKERS[suffix](b"one two")
    with pytest.raises(ValueError, match="damaged"):
        read(written(tmp_path, packed + junk, f"text{suffix}"))


def test_a_damaged_header_of_a_later_stream_does_not_end_the_text(tmp_path):
    streams = bz2.compress(b"one "), bz2.compress(b"two ")
    path = written(tmp_path, streams[0] + b"X" + streams[1][1:], "text.bz2")
    with pytest.raises(ValueError, match="damaged"):
        read(path)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
@given(data=st.data())
def test_a_mutated_archive_gives_text_or_one_clear_error(suffix, data):
    packed = bytearray(PACKERS[suffix](b"a few words of plain text\n" * 20))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(
            st.integers(0, 255)
        )
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), bytes(packed), f"text{suffix}")
        error = refusal(path)
        assert error is None or error.startswith(str(path))


def test_a_byte_order_mark_is_dropped_at_the_start_only(tmp_path):
    path = written(tmp_path, "\ufeffone \ufefftwo".encode())
    assert read(path)[0].decode() == "one \ufefftwo"


def test_a_nul_counts_as_a_space(tmp_path):
    assert read(written(tmp_path, b"one\0two"))[0] == b"one two"


@pytest.mark.parametrize("start", [b"", "\ufeff".encode()])
@pytest.mark.parametrize("words", [0, 10])
def test_strict_names_the_byte_that_is_not_utf8(tmp_path, small_pieces, start, words):
    good = start + "word 词 ".encode() * words
    path = written(tmp_path, good + b"wo\xffrd")
    with pytest.raises(ValueError, match=f"byte {len(good) + 2} of the text") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "iconv" in str(caught.value)


def test_replace_and_skip_count_the_bytes_that_are_not_utf8(tmp_path):
    # Two stray bytes, and the first two bytes of a three-byte character.
    path = written(tmp_path, b"a\xff\xfe b \xe8\xaf c")
    text, file = read(path, "replace")
    assert (text.decode(), file.invalid_bytes) == ("a\ufffd\ufffd b \ufffd c", 4)
    text, file = read(path, "skip")
    assert (text.decode(), file.invalid_bytes) == ("a b  c", 4)


@given(
    data=st.lists(
        st.sampled_from(
            [b"a", b" ", b"\n", "字".encode(), b"\xe5", b"\xad", b"\xf0\x9f", b"\xff"]
        ),
        max_size=80,
    ).map(b"".join),
    policy=st.sampled_from(["replace", "skip"]),
    whole_lines=st.booleans(),
    size=st.integers(1, 9),
)
def test_where_pieces_are_cut_does_not_change_the_text(data, policy, whole_lines, size):
    errors = {"replace": "replace", "skip": "ignore"}[policy]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "PIECE_BYTES", size)
        patch.setattr(text_files, "LONGEST_LINE_BYTES", 4)
        path = written(Path(folder), data)
        text, file = read(path, policy, whole_lines=whole_lines)
    assert text.decode() == data.decode(errors=errors)
    assert file.invalid_bytes == len(data) - len(data.decode(errors="ignore").encode())


@pytest.mark.parametrize("space", [" ", "\n", "\t", "\r\n", "\u3000"])
def test_a_piece_ends_at_white_space(tmp_path, small_pieces, space):
    text = space.join(f"w{i}" for i in range(50))
    pieces = list(TextFile(written(tmp_path, text.encode())).pieces())
    assert len(pieces) > 5
    assert [w for p in pieces for w in p.decode().split()] == text.split()


def test_pieces_of_whole_lines_end_at_newlines(tmp_path, small_pieces):
    path = written(tmp_path, b"a b c d e f g h\n" * 9 + b"last")
    pieces = list(TextFile(path).pieces(whole_lines=True))
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])
    assert pieces[-1] == b"last"


def test_a_line_without_end_is_cut_between_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "PIECE_BYTES", 16)
    monkeypatch.setattr(text_files, "LONGEST_LINE_BYTES", 20)
    path = written(tmp_path, "词".encode() * 100)
    pieces = list(TextFile(path).pieces(whole_lines=True))
    assert len(pieces) > 5
    assert "".join(piece.decode() for piece in pieces) == "词" * 100


def test_a_word_of_two_megabytes_is_one_word(tmp_path):
    path = written(tmp_path, b"before " + b"x" * 2_000_000 + b" after")
    assert [len(word) for word in read(path)[0].split()] == [6, 2_000_000, 5]


def test_text_without_white_space_is_refused_before_it_fills_memory(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(text_files, "PIECE_BYTES", 16)
    monkeypatch.setattr(text_files, "LONGEST_WORD_BYTES", 64)
    path = written(tmp_path, b"a " + b"x" * 200)
    with pytest.raises(ValueError, match="tokenizer=characters") as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: byte ")


def test_a_directory_a_pipe_and_an_unknown_policy_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="not a regular file"):
            TextFile(path)
    with pytest.raises(ValueError, match="strict, replace or skip"):
        TextFile(written(tmp_path, b""), "ignore")


def test_a_missing_file_is_an_error_of_the_system_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        TextFile(tmp_path / "absent.txt")
