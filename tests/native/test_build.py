"""Compiling the native step: once, whole or not at all, and one line if it fails."""

import os
import stat
import subprocess
import sys

import pytest

from tests.native.needs import compiler
from w2v_jax.native import build


@pytest.fixture(autouse=True)
def forgetful(tmp_path, monkeypatch):
    """Each test finds its own compiler, and nothing that is compiled already."""
    monkeypatch.setattr(build, "DEFAULT_CACHE", str(tmp_path / "home"))
    build._fingerprint.cache_clear()
    yield
    build._fingerprint.cache_clear()


def program(folder, script):
    """A compiler that is a shell script."""
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_without_a_compiler_one_line_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert build.compiler() is None
    assert not build.is_built(tmp_path)
    with pytest.raises(
        build.NativeUnavailableError, match=r"install one.*--kernel=xla"
    ):
        build.library(tmp_path)


def test_a_compiler_that_fails_says_its_first_error(tmp_path, monkeypatch):
    script = "echo 'x.cc:1: note: so' >&2; echo 'x.cc:2: error: no luck' >&2; exit 1"
    monkeypatch.setenv("CXX", str(program(tmp_path, script)))
    with pytest.raises(build.NativeUnavailableError) as raised:
        build.library(tmp_path / "cache")
    assert "x.cc:2: error: no luck" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "cache" / "native").iterdir())


def test_a_compiler_is_asked_once_and_again_without_tuning(tmp_path, monkeypatch):
    """The stand-in knows no -march=native, and writes down that it was called."""
    script = f"""echo "$@" >> {tmp_path}/calls
case "$*" in *--version*) echo stand-in 1;; *-march=native*) exit 1;;
*) while [ "$1" != -o ]; do shift; done; echo made > "$2";; esac"""
    monkeypatch.setenv("CXX", str(program(tmp_path, script)))
    path = build.library(tmp_path / "cache")
    assert path.read_text() == "made\n"
    assert build.is_built(tmp_path / "cache")
    calls = (tmp_path / "calls").read_text().splitlines()
    tuned = ["-march=native" in line for line in calls if "--version" not in line]
    assert tuned == [True, False]
    assert build.library(tmp_path / "cache") == path
    assert (tmp_path / "calls").read_text().splitlines() == calls


def test_another_compiler_makes_another_library(tmp_path, monkeypatch):
    found = set()
    for version in ("1", "2"):
        monkeypatch.setenv("CXX", str(program(tmp_path, f"echo stand-in {version}")))
        build._fingerprint.cache_clear()
        found.add(build._place(build.compiler(), tmp_path))
    assert len(found) == 2


def test_one_in_the_cache_of_the_user_will_do(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", str(program(tmp_path, "exit 1")))
    own = build._place(build.compiler(), tmp_path / "home")
    own.parent.mkdir(parents=True)
    own.touch()
    assert build.library(tmp_path / "other") == own


@compiler
def test_a_damaged_library_is_named(tmp_path):
    """In a process of its own, which has none registered."""
    place = build._place(build.compiler(), tmp_path)
    place.parent.mkdir()
    place.write_bytes(b"no library")
    code = f"from w2v_jax.native import build; build.register({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HOME": str(tmp_path / "home")},
    )
    last = done.stderr.strip().splitlines()[-1]
    assert str(place) in last
    assert "delete it, or use --kernel=xla" in last
