"""Thousands of damaged files of every kind: a result, or one error that helps."""

import gzip
import os
import shutil
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile import MUTATIONS, TOKENS, blameless, judged, limits, mutated
from tests.hostile_kinds import KINDS, damaged
from w2v_jax.corpus import encode

# 23 kinds with that of tests/experiments/test_flag_files.py: 10,350 files in all.
MANY = int(os.environ.get("SOAK_FILES", "450"))
FEW = 12


def tried(name, count, folder, first=0):
    """How many of so many damaged files of a kind were read and how many refused."""
    kind, read, refused = KINDS[name], 0, 0
    for number in range(first, first + count):
        chance = Random(zlib.crc32(name.encode()) + number)
        path = damaged(kind, folder, chance)
        try:
            message = judged(kind.read, path)
        except BaseException:
            shutil.copy(path, folder.parent / f"{number} {path.name}")
            raise
        read, refused = read + (message is None), refused + (message is not None)
    return read, refused


@pytest.mark.parametrize("name", KINDS)
def test_an_undamaged_file_of_each_kind_is_read(tmp_path, name):
    kind = KINDS[name]
    for path in kind.write(tmp_path):
        assert judged(kind.read, path) is None


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_gives_a_result_or_one_error_that_helps(tmp_path, name):
    read, refused = tried(name, FEW, tmp_path / "folder")
    assert read + refused == FEW
    assert refused > 0, "some of the damage must be noticed"


@pytest.mark.soak
@pytest.mark.parametrize("name", KINDS)
def test_many_damaged_files_give_a_result_or_one_error_that_helps(
    tmp_path, name, capsys
):
    read, refused = tried(name, MANY, tmp_path / "folder", first=FEW)
    with capsys.disabled():
        print(f"\n{MANY} files: {read:3d} read, {refused:3d} refused  {name}", end="")


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15)
@given(content=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_a_file_of_any_content_gives_a_result_or_one_error_that_helps(
    tmp_path_factory, name, content
):
    folder = tmp_path_factory.getbasetemp() / "any"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    kind = KINDS[name]
    path = kind.write(folder)[-1]
    path.write_bytes(content)
    kind.mend(path)
    judged(kind.read, path)


@settings(max_examples=60)
@given(
    parts=st.lists(
        st.sampled_from([*TOKENS, b"a", b"2", b"3", b"a 1 2\n", b"2 3\n", b"a\t7\n"]),
        max_size=12,
    ),
    name=st.sampled_from(
        ["word2vec text", "GloVe", "vocabulary", "similarity set", "analogy set"]
    ),
)
def test_lines_put_together_from_odd_parts_are_read_or_refused(
    tmp_path_factory, parts, name
):
    folder = tmp_path_factory.getbasetemp() / "parts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = KINDS[name].write(folder)[0]
    path.write_bytes(b"".join(parts))
    judged(KINDS[name].read, path)


def test_two_megabytes_of_no_characters_are_divided_within_the_room(tmp_path):
    # Each becomes a token of three bytes: as Python objects a hundred times as much.
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"\xff" * (2 << 20)))

    def read(path):
        found = encode(
            path,
            tokenizer="characters",
            invalid_utf8="replace",
            cache_dir=tmp_path / "cache",
        )
        assert (found.raw_words, found.words) == (2 << 20, ("\ufffd",))

    assert judged(read, path) is None


def test_the_same_number_gives_the_same_mutation_and_each_kind_of_it_changes_bytes():
    data = b"8 3\nthe 1 2 3\nof 4 5 6\n" * 9
    assert mutated(data, Random(7)) == mutated(data, Random(7))
    for mutation in MUTATIONS:
        results = set()
        for seed in range(20):
            changed = bytearray(data)
            mutation(changed, Random(seed))
            results.add(bytes(changed))
        assert results - {data}, mutation.__name__


# The judge must be able to find fault; each of these is a reader with one.


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "v.txt"
    path.write_bytes(b"12 345")
    return path


def refusing(message):
    def read(path):
        raise ValueError(message.format(path=path))

    return read


def test_a_message_with_file_place_and_remedy_passes(file):
    message = "{path}: line 3: 7 values for 'a', expected 8; correct the line"
    assert judged(refusing(message), file) == message.format(path=file)


@pytest.mark.parametrize(
    "message",
    [
        "line 3: seven values; correct the line",
        "{path}: it is bad; correct it",
        "{path}: line 3 is bad",
        "{path}: line 3: bad;\ncorrect it",
        "{path}: line 3: correct it" + "!" * 1500,
    ],
    ids=["no file", "no place", "no remedy", "two lines", "endless"],
)
def test_a_message_without_one_of_them_is_found(file, message):
    with pytest.raises(AssertionError):
        judged(refusing(message), file)


def test_another_error_than_a_refusal_is_found(file):
    with pytest.raises(ZeroDivisionError):
        judged(lambda path: 1 // 0, file)


def test_a_reader_that_takes_too_much_memory_is_found(file):
    with pytest.raises(MemoryError):
        judged(lambda path: bytes(200 << 20), file)
    assert judged(lambda path: bytes(50 << 20), file) is None


def test_a_reader_that_hangs_is_found(file, monkeypatch):
    monkeypatch.setattr("tests.hostile.SECONDS", 1)

    def read(path):
        while True:
            pass

    with pytest.raises(TimeoutError, match="within 1 seconds"):
        judged(read, file)


def test_the_limits_are_lifted_afterwards(file):
    with limits(0):
        pass
    assert len(bytes(200 << 20)) == 200 << 20
    assert blameless(f"{file}: byte 3: cut short; copy it again", file)
