"""Fixtures of the tests that compile."""

import stat

import pytest

from w2v_jax.native import build


@pytest.fixture
def forgetful(tmp_path, monkeypatch):
    """The test finds its own compiler, and nothing that is compiled already."""
    monkeypatch.setattr(build, "DEFAULT_CACHE", str(tmp_path / "home"))
    build._fingerprint.cache_clear()
    yield
    build._fingerprint.cache_clear()


@pytest.fixture
def cxx(tmp_path, monkeypatch):
    """Names a shell script as the compiler, which tells its version by itself."""

    def named(script, version="1"):
        path = tmp_path / "compiler"
        told = f'case "$*" in *--version*) echo stand-in {version}; exit;; esac'
        path.write_text(f"#!/bin/sh\n{told}\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("CXX", str(path))
        return path

    return named
