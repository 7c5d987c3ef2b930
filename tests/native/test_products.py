"""The products of a native block step, beside NumPy's in float64."""

import ctypes

import numpy as np
import pytest

from tests.native import shims
from tests.native.needs import compiler

pytestmark = compiler
SHIM = """
#include <vector>

#include "few.h"
#include "products.h"
using namespace w2v;

// Rows of whole vectors, with one more that no product may read.
static std::vector<const float*> rows_of(const float* from, int count, int stride) {
  std::vector<const float*> rows;
  for (int r = 0; r < count; ++r) rows.push_back(from + r * stride);
  return rows;
}

extern "C" int lanes() { return kLanes; }

extern "C" void few(const float* rows, int count, const float* columns, int dim,
                    int stride, float* scores) {
  Floats turned(stride * kFew);
  turn_few(rows_of(columns, kFew, stride).data(), stride / kLanes, turned.at(0));
  score_few(rows_of(rows, count, stride).data(), count, turned.at(0), dim, scores);
}

extern "C" void many(const float* rows, int count, const float* columns, int width,
                     int dim, int stride, float* scores) {
  Floats turned(stride * width);
  turn(rows_of(columns, width, stride).data(), width, stride / kLanes, turned.at(0),
       width);
  score(rows_of(rows, count, stride).data(), count, turned.at(0), width, dim,
        width / kLanes, scores, width);
}
"""
DIMS = (1, 2, 15, 17, 100)


@pytest.fixture(scope="module", params=shims.KINDS, ids=shims.named)
def shim(request, tmp_path_factory):
    """products.h and few.h compiled for one width of vectors."""
    return shims.loaded(SHIM, request.param, tmp_path_factory.mktemp("products"))


def matrix(rng, count, dim, lanes):
    """Random rows, padded with zeros to whole vectors."""
    padded = np.zeros((count, -(-dim // lanes) * lanes), np.float32)
    padded[:, :dim] = rng.normal(size=(count, dim))
    return padded


def at(array):
    return ctypes.c_void_p(array.ctypes.data)


def close(found, rows, columns):
    # A sum of D products in any order: rounding below D units of 6e-8 each.
    wanted = rows.astype(np.float64) @ columns.astype(np.float64).T
    bound = np.abs(rows).astype(np.float64) @ np.abs(columns).astype(np.float64).T
    assert (np.abs(found - wanted) <= rows.shape[1] * 6e-8 * bound).all()


@pytest.mark.parametrize("dim", DIMS)
def test_scores_against_a_few_columns(shim, dim):
    rng, lanes = np.random.default_rng(dim), shim.lanes()
    columns = matrix(rng, lanes // 2, dim, lanes)
    for count in (2, 8, 10, 30):
        rows = matrix(rng, count, dim, lanes)
        found = np.full((count + 1, lanes // 2), 7.0, np.float32)
        shim.few(at(rows), count, at(columns), dim, rows.shape[1], at(found))
        close(found[:count], rows, columns)
        np.testing.assert_array_equal(found[count], 7.0)  # and no more is written


@pytest.mark.parametrize("dim", DIMS)
def test_scores_against_whole_vectors_of_columns(shim, dim):
    rng, lanes = np.random.default_rng(dim), shim.lanes()
    for count in (1, 5, 8, 19):
        for width in range(lanes, 6 * lanes, lanes):
            rows, columns = (matrix(rng, n, dim, lanes) for n in (count, width))
            found = np.full((count + 1, width), 7.0, np.float32)
            stride = rows.shape[1]
            shim.many(at(rows), count, at(columns), width, dim, stride, at(found))
            close(found[:count], rows, columns)
            np.testing.assert_array_equal(found[count], 7.0)
