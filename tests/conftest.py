"""Strict settings for every test: what jax would let pass silently is an error."""

import os

os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")

import warnings
from pathlib import Path

import jax
import pytest
from hypothesis import settings

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

settings.register_profile("w2v_jax", deadline=None, max_examples=25)
settings.load_profile("w2v_jax")

SLOW_TESTS = Path(__file__).with_name("slow_tests.txt")  # of `make slow-list`
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)  # before -m leaves anything out
def pytest_collection_modifyitems(items):
    """Marks as slow what a run of all tests has found to be."""
    slow = set(SLOW_TESTS.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in slow:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def shared_data() -> Path:
    """The folder of real corpora and evaluation sets, or a skip that says so."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data, which is not on this machine")
    return SHARED_DATA


@pytest.fixture
def x64():
    """Runs a test with 64-bit floats enabled."""
    with jax.enable_x64(True):
        yield
