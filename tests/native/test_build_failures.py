"""Compilers and folders that let the native step down, each in one line."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from w2v_jax.native import build

pytestmark = pytest.mark.usefixtures("forgetful")
WRITES = 'while [ "$1" != -o ]; do shift; done; echo made > "$2"'


def refused(cache):
    with pytest.raises(build.NativeUnavailableError) as raised:
        build.library(cache)
    said = str(raised.value)
    assert "\n" not in said
    assert "--kernel=xla" in said
    return said


def test_a_compiler_that_writes_nothing(tmp_path, cxx):
    path = cxx("exit 0")
    assert refused(tmp_path / "cache").startswith(f"{path}: ")
    assert not list((tmp_path / "cache" / "native").iterdir())


def test_a_compiler_that_hangs_is_not_waited_for(tmp_path, cxx, monkeypatch):
    path = cxx("exec sleep 60")
    monkeypatch.setattr(build, "_SECONDS", 0.2)
    before = time.monotonic()
    said = refused(tmp_path / "cache")
    assert said.startswith(f"{path}: ")
    assert "did not end within 0.2 s" in said
    assert time.monotonic() - before < 30  # half of what it would sleep
    assert not list((tmp_path / "cache" / "native").iterdir())


def test_a_compiler_that_says_a_thousand_lines_is_cut_short(tmp_path, cxx):
    cxx("yes 'error: very long and ever the same words' | head -n 1000 >&2; exit 1")
    assert len(refused(tmp_path / "cache")) < 400 + len(str(tmp_path))


def test_a_compiler_that_fails_without_a_word(tmp_path, cxx):
    cxx("exit 7")
    assert "exit status 7" in refused(tmp_path / "cache")


def test_a_compiler_that_says_what_is_no_utf8(tmp_path, cxx):
    cxx(r"printf 'error: \377\376\n' >&2; exit 1")
    assert "error: \ufffd\ufffd" in refused(tmp_path / "cache")


def test_a_compiler_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", str(tmp_path / "missing"))
    assert "$CXX" in refused(tmp_path / "cache")


def test_a_cache_that_is_a_file(tmp_path, cxx):
    cxx(WRITES)
    (tmp_path / "cache").write_text("no folder")
    refused(tmp_path / "cache")
    assert (tmp_path / "cache").read_text() == "no folder"


def test_what_failed_once_is_tried_again(tmp_path, cxx):
    cxx("exit 1")
    refused(tmp_path / "cache")
    cxx(WRITES)
    assert build.library(tmp_path / "cache").read_text() == "made\n"


def test_two_at_once_compile_one_whole_library(tmp_path, cxx):
    cxx(f"sleep 0.2; {WRITES}")
    with ThreadPoolExecutor(2) as threads:
        found = set(threads.map(build.library, [tmp_path / "cache"] * 2))
    (path,) = found
    assert path.read_text() == "made\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["simd.h", "sampling.h", "chunk.cc"])
def test_another_source_makes_another_library(name, tmp_path, cxx, monkeypatch):
    program = str(cxx(WRITES))
    before = build._place(program, tmp_path / "cache")
    copied = tmp_path / "copied"
    shutil.copytree(build._HERE, copied)
    monkeypatch.setattr(build, "_HERE", copied)
    monkeypatch.setattr(build, "_SOURCE", copied / "chunk.cc")
    build._fingerprint.cache_clear()
    assert build._place(program, tmp_path / "cache") == before
    with (copied / name).open("a") as file:
        file.write("// changed\n")
    build._fingerprint.cache_clear()
    assert build._place(program, tmp_path / "cache") != before
