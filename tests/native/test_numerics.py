"""The native exponential and logistic functions beside float64."""

import ctypes

import numpy as np
import pytest

from tests.native import shims
from tests.native.needs import compiler

pytestmark = compiler
SHIM = """
#include "simd.h"
extern "C" void logistic(const float* from, float* to, long count) {
  for (long i = 0; i < count; i += w2v::kLanes)
    w2v::store(to + i, w2v::logistic(w2v::load(from + i)));
}
extern "C" void exponential(const float* from, float* to, long count) {
  for (long i = 0; i < count; i += w2v::kLanes)
    w2v::store(to + i, w2v::exponential(w2v::load(from + i)));
}
extern "C" void reciprocal(const float* from, float* to, long count) {
  for (long i = 0; i < count; i += w2v::kLanes)
    w2v::store(to + i, w2v::reciprocal(w2v::load(from + i)));
}
extern "C" float sum(const float* from) { return w2v::sum(w2v::load(from)); }
extern "C" int lanes() { return w2v::kLanes; }
"""


@pytest.fixture(scope="module", params=shims.KINDS, ids=shims.named)
def shim(request, tmp_path_factory):
    """simd.h compiled for one width of vectors."""
    made = shims.loaded(SHIM, request.param, tmp_path_factory.mktemp("shim"))
    made.sum.restype = ctypes.c_float
    return made


def logistic(shim, values):
    return mapped(shim.logistic, values)


def mapped(function, values):
    """A function of vectors at any number of values."""
    values = np.ascontiguousarray(values, np.float32)
    padded = np.ones(-(-len(values) // 16) * 16, np.float32)
    padded[: len(values)] = values
    found = np.empty_like(padded)
    pointers = (ctypes.c_void_p(a.ctypes.data) for a in (padded, found))
    function(*pointers, ctypes.c_long(len(padded)))
    return found[: len(values)]


def exact(values):
    return np.exp(-np.logaddexp(0.0, -values.astype(np.float64)))


def test_the_exponential_has_the_error_that_its_comment_says(shim):
    values = np.linspace(-80.0, 80.0, 1_000_001).astype(np.float32)
    wanted = np.exp(values.astype(np.float64))
    assert np.abs(mapped(shim.exponential, values) / wanted - 1.0).max() < 3e-7


def test_the_exponential_is_held_below_minus_eighty(shim):
    (least,) = mapped(shim.exponential, [-80.0])
    far = [-80.5, -1e3, -3e38, -np.inf]
    np.testing.assert_array_equal(mapped(shim.exponential, far), least)
    (one,) = mapped(shim.exponential, [0.0])
    assert one == 1.0  # a top that has not moved scales nothing


def test_its_relative_error_is_what_its_comment_says(shim):
    values = np.linspace(-80.0, 80.0, 1_000_001).astype(np.float32)
    found, wanted = logistic(shim, values), exact(values)
    assert np.abs(found / wanted - 1.0).max() < 3e-7


def test_the_reciprocal_has_the_error_that_its_comment_says(shim):
    values = np.geomspace(1.0, 0.99e35, 1_000_001).astype(np.float32)
    wanted = 1.0 / values.astype(np.float64)
    assert np.abs(mapped(shim.reciprocal, values) / wanted - 1.0).max() < 1.3e-7
    powers = 2.0 ** np.arange(0, 116, dtype=np.float32)  # 1 / (1 + exp(-80)) is one
    np.testing.assert_array_equal(mapped(shim.reciprocal, powers), 1.0 / powers)


def test_beyond_eighty_it_is_nought_or_one(shim):
    values = np.array([80.5, 1e2, 1e3, 1e30, np.inf], np.float32)
    np.testing.assert_array_equal(logistic(shim, values), 1.0)
    low = logistic(shim, -values)
    # Held at the value for -80; exp(-80) times any rate is nothing beside a row.
    assert (low > 0).all()
    assert (low <= np.exp(-80.0) * (1 + 3e-7)).all()


def test_it_never_falls_by_more_than_its_error(shim):
    found = logistic(shim, np.linspace(-90.0, 90.0, 200_001)).astype(np.float64)
    assert (np.diff(found) >= -6e-7 * found[1:]).all()  # two errors of 3e-7


def test_the_smallest_numbers_give_one_half(shim):
    tiny = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, 1e-9], np.float32)
    np.testing.assert_array_equal(logistic(shim, tiny), 0.5)


def test_a_score_that_is_no_number_gives_a_probability(shim):
    # The rows behind it are none themselves and are found by looking at the tables.
    (found,) = logistic(shim, [np.nan])
    assert 0.0 <= found <= 1.0


def test_a_sum_takes_every_lane_once(shim):
    powers = 2.0 ** np.arange(16, dtype=np.float32)
    total = shim.sum(ctypes.c_void_p(powers.ctypes.data))
    assert total == 2.0 ** shim.lanes() - 1
