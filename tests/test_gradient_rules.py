"""Training by another rule than the gradient: what the trained step does, and how far
it is from the exact one, while the loss that is reported stays the same."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import deviating_oracle as oracle
from tests.models import MODELS, WORDS, block, config, draw, state
from w2v_jax.architectures import CBOW_AVERAGE, CBOW_SUM, SKIPGRAM, get_architecture
from w2v_jax.blocks import Block
from w2v_jax.config import GRADIENTS
from w2v_jax.deviations import RULES
from w2v_jax.loss_sample import block_value
from w2v_jax.losses import softplus
from w2v_jax.step import block_gradients, train_step

VARIANTS = [
    *((a, o, "average") for a, o in MODELS),
    *(("cbow", o, "sum") for a, o in MODELS if a == "cbow"),
]
OTHERS = tuple(name for name in GRADIENTS if name != "exact")
FAST = ("cbow", "negative_sampling", "average")


def wide(cut):
    return cut.replace(window=cut.window.astype(jnp.float64))


def world(variant, gradient, cut=None, scale=3.0, **changes):
    """(model, tables, block, draw, constants) in float64; noise 0 is a frequent word.

    Scale 3 makes scores of some 8, so that every rule meets its limits.
    """
    architecture, objective, combine = variant
    made = config(
        architecture, objective, cbow_hidden=combine, gradient=gradient, **changes
    )
    model, begun, constants = state(made, dtype=jnp.float64)
    tables = {name: scale * table for name, table in begun.tables.items()}
    noise = draw(model, constants)
    noise = noise.at[:, :2].set(0) if objective == "negative_sampling" else noise
    return model, tables, wide(block(made) if cut is None else cut), noise, constants


def propagated(model, tables, cut, noise, constants):
    """The step's row gradients summed into whole tables, in NumPy."""
    found = jax.jit(functools.partial(block_gradients, model))(
        tables, cut, noise, constants
    )
    return {
        name: np.asarray(
            update.gradients
            if update.ids is None
            else jnp.zeros_like(tables[name]).at[update.ids].add(update.gradients)
        )
        for name, update in found.items()
    }


def examples(model, cut, noise, constants):
    """The block as the examples of the oracle, in the terms of the papers."""
    made, rule = model.config, oracle.RULES[model.config.gradient]
    window, tokens = np.asarray(cut.window) > 0, np.asarray(cut.tokens)

    def residuals(target, b):
        if made.objective == "softmax":
            return oracle.softmax(target)
        if made.objective == "negative_sampling":
            weight = made.negatives / made.shared_noise
            return oracle.sampled(rule, target, np.asarray(noise)[b].tolist(), weight)
        length = int(np.asarray(constants.mask)[target].sum())
        path = np.asarray(constants.paths)[target, :length]
        codes = np.asarray(constants.codes)[target, :length]
        return oracle.on_path(rule, path.tolist(), codes.tolist())

    if made.architecture == "cbow":
        for b, i in np.argwhere(window.any(-1)):
            centre = int(np.asarray(cut.centres)[b, i])
            yield tokens[b, window[b, i]].tolist(), residuals(centre, b)
        return
    pairs = np.asarray(model.architecture.pairs(cut).weights) > 0
    ones = np.asarray(model.architecture.input_ids(cut))
    others = np.asarray(model.architecture.target_ids(cut))
    for b, i, j in np.argwhere(pairs):
        yield [int(ones[b, i])], residuals(int(others[b, j]), b)


def gap(found, exact):
    """How far off, relative to the size of the exact gradient (Frobenius norms)."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize(
    "variant",
    [pytest.param(v, marks=() if v == FAST else pytest.mark.slow) for v in VARIANTS],
    ids="-".join,
)
def test_the_trained_step_propagates_what_the_implementation_does(
    variant, gradient, x64
):
    given = world(variant, gradient)
    model, tables, cut, noise, constants = given
    found = propagated(*given)
    expected = oracle.propagated(
        oracle.RULES[gradient],
        variant[2],
        {name: np.asarray(table) for name, table in tables.items()},
        examples(model, cut, noise, constants),
    )
    for name, table in expected.items():
        scale = np.abs(table).max()
        assert scale > 0
        # Sums of some hundred float64 terms in another order.
        np.testing.assert_allclose(found[name], table, atol=1e-12 * scale)


@pytest.mark.parametrize(
    "variant",
    [pytest.param(v, marks=() if v == FAST else pytest.mark.slow) for v in VARIANTS],
    ids="-".join,
)
def test_every_rule_reports_the_value_of_the_same_loss(variant, x64):
    values = {}
    for gradient in GRADIENTS:
        model, *rest = world(variant, gradient)
        values[gradient] = float(
            jax.jit(functools.partial(block_value, model))(*rest)[0]
        )
    # The same terms, which XLA may add in another order under another rule.
    assert values == pytest.approx(dict.fromkeys(values, values["exact"]), rel=1e-14)


def full_windows(words=16, m=3):
    """A block in which every centre has all of its 2m context words."""
    wide = words + 2 * m
    distance = np.abs(np.arange(wide)[None] - np.arange(words)[:, None] - m)
    tokens = np.random.default_rng(0).integers(0, WORDS, (1, wide)).astype(np.int32)
    window = ((distance > 0) & (distance <= m)).astype(np.float64)
    return Block(jnp.asarray(tokens), jnp.asarray(window[None]))


@pytest.mark.parametrize(
    ("gradient", "combine", "factor"),
    [
        ("undivided", "average", 2 * 3),
        ("undivided", "sum", 1),  # is undivided already
        ("word2vec_c", "average", 2 * 3),  # the undivided error
        ("gensim", "sum", 1 / (2 * 3)),  # divided where it should not be
        ("word2vec_c", "sum", 1),  # no such variant in word2vec.c: nothing to follow
    ],
)
@pytest.mark.parametrize("objective", ["softmax", "hierarchical_softmax"])
def test_at_full_windows_the_input_table_moves_2m_times_too_far_or_too_little(
    gradient, combine, factor, objective, x64
):
    variant, cut = ("cbow", objective, combine), full_windows()
    found, exact = (
        propagated(*world(variant, rule, cut, scale=0.1))
        for rule in (gradient, "exact")
    )
    for name, times in (("input", factor), ("output", 1)):
        # The largest coordinate of a sum of a hundred terms; one division differs.
        scale = np.abs(exact[name]).max()
        np.testing.assert_allclose(
            found[name], times * exact[name], atol=1e-13 * scale * max(times, 1)
        )
    assert gap(found["input"], exact["input"]) == pytest.approx(
        abs(factor - 1), abs=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("gradient", OTHERS)
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_far_beyond_the_limit_a_rule_skips_everything_or_almost_nothing(
    gradient, objective, x64
):
    variant = ("skipgram", objective, "average")
    # Scores of some 10^5: all but a few are beyond 8, and s(-|z|) is 0 there.
    found, exact = (
        propagated(*world(variant, rule, scale=300.0)) for rule in (gradient, "exact")
    )
    rule = oracle.RULES[gradient]
    kind, _ = rule.sampled if objective == "negative_sampling" else rule.path
    for name in exact:
        far = gap(found[name], exact[name])
        if rule.sampled == oracle.EXACT:
            assert far == 0
        elif kind == "skip":
            assert far == pytest.approx(1, abs=1e-6)
        elif not rule.drops:
            assert far < 1e-6
        else:  # only noise equal to the target is missing
            assert 0 < far < 0.5


def test_small_scores_without_collisions_give_skipgram_the_exact_step(x64):
    variant = ("skipgram", "negative_sampling", "average")
    steps = {}
    for gradient in GRADIENTS:
        model, tables, cut, noise, constants = world(variant, gradient, scale=0.1)
        absent = min(set(range(WORDS)) - set(np.asarray(cut.tokens).ravel().tolist()))
        alone = jnp.full_like(noise, absent)
        steps[gradient] = propagated(model, tables, cut, alone, constants)
    for gradient in OTHERS:
        for name, exact in steps["exact"].items():
            assert gap(steps[gradient][name], exact) < 1e-14  # order of additions


@pytest.mark.slow
def test_under_the_full_softmax_only_cbow_deviates(x64):
    variant = ("skipgram", "softmax", "average")
    steps = [propagated(*world(variant, gradient)) for gradient in GRADIENTS]
    for other in steps[1:]:
        for name, exact in steps[0].items():
            np.testing.assert_array_equal(other[name], exact)


def test_the_exact_gradient_is_made_of_the_functions_that_it_always_was():
    # So the compiled step is the one without any rule.
    assert RULES["exact"].sampled is RULES["exact"].path is softplus
    assert not RULES["exact"].drops_targets
    for combine, expected in (("average", CBOW_AVERAGE), ("sum", CBOW_SUM)):
        made = config("cbow", "softmax", cbow_hidden=combine)
        assert get_architecture(made) is expected
    for gradient in GRADIENTS:
        made = config("skipgram", "negative_sampling", gradient=gradient)
        assert get_architecture(made) is SKIPGRAM


@pytest.mark.slow
def test_the_loss_is_dead_code_in_the_step_of_every_rule():
    for gradient in GRADIENTS:
        made = config("cbow", "negative_sampling", gradient=gradient)
        model, begun, constants = state(made)
        step = jax.jit(functools.partial(train_step, model))
        text = step.lower(
            begun, block(made), draw(model, constants), constants, jnp.float32(0.1)
        )
        compiled = text.compile().as_text()
        assert " log-plus-one(" not in compiled
        assert " log(" not in compiled
