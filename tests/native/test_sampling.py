"""The native sampler gives what the sampler of blocks.py gives, bit for bit."""

import numpy as np
import pytest

from tests.native.needs import compiler
from w2v_jax.blocks import Sampler, keep_thresholds
from w2v_jax.native import build, sampling

pytestmark = compiler


@pytest.fixture(autouse=True, scope="module")
def registered():
    build.register(build.DEFAULT_CACHE)


def sampler(seed=3, sentences=True, dynamic=True, window=5):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 40, 5003).astype(np.int32)  # words of 30 and above are rare
    if sentences:
        ids[rng.random(len(ids)) < 0.05] = -1
    chances = np.linspace(0.1, 1.0, 30)
    return Sampler(ids, keep_thresholds(chances), seed, window, dynamic)


def same(ours, theirs):
    assert ours.raw_words == theirs.raw_words
    np.testing.assert_array_equal(ours.tokens, theirs.tokens)
    np.testing.assert_array_equal(ours.reach, theirs.reach)
    assert (ours.sentences is None) == (theirs.sentences is None)
    if theirs.sentences is not None:
        np.testing.assert_array_equal(ours.sentences, theirs.sentences)


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("sentences", [True, False])
@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 5003), (0, 1), (3, 4), (1, 1000), (4001, 9999), (5003, 6000)],
)
def test_every_range_is_that_of_the_sampler(start, stop, sentences, dynamic):
    made = sampler(sentences=sentences, dynamic=dynamic)
    for epoch in (0, 7):
        ours = sampling.chunk(made, epoch, start, stop)
        same(ours, made.chunk(epoch, start, stop))


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
@pytest.mark.parametrize("window", [1, 2, 1000])
def test_every_seed_and_window(seed, window):
    made = sampler(window=window)._replace(seed=seed)
    same(sampling.chunk(made, 1, 0, 5003), made.chunk(1, 0, 5003))


def test_a_memory_mapped_corpus_and_a_slice_of_an_array_will_do(tmp_path):
    made = sampler()
    path = tmp_path / "ids"
    made.ids.tofile(path)
    mapped = made._replace(ids=np.memmap(path, np.int32, "r"))
    same(sampling.chunk(mapped, 0, 5, 900), made.chunk(0, 5, 900))
    strided = made._replace(ids=np.repeat(made.ids, 2)[::2])
    same(sampling.chunk(strided, 0, 5, 900), made.chunk(0, 5, 900))
