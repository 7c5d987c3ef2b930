"""Compiles the native step and keeps the result, and tells XLA about it."""

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_SOURCE = _HERE / "chunk.cc"
# Sums are rounded in the order that is written, whatever $CXX may ask for.
_FLAGS = (
    *("-std=c++17", "-O3", "-fno-fast-math"),
    *("-fPIC", "-shared", "-pthread", "-w"),
)
_TUNED = ("-march=native",)
DEFAULT_CACHE = "~/.cache/w2v_jax"
_SECONDS = 300  # a compiler that takes longer hangs
TARGETS = {
    "negative_sampling": ("w2v_jax_negative_sampling", "W2vNegativeSampling"),
    "hierarchical_softmax": ("w2v_jax_hierarchical_softmax", "W2vHierarchicalSoftmax"),
    "softmax": ("w2v_jax_softmax", "W2vSoftmax"),
}


class NativeUnavailableError(ValueError):
    """This machine cannot compile the native step."""


def compiler() -> str | None:
    """The C++ compiler: $CXX, or the first of c++, g++, clang++ on the path.

    $CXX may hold arguments, as in "ccache g++"; the answer then does too.
    """
    named = os.environ.get("CXX")
    for name in (named,) if named else ("c++", "g++", "clang++"):
        program, *arguments = _words(name) or [name]
        if found := shutil.which(program):
            return shlex.join([found, *arguments])
    return None


def _words(command: str) -> list[str]:
    """The words of a command line; none if a quotation in it does not end."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def is_built(cache_dir: str | Path) -> bool:
    """Whether the compiled step lies in the cache directory, or in the user's own."""
    program = compiler()
    return program is not None and _place(program, cache_dir).is_file()


def _place(program: str, cache_dir: str | Path) -> Path:
    """Where the library is, or else where it belongs."""
    name = Path("native") / f"{_fingerprint(program)}.so"
    own = Path(DEFAULT_CACHE).expanduser() / name
    return own if own.is_file() else Path(cache_dir).expanduser() / name


def library(cache_dir: str | Path) -> Path:
    """The compiled step, from the cache directory or compiled into it.

    Args:
      cache_dir: where compiled libraries are kept, in its folder `native`; one that
        lies in the user's own cache will do.

    Raises:
      NativeUnavailableError: no compiler, or it fails; the text says which and why.
    """
    program = compiler()
    if program is None:
        raise NativeUnavailableError(
            "no C++ compiler found (c++, g++, clang++ or $CXX); install one, or use "
            "--kernel=xla"
        )
    path = _place(program, cache_dir)
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _compile(program, path)
        except (OSError, subprocess.SubprocessError) as error:
            raise NativeUnavailableError(
                f"{program}: the native step could not be compiled "
                f"({_first_line(error)}); mend the compiler, or use --kernel=xla"
            ) from None
    return path


@functools.cache
def _fingerprint(program: str) -> str:
    """Names a build by all that it depends on."""
    digest = hashlib.sha256()
    for source in [*sorted(_HERE.glob("*.h")), _SOURCE]:
        digest.update(source.read_bytes())
    try:
        told = subprocess.run(
            [*_words(program), "--version"], capture_output=True, timeout=30
        )
        digest.update(told.stdout)
    except (OSError, subprocess.SubprocessError):
        pass  # compiling will say what is wrong
    flags = (_words(program)[1:], _FLAGS, _TUNED)  # $CXX may bring flags of its own
    digest.update(repr((flags, metadata.version("jaxlib"))).encode())
    digest.update(_processor().encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """What the processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    named = ("flags", "Features", "model name", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(named)}))


def _compile(program: str, path: Path) -> None:
    """Compiles beside its place and moves it there, whole or not at all."""
    import jax.ffi

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "made.so"
        include = f"-I{jax.ffi.include_dir()}"
        command = [*_words(program), *_FLAGS, include, str(_SOURCE), "-o", str(made)]
        if _called([*command, *_TUNED]).returncode:
            # Not every compiler knows its own machine; one that does, and failed for
            # lack of memory, must not leave a slow library for good.
            probe = [*_words(program), *_TUNED, "-E", "-x", "c++", os.devnull]
            known = not _called(probe).returncode
            _called([*command, *(_TUNED if known else ())]).check_returncode()
        made.replace(path)


def _called(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )


def _first_line(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it did not end within {error.timeout:g} s"
    told = getattr(error, "stderr", None) or str(error)
    if isinstance(error, subprocess.CalledProcessError) and not error.stderr:
        told = f"exit status {error.returncode}, and no word"
    lines = [line for line in str(told).splitlines() if "error" in line.lower()]
    return (lines or str(told).splitlines() or [type(error).__name__])[0].strip()[:200]


_loaded: list[ctypes.CDLL] = []


def register(cache_dir: str | Path) -> None:
    """Compiles the step if need be and tells XLA of it, once in a process.

    Raises:
      NativeUnavailableError: as `library`, or the library cannot be loaded.
    """
    if _loaded:
        return
    import jax.ffi

    path = library(cache_dir)
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise NativeUnavailableError(
            f"{path}: cannot be loaded ({error}); delete it, or use --kernel=xla"
        ) from None
    for target, symbol in TARGETS.values():
        handler = jax.ffi.pycapsule(getattr(loaded, symbol))
        jax.ffi.register_ffi_target(target, handler, platform="cpu")
    _loaded.append(loaded)


def symbol(name: str, result: Any) -> Any:
    """A plain function of the registered library; no lock is held while it runs."""
    function = getattr(_loaded[0], name)
    function.restype = result
    return function


if __name__ == "__main__":  # `make native`: without a compiler there is none
    try:
        print(library(DEFAULT_CACHE))
    except NativeUnavailableError as error:
        print(error)
