"""What the tests of the native step need."""

import shlex

import pytest

from w2v_jax.native import build

compiler = pytest.mark.skipif(
    build.compiler() is None, reason="needs a C++ compiler: c++, g++, clang++ or $CXX"
)


def command(*arguments):
    """A command line of the compiler, whose name may bring arguments of its own."""
    return [*shlex.split(build.compiler()), *map(str, arguments)]
