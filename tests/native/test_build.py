"""Compiling the native step: once, whole or not at all, and one line if it fails."""

import os
import subprocess
import sys

import pytest

from tests.native.needs import command, compiler
from w2v_jax.native import build

pytestmark = pytest.mark.usefixtures("forgetful")


def test_without_a_compiler_one_line_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert build.compiler() is None
    assert not build.is_built(tmp_path)
    with pytest.raises(
        build.NativeUnavailableError, match=r"install one.*--kernel=xla"
    ):
        build.library(tmp_path)


def test_a_compiler_that_fails_says_its_first_error(tmp_path, cxx):
    cxx("echo 'x.cc:1: note: so' >&2; echo 'x.cc:2: error: no luck' >&2; exit 1")
    with pytest.raises(build.NativeUnavailableError) as raised:
        build.library(tmp_path / "cache")
    assert "x.cc:2: error: no luck" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "cache" / "native").iterdir())


def test_a_compiler_is_asked_once_and_again_without_tuning(tmp_path, cxx):
    """The stand-in knows no -march=native, and writes down that it was called.

    The second call asks whether it does.
    """
    cxx(f"""echo "$@" >> {tmp_path}/calls
case "$*" in *-march=native*) exit 1;; esac
while [ "$1" != -o ]; do shift; done; echo made > "$2\"""")
    path = build.library(tmp_path / "cache")
    assert path.read_text() == "made\n"
    assert build.is_built(tmp_path / "cache")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert ["-march=native" in line for line in calls] == [True, True, False]
    assert "-E" in calls[1].split()
    assert build.library(tmp_path / "cache") == path
    assert (tmp_path / "calls").read_text().splitlines() == calls


def test_another_compiler_makes_another_library(tmp_path, cxx):
    found = set()
    for version in ("1", "2"):
        cxx("exit 1", version)
        build._fingerprint.cache_clear()
        found.add(build._place(build.compiler(), tmp_path))
    assert len(found) == 2


def test_a_compiler_that_was_killed_once_leaves_no_library_without_tuning(
    tmp_path, cxx
):
    """It knows the flag, and fails as for lack of memory until it is called again."""
    cxx(f"""case "$*" in *" -E "*) exit 0;; esac
echo "$@" >> {tmp_path}/calls
[ $(wc -l < {tmp_path}/calls) = 1 ] && exit 1
while [ "$1" != -o ]; do shift; done; echo made > "$2\"""")
    assert build.library(tmp_path / "cache").read_text() == "made\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert ["-march=native" in line for line in calls] == [True, True]


def test_arguments_of_cxx_make_another_library(tmp_path, cxx):
    program = str(cxx("exit 1"))
    found = set()
    for given in (program, f"{program} -O0", f"{program} -O0 -mno-avx512f"):
        build._fingerprint.cache_clear()
        found.add(build._place(given, tmp_path))
    assert len(found) == 3


def test_what_cxx_asks_for_does_not_change_how_sums_are_rounded(tmp_path, cxx):
    cxx(f"""echo "$@" > {tmp_path}/calls
while [ "$1" != -o ]; do shift; done; echo made > "$2\"""")
    os.environ["CXX"] += " -ffast-math"  # put back by the fixture's monkeypatch
    build.library(tmp_path / "cache")
    call = (tmp_path / "calls").read_text().split()
    assert call.index("-ffast-math") < call.index("-fno-fast-math")


def test_one_in_the_cache_of_the_user_will_do(tmp_path, cxx):
    cxx("exit 1")
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


def test_cxx_may_hold_arguments(tmp_path, cxx, monkeypatch):
    """As `ccache g++` does; a folder with a space in it is quoted."""
    wrapped = tmp_path / "a folder" / "wrapper"
    wrapped.parent.mkdir()
    cxx(f"""echo "$@" > {tmp_path}/calls
while [ "$1" != -o ]; do shift; done; echo made > "$2\"""").rename(wrapped)
    monkeypatch.setenv("CXX", f"'{wrapped}' real-compiler -m64")
    assert build.library(tmp_path / "cache").read_text() == "made\n"
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith("real-compiler -m64 -std=")


@pytest.mark.parametrize("named", ["'g++", "'", " "])
def test_cxx_that_is_no_command_is_no_compiler(named, monkeypatch):
    monkeypatch.setenv("CXX", named)
    assert build.compiler() is None


@pytest.mark.slow
@compiler
def test_the_source_has_no_warnings():
    """The library itself is built with -w: a stranger's compiler may warn of more."""
    import jax.ffi

    flags = ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
    headers = ["-isystem", jax.ffi.include_dir()]  # not ours
    called = command(*flags, *headers, build._SOURCE)
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
