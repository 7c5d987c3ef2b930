"""The logged loss is right to a millionth, whatever the model and the pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import MODELS, block, config, draw, state, text
from tests.test_loss_sample import sampler
from w2v_jax import loss_sample
from w2v_jax.loss_sample import block_value, hidden_values, make_loss_sample

MILLIONTH = 1e-6  # what is promised
SIZES = {"dim": 50, "block": 32, "streams": 4, "window": 5, "shared_noise": 30}


def doubled(tables, constants):
    """The same numbers with 64-bit floats, for use with those enabled."""
    return jax.tree.map(
        lambda leaf: (
            np.asarray(leaf, np.float64)
            if jnp.issubdtype(leaf.dtype, jnp.floating)
            else np.asarray(leaf)
        ),
        (tables, constants),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_a_loss_of_a_hundred_thousand_pairs_equals_that_in_float64(
    architecture, objective, monkeypatch
):
    made = config(architecture, objective, **SIZES)
    model, begun, constants = state(made)
    ids = text(12_000)
    sample = make_loss_sample(model, sampler(made, ids), constants)
    sample = sample.compiled(begun.tables, constants)
    # The other way: whole blocks, every number of 64 bits. The same noise is drawn, or
    # the two would differ in the second digit. (Whole blocks of 32 bits are wrong by
    # 2e-5 for CBOW with zero tables.)
    monkeypatch.setattr(loss_sample, "hidden_values", block_value)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        exact = make_loss_sample(model, sampler(made, ids), constants)
    for scale in (0.0, 0.3, 3.0):
        tables = jax.tree.map(lambda table, by=scale: by * table, begun.tables)
        found = sample.mean(tables, constants)
        with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
            sums, _ = exact.measure(*doubled(tables, constants), exact.blocks)
            expected = exact.mean(*doubled(tables, constants))
        assert sums.dtype == np.float64
        assert found == pytest.approx(expected, rel=MILLIONTH)


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_the_losses_of_hidden_vectors_add_up_to_that_of_the_block(
    architecture, objective
):
    made = config(architecture, objective)
    model, begun, constants = state(made)
    drawn = draw(model, constants)
    cut = block(made)
    arguments = (begun.tables, cut, drawn, constants)
    whole, pairs = block_value(model, *arguments)
    losses, weights = hidden_values(model, *arguments)
    assert losses.shape == weights.shape
    # float32: some hundred terms, and logistic functions of their own
    np.testing.assert_allclose(losses.sum(), whole, rtol=1e-5)
    assert weights.sum() == pairs
    np.testing.assert_array_equal(losses[weights == 0], 0)
    assert np.all(np.asarray(losses)[np.asarray(weights) > 0] > 0)


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["word2vec_c", "gensim", "fasttext"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_a_rule_for_the_gradient_does_not_change_the_loss(architecture, gradient):
    ids, found = text(3000), {}
    for rule in ("exact", gradient):
        made = config(architecture, "negative_sampling", gradient=rule)
        model, begun, constants = state(made)
        tables = jax.tree.map(lambda table: 3 * table, begun.tables)  # scores beyond 6
        sample = make_loss_sample(model, sampler(made, ids), constants)
        found[rule] = sample.mean(tables, constants)
    assert found[gradient] == pytest.approx(found["exact"], rel=MILLIONTH)
