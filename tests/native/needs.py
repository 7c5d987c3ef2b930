"""What the tests of the native step need."""

import pytest

from w2v_jax.native import build

compiler = pytest.mark.skipif(
    build.compiler() is None, reason="needs a C++ compiler: c++, g++, clang++ or $CXX"
)
