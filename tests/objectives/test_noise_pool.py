"""The noise of negative sampling's steps, each block's own or chosen from a pool."""

import functools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.models import config
from w2v_jax.noise import build_alias_table, draw_noise, noise_probabilities
from w2v_jax.objectives.negative_sampling import NEGATIVE_SAMPLING

COUNTS = np.array([1000, 300, 100, 30, 10, 3, 1])
SHARES = noise_probabilities(COUNTS, 0.75)
TABLE = build_alias_table(SHARES)
# A right sampler falls below this once in a thousand keys; the keys are fixed.
UNLIKELY = 1e-3


def drawn(table, pool, size, key=0, steps=1, streams=1):
    """What `steps` steps draw, int32 [steps, B, S]."""
    sizes = {"noise_pool": pool, "shared_noise": size, "streams": streams}
    made = config("skipgram", "negative_sampling", **sizes)
    draw = jax.jit(lambda table, key: NEGATIVE_SAMPLING.draw(table, made, key, steps))
    return np.asarray(draw(table, jax.random.key(key)))


@functools.cache
def flat(words):
    """Words that are all as frequent."""
    return build_alias_table(np.full(words, 1 / words))


@settings(max_examples=5)  # each shape is compiled
@given(
    pool=st.integers(0, 5),
    size=st.integers(1, 4),
    steps=st.integers(1, 3),
    streams=st.integers(1, 3),
    key=st.integers(0, 2**31 - 1),
)
def test_every_step_and_stream_draws_its_rows_from_no_more_than_the_pool(
    pool, size, steps, streams, key
):
    found = drawn(flat(10_000), pool, size, key, steps, streams)
    assert found.shape == (steps, streams, size)
    assert found.dtype == np.int32
    assert ((found >= 0) & (found < 10_000)).all()
    assert len(np.unique(found)) <= (pool or found.size)


def test_without_a_pool_the_draws_are_those_of_the_noise_distribution():
    expected = draw_noise(TABLE, jax.random.key(5), (3, 2, 4))
    np.testing.assert_array_equal(drawn(TABLE, 0, 4, 5, 3, 2), expected)


def test_of_a_pool_of_one_every_choice_is_the_same_word():
    found = [drawn(flat(10_000), 1, 9, key, 4, 2) for key in range(3)]
    assert all(len(np.unique(one)) == 1 for one in found)
    assert len(np.unique(found)) == 3  # and another word for another key


def test_every_row_of_a_pool_is_chosen_as_often():
    # Eight of 10,000 words are all different but once in 360 pools.
    found = drawn(flat(10_000), 8, 50, 3, 40, 4)
    _, counts = np.unique(found, return_counts=True)
    assert len(counts) == 8
    assert stats.chisquare(counts).pvalue > UNLIKELY


@pytest.mark.parametrize("which", [(2, 1, 3)])
def test_a_choice_has_the_noise_distribution_over_all_pools(which):
    sizes = {"noise_pool": 6, "shared_noise": 4, "streams": 2}
    made = config("skipgram", "negative_sampling", **sizes)
    keys = jax.random.split(jax.random.key(7), 20_000)
    draw = jax.jit(jax.vmap(lambda key: NEGATIVE_SAMPLING.draw(TABLE, made, key, 3)))
    draws = draw(keys)
    found = np.bincount(np.asarray(draws)[(slice(None), *which)], minlength=7)
    assert stats.chisquare(found, SHARES * found.sum()).pvalue > UNLIKELY


def test_steps_and_streams_choose_for_themselves():
    found = drawn(flat(10_000), 64, 16, 1, 3, 2).reshape(6, 16)
    assert len({tuple(row) for row in found}) == 6
    # Two rows of 16 out of 64 share about a fifth of their words, and not all.
    assert len(set(found[0]) & set(found[1])) < 16
