"""The native sampler beside the sampler of blocks.py, on anything a corpus may hold."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.native.needs import compiler
from tests.native.test_sampling import same
from w2v_jax.blocks import Sampler
from w2v_jax.native import build, sampling

pytestmark = compiler
WORDS = 6
# Words, rare words up to the largest id, and ends of sentences.
IDS = st.one_of(st.integers(-1, WORDS + 2), st.just(2**31 - 1))
# Nearly never, seldom, and always kept; what lies between.
EDGES = st.one_of(st.sampled_from([0, 1, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1))


@pytest.fixture(autouse=True, scope="module")
def registered():
    build.register(build.DEFAULT_CACHE)


@given(
    ids=st.lists(IDS, min_size=20, max_size=70),
    thresholds=st.lists(EDGES, min_size=WORDS, max_size=WORDS),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 2**31 - 1),
    window=st.one_of(st.sampled_from([1, 2, 1000]), st.integers(1, 1000)),
    dynamic=st.booleans(),
    start=st.integers(0, 30),
    length=st.integers(0, 80),
)
def test_any_range_of_any_corpus_is_sampled_alike(
    ids, thresholds, seed, epoch, window, dynamic, start, length
):
    ids, edges = np.array(ids, np.int32), np.array(thresholds, np.uint32)
    made = Sampler(ids, edges, seed, window, dynamic)
    found = sampling.chunk(made, epoch, start, start + length)
    same(found, made.chunk(epoch, start, start + length))
    assert ((found.reach >= 1) & (found.reach <= window)).all()


@given(cuts=st.lists(st.integers(0, 300), max_size=4), seed=st.integers(0, 2**31 - 1))
def test_ranges_side_by_side_hold_what_the_whole_holds(cuts, seed):
    ids = np.arange(300, dtype=np.int32) % WORDS
    made = Sampler(ids, np.full(WORDS, 2**31, np.uint32), seed, 5, True)
    edges = [0, *sorted(cuts), 300]
    parts = [sampling.chunk(made, 2, *pair) for pair in pairwise(edges)]
    whole = sampling.chunk(made, 2, 0, 300)
    for name in ("tokens", "reach"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


@pytest.mark.parametrize("far", [2**31 - 5, 2**32 - 5, 2**32 + 3])
def test_positions_beyond_32_bits_are_sampled_alike(far, tmp_path):
    """In a file with a hole: it has the size of a large corpus, and uses no disk."""
    path = tmp_path / "ids"
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        file.seek(4 * far)
        file.write(rng.integers(-1, WORDS + 2, 40, np.int32).tobytes())
    mapped = np.memmap(path, np.int32, "r")
    made = Sampler(mapped, np.full(WORDS, 2**31, np.uint32), 7, 5, True)
    found = sampling.chunk(made, 1, far, far + 40)
    assert len(found.tokens)
    same(found, made.chunk(1, far, far + 40))
