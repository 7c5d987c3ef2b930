"""The block form is the weighted sum of the one-example form, in value and gradient."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import MODELS, WORDS, block, config, draw, state, text
from w2v_jax import blocks, losses
from w2v_jax.loss_sample import block_value, make_loss_sample
from w2v_jax.step import block_gradients

VARIANTS = [
    *((a, o, "average") for a, o in MODELS),
    *(("cbow", o, "sum") for a, o in MODELS if a == "cbow"),
]


def summed_over_examples(model, tables, cut, drawn, constants):
    """The same loss, example by example, from `losses` through `pair_loss`."""
    made, objective = model.config, model.objective
    combine = (
        losses.cbow_hidden if made.cbow_hidden == "average" else losses.cbow_hidden_sum
    )

    def pair(hidden, target, b):
        own = jax.tree.map(lambda leaf: leaf[b], drawn)
        return objective.pair_loss(hidden, tables, target, own, constants, made)

    window = np.asarray(cut.window)
    if made.architecture == "skipgram":
        b, i, slot = np.nonzero(window)
        one, other = cut.centres[b, i], cut.tokens[b, slot]
        if made.objective == "hierarchical_softmax":  # the window is the target's
            one, other = other, one
        return jax.vmap(pair)(tables["input"][one], other, b).sum()
    b, i = np.nonzero(window.any(-1))
    context = tables["input"][cut.tokens[b]]
    hidden = jax.vmap(combine)(context, jnp.asarray(window[b, i] > 0))
    return jax.vmap(pair)(hidden, cut.centres[b, i], b).sum()


@pytest.mark.parametrize(("architecture", "objective", "combine"), VARIANTS)
@pytest.mark.parametrize("start", [0, pytest.param(16, marks=pytest.mark.slow)])
def test_block_form_equals_the_sum_of_examples(
    architecture, objective, combine, start, x64
):
    made = config(architecture, objective, cbow_hidden=combine)
    model, made_state, constants = state(made, dtype=jnp.float64)
    constants = jax.tree.map(jnp.asarray, constants)
    cut, drawn = block(made, start), draw(model, constants)
    cut = cut.replace(window=cut.window.astype(jnp.float64))
    tables = made_state.tables

    expected, slopes = jax.jit(
        jax.value_and_grad(
            lambda tables: summed_over_examples(model, tables, cut, drawn, constants)
        )
    )(tables)
    found, pairs = jax.jit(functools.partial(block_value, model))(
        tables, cut, drawn, constants
    )
    # float64 sums of some hundred terms in two orders: 1e-12 leaves a wide margin.
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert pairs > 0

    updates = jax.jit(functools.partial(block_gradients, model))(
        tables, cut, drawn, constants
    )
    for name, update in updates.items():
        dense = update.gradients
        if update.ids is not None:
            dense = jnp.zeros_like(tables[name]).at[update.ids].add(dense)
        scale = np.abs(slopes[name]).max()
        assert scale > 0
        np.testing.assert_allclose(dense, slopes[name], atol=1e-12 * scale)


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_row_terms_count_the_pairs_behind_each_row(architecture, objective):
    made = config(architecture, objective)
    model, _, constants = state(made)
    cut, drawn = block(made), draw(model, constants)
    pairs = model.architecture.pairs(cut)
    targets = model.architecture.target_ids(cut)
    terms = model.objective.row_terms(1.0, pairs, targets, drawn, constants, made)
    total = float(pairs.weights.sum())
    if objective == "softmax":  # by target; centres are rows of the input table too
        ids = {"output": targets, "input": model.architecture.input_ids(cut)}
        for name, behind in terms.items():
            assert behind.shape == (ids[name].size,)
            assert float(behind.sum()) == pytest.approx(total, rel=1e-6), name
        capped = {"output", "input"} if architecture == "skipgram" else {"output"}
        assert set(terms) == capped
        return
    if objective == "negative_sampling":
        # one positive and K noise terms per pair
        expected = total * (1 + made.negatives)
    else:
        lengths = np.asarray(constants.mask).sum(1)
        per_target = np.asarray(pairs.per_target())
        expected = (per_target * lengths[np.asarray(targets)]).sum()
    # float32 sums of small whole numbers and of K/S
    assert float(terms["output"].sum()) == pytest.approx(expected, rel=1e-5)


def test_blocks_with_room_for_the_average_path_lose_no_node():
    # The sample of the logged loss is cut under the budget: the mean must not change.
    found = []
    for path_room in (0.0, 1.0):
        made = config("skipgram", "hierarchical_softmax", path_room=path_room)
        model, begun, constants = state(made)
        keep = blocks.keep_thresholds(np.ones(WORDS))
        sampler = blocks.Sampler(text(400), keep, 0, made.window, True)
        sample = make_loss_sample(model, sampler, constants)
        sums, weights = sample.measure(begun.tables, constants, sample.blocks)
        found.append((sample.mean(begun.tables, constants), weights.sum(), len(sums)))
    (whole, pairs, steps), (early, again, more) = found
    assert again == pairs
    assert more > steps  # some blocks did end early
    # float32 sums within a block, float64 between them
    assert early == pytest.approx(whole, rel=1e-6)
