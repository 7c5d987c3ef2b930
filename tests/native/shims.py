"""Parts of the native step by themselves, compiled for each width of vectors."""

import ctypes
import platform
import subprocess

import pytest

from tests.native.needs import command
from w2v_jax.native import build

KINDS: list[tuple[str, ...]] = [()]
if platform.machine() in ("x86_64", "AMD64"):
    KINDS += [("-mavx",), ("-mavx2", "-mfma"), ("-mavx512f",)]


def named(kind):
    """The name of a test of that width."""
    return "".join(kind) or "plain"


def loaded(text, kind, folder):
    """A library made of C++ text, or a skip where the processor lacks its vectors."""
    known = f"{build._processor()} "
    for flag in kind:
        if f" {flag.removeprefix('-m')} " not in known:
            pytest.skip(f"needs a processor that knows {flag}")
    source, made = folder / "shim.cc", folder / "shim.so"
    source.write_text(text)
    flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-w", f"-I{build._HERE}", *kind]
    subprocess.run(command(*flags, source, "-o", made), check=True, capture_output=True)
    return ctypes.CDLL(str(made))
