import fcntl
import json
import os
import shutil
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax import corpus_cache
from w2v_jax.corpus import encode

TEXT = "the cat sat on the mat\nthe dog sat\n"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A text, its cache with one entry, and the corpus encoded there."""
    folder = tmp_path_factory.mktemp("cache")
    path = folder / "text.txt"
    path.write_text(TEXT)
    return path, folder / "c", encode(path, cache_dir=folder / "c")


def entry_of(cache_dir):
    return next(p for p in (cache_dir / "corpora").iterdir() if p.is_dir())


def contents(corpus):
    return (
        corpus.ids.tolist(),
        corpus.words,
        corpus.counts.tolist(),
        corpus.raw_words,
        corpus.sentences,
        corpus.source_sha256,
        corpus.tokenizer_version,
    )


def check_after(damage, sound, folder):
    """Damages a copy of the entry; encoding must still give the right corpus."""
    path, cache_dir, corpus = sound
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(cache_dir, copy)
    damage(entry_of(copy))
    again = encode(path, cache_dir=copy)
    assert contents(again) == contents(corpus)
    assert encode(path, cache_dir=copy).reused
    return again


PARTS = ["ids.int32", "words.txt", "counts.int64", "facts.json", "manifest.json"]


def test_an_entry_holds_its_parts_and_a_manifest_of_them(sound):
    entry = entry_of(sound[1])
    assert sorted(p.name for p in entry.iterdir()) == sorted(PARTS)
    manifest = json.loads((entry / "manifest.json").read_text())
    assert sorted(manifest["parts"]) == sorted(set(PARTS) - {"manifest.json"})
    for name, part in manifest["parts"].items():
        assert part["size"] == (entry / name).stat().st_size


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_part_makes_the_entry_anew(sound, tmp_path, name):
    assert not check_after(lambda e: (e / name).unlink(), sound, tmp_path).reused


@pytest.mark.parametrize("name", PARTS)
def test_a_part_cut_short_or_grown_makes_the_entry_anew(sound, tmp_path, name):
    def cut(entry):
        (entry / name).write_bytes((entry / name).read_bytes()[:-1])

    def grow(entry):
        (entry / name).write_bytes((entry / name).read_bytes() + b"}")

    for damage in (cut, grow):
        assert not check_after(damage, sound, tmp_path).reused


@pytest.mark.parametrize("name", PARTS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_never_loaded(sound, tmp_path_factory, name, data):
    def flip(entry):
        bytes_ = bytearray((entry / name).read_bytes())
        at = data.draw(st.integers(0, len(bytes_) - 1))
        bytes_[at] ^= 1 << data.draw(st.integers(0, 7))
        (entry / name).write_bytes(bytes_)

    check_after(flip, sound, tmp_path_factory.getbasetemp() / "flips")


@pytest.mark.parametrize(
    "manifest",
    [
        "null",
        "[]",
        "{}",
        '{"format": 1, "parts": {}}',
        '{"format": 1, "parts": []}',
        '{"format": 1, "parts": {"ids.int32": null}}',
        '{"format": 1, "parts": {"\\u0000": {"size": 1, "sha256": ""}}}',
        '{"format": 2, "parts": {"ids.int32": {}}}',
        "[" * 100_000,
    ],
)
def test_a_hostile_manifest_makes_the_entry_anew(sound, tmp_path, manifest):
    def replace(entry):
        (entry / "manifest.json").write_text(manifest)

    assert not check_after(replace, sound, tmp_path).reused


def test_a_manifest_that_leaves_a_part_out_is_not_trusted(sound, tmp_path):
    def leave_out(entry):
        manifest = json.loads((entry / "manifest.json").read_text())
        del manifest["parts"]["ids.int32"]
        (entry / "manifest.json").write_text(json.dumps(manifest))
        (entry / "ids.int32").write_bytes(b"\0" * 8)

    assert not check_after(leave_out, sound, tmp_path).reused


def test_what_a_killed_process_left_is_cleared_away(sound, tmp_path):
    def leave(entry):
        partial = entry.with_name(entry.name + ".partial")
        entry.rename(partial)

    check_after(leave, sound, tmp_path)
    assert not list((tmp_path / "copy" / "corpora").glob("*.partial"))


def test_a_cache_that_cannot_be_made_is_an_error_of_the_system(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "text.txt").write_text(TEXT)
    with pytest.raises(OSError, match="file"):
        encode(tmp_path / "text.txt", cache_dir=tmp_path / "file")


def test_whoever_waits_for_an_entry_is_told_so(sound):
    path, cache_dir, _ = sound
    lock = entry_of(cache_dir).with_suffix(".lock")
    told = threading.Event()

    def report(task, done, total, note):
        if task == "waiting":
            assert "another process" in note
            told.set()

    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(
            target=encode,
            args=(path,),
            kwargs=dict(cache_dir=cache_dir, progress=report),
        )
        waiting.start()
        assert told.wait(timeout=20)
        waiting.join(timeout=0.3)
        assert waiting.is_alive(), "the lock is still held"
    waiting.join(timeout=20)
    assert not waiting.is_alive()


class TestStamps:
    def sha256(self, path, cache_dir):
        calls = []
        value = corpus_cache.source_sha256(path, cache_dir, lambda *c: calls.append(c))
        return value, bool(calls)  # progress is told only when the file is hashed

    def settle(self, monkeypatch):
        """Lets the file be as old as the stamp wants it to be."""
        monkeypatch.setattr(corpus_cache, "_SETTLED_SECONDS", -1.0)

    def test_a_file_is_hashed_once_while_its_stamp_stays(self, tmp_path, monkeypatch):
        self.settle(monkeypatch)
        path = tmp_path / "text.txt"
        path.write_text("one")
        first, hashed = self.sha256(path, tmp_path / "c")
        assert hashed
        assert self.sha256(path, tmp_path / "c") == (first, False)
        path.write_text("two")
        second, hashed = self.sha256(path, tmp_path / "c")
        assert hashed
        assert second != first

    def test_a_file_written_a_moment_ago_is_hashed_again(self, tmp_path):
        path = tmp_path / "text.txt"
        path.write_text("one")
        assert self.sha256(path, tmp_path / "c")[1]
        assert self.sha256(path, tmp_path / "c")[1]

    def test_a_change_that_restores_size_and_time_is_seen(self, tmp_path, monkeypatch):
        self.settle(monkeypatch)
        path = tmp_path / "text.txt"
        path.write_text("one")
        time_of_one = path.stat().st_mtime_ns
        first, _ = self.sha256(path, tmp_path / "c")
        path.write_text("two")
        os.utime(path, ns=(time_of_one, time_of_one))
        assert self.sha256(path, tmp_path / "c")[0] != first

    def test_a_damaged_memory_is_ignored(self, tmp_path, monkeypatch):
        self.settle(monkeypatch)
        path = tmp_path / "text.txt"
        path.write_text("one")
        first, _ = self.sha256(path, tmp_path / "c")
        (memory,) = (tmp_path / "c" / "sources").iterdir()
        for text in ("", "[]", "{}", "null", '{"stamp": 1, "sha256": 2}'):
            memory.write_text(text)
            assert self.sha256(path, tmp_path / "c") == (first, True)

    def test_another_file_under_the_same_name_is_hashed(self, tmp_path, monkeypatch):
        self.settle(monkeypatch)
        path = tmp_path / "text.txt"
        path.write_text("one")
        first, _ = self.sha256(path, tmp_path / "c")
        (tmp_path / "new.txt").write_text("two")
        now = time.time_ns()
        for name in ("text.txt", "new.txt"):
            os.utime(tmp_path / name, ns=(now, now))
        (tmp_path / "new.txt").replace(path)
        assert self.sha256(path, tmp_path / "c")[0] != first
