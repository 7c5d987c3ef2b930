"""The logged loss is the mean over its blocks, whatever their number and sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import config, state, text
from w2v_jax import blocks, losses
from w2v_jax.loss_sample import LossSample, make_loss_sample

KEEP = blocks.keep_thresholds(np.ones(23))


def sampler(made, ids):
    return blocks.Sampler(ids, KEEP, made.seed, made.window, made.dynamic_window)


def test_it_is_the_mean_softmax_loss_of_the_pairs_of_the_text():
    # A text shorter than one range of the sample is the sample.
    made = config("skipgram", "softmax", dynamic_window=False)
    model, begun, constants = state(made)
    ids = text(200)
    sample = make_loss_sample(model, sampler(made, ids), constants)
    chunk = sampler(made, ids).chunk(0, 0, len(ids))
    pairs = [
        (i, j)
        for i in range(len(chunk.tokens))
        for j in range(len(chunk.tokens))
        if i != j
        and abs(i - j) <= made.window
        and chunk.sentences[i] == chunk.sentences[j]
    ]
    centre, context = (chunk.tokens[list(side)] for side in zip(*pairs, strict=True))
    one = jax.vmap(losses.softmax_loss, (0, None, 0))
    expected = one(
        begun.tables["input"][centre], begun.tables["output"], jnp.asarray(context)
    )
    found = sample.mean(begun.tables, constants)
    # float32 within a block, float64 between blocks
    assert found == pytest.approx(float(np.asarray(expected, float).mean()), rel=1e-5)


def test_sums_between_blocks_are_in_float64():
    big, count = 2.0**24, 1000
    sums = jnp.asarray([big] + [1.0] * count, jnp.float32)
    weights = jnp.asarray([1.0] * (count + 1), jnp.float32)
    sample = LossSample(lambda tables, constants, blocks: (sums, weights), ())
    # In float32, 2^24 + 1 is 2^24: a running sum would never move again.
    assert sample.mean({}, ()) == (big + count) / (count + 1)


def test_no_pair_gives_no_loss():
    nothing = (jnp.zeros(3), jnp.zeros(3))
    assert (
        LossSample(lambda tables, constants, blocks: nothing, ()).mean({}, ()) is None
    )


def test_the_sample_does_not_depend_on_the_epoch_or_the_tables():
    made = config("cbow", "negative_sampling")
    model, begun, constants = state(made)
    ids = text(5000)
    first = make_loss_sample(model, sampler(made, ids), constants)
    again = make_loss_sample(model, sampler(made, ids), constants)
    one, other = (
        sample.measure(begun.tables, constants, sample.blocks)
        for sample in (first, again)
    )
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_seeds_share_one_program(objective):
    ids, keep = text(30_000), blocks.keep_thresholds(np.full(23, 0.5))
    programs, counts = set(), set()
    for seed in range(3):
        # path_room: blocks that end early, as many as a seed's own words need
        made = config("skipgram", objective, seed=seed, path_room=1.0)
        model, begun, constants = state(made)
        sampled = blocks.Sampler(ids, keep, seed, made.window, made.dynamic_window)
        sample = make_loss_sample(model, sampled, constants)
        counts.add(int((sample.blocks.padded[0] >= 0).sum()))
        lowered = sample.measure.lower(begun.tables, constants, sample.blocks)
        programs.add(lowered.as_text())
    assert len(counts) == 3  # words kept
    assert len(programs) == 1
