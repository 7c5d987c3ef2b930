"""Damping: its bound against the whole Hessian, its step against the plain one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import SAMPLED, WORDS, block, config, draw, state
from w2v_jax import rowwise
from w2v_jax.config import Config, resolve
from w2v_jax.loss_sample import block_value
from w2v_jax.step import block_gradients, train_step

VARIANTS = [
    *((*model, "average") for model in SAMPLED),
    *((*model, "sum") for model in SAMPLED if model[0] == "cbow"),
]


def world(architecture, objective, combine="average", scale=1.0, **changes):
    """(model, state, constants, block, draw), in float64 under `x64`."""
    made = config(
        architecture, objective, cbow_hidden=combine, **{"damping": 1.0} | changes
    )
    model, made_state, constants = state(made, dtype=jnp.float64)
    tables = {name: scale * table for name, table in made_state.tables.items()}
    cut, drawn = block(made), draw(model, constants)
    cut = cut.replace(window=cut.window.astype(jnp.float64))
    return model, made_state.replace(tables=tables), constants, cut, drawn


def loss_of(model, tables, constants, cut, drawn):
    return block_value(model, tables, cut, drawn, constants)[0]


def curvatures(model, tables, constants, cut, drawn):
    """c of every row by table: that of the step, laid out; 0 for untouched rows."""
    updates = jax.jit(functools.partial(block_gradients, model))(
        tables, cut, drawn, constants
    )
    return {
        name: jnp.zeros(len(tables[name])).at[update.ids].set(update.curvatures)
        for name, update in updates.items()
    }


@pytest.mark.parametrize(("architecture", "objective", "combine"), VARIANTS)
def test_the_bound_is_above_the_hessian(architecture, objective, combine, x64):
    model, at, *rest = world(architecture, objective, combine, dim=3)
    flat, unravel = jax.flatten_util.ravel_pytree(at.tables)
    hessian_at = jax.jit(jax.hessian(lambda x: loss_of(model, unravel(x), *rest)))
    bound_at = jax.jit(lambda x: curvatures(model, unravel(x), *rest))
    for scale in (0.0, 0.1, 1.0, 3.0):
        hessian, bound = hessian_at(scale * flat), bound_at(scale * flat)
        each = {n: jnp.repeat(bound[n][:, None], 3, 1) for n in at.tables}
        bound, _ = jax.flatten_util.ravel_pytree(each)
        left = np.linalg.eigvalsh(np.diag(bound) - np.asarray(hessian))
        assert np.abs(hessian).max() > 0
        # Eigenvalues are exact to a few roundings of the largest of them.
        assert left.min() >= -1e-12 * np.abs(left).max(), scale


def by_pairs(model, tables, cut, drawn):
    """c by its formula, pair by pair, under negative sampling."""
    made = model.config
    vectors = {name: np.asarray(table) for name, table in tables.items()}
    found = {name: np.zeros(WORDS) for name in tables}
    tokens, window = np.asarray(cut.tokens), np.asarray(cut.window)
    for (b, i), centre in np.ndenumerate(cut.centres):
        near = [int(word) for word in tokens[b][window[b, i] > 0]]
        if not near:
            continue
        targets, inputs, share = near, [int(centre)], 1.0
        if made.architecture == "cbow":
            targets, inputs = [int(centre)], near
            share = 1.0 / len(near) if made.cbow_hidden == "average" else 1.0
        hidden = share * vectors["input"][inputs].sum(0)
        h, a = np.linalg.norm(hidden), share * len(inputs)
        each = len(targets) * made.negatives / made.shared_noise
        terms = [(word, 1.0) for word in targets]
        for word, weight in terms + [(int(word), each) for word in drawn[b]]:
            u = np.linalg.norm(vectors["output"][word])
            found["output"][word] += weight * (h * (h + a * u) / 4 + a)
            for v in inputs:
                found["input"][v] += share * weight * (u * (a * u + h) / 4 + 1)
    return found


@pytest.mark.parametrize(
    ("architecture", "combine"),
    [("skipgram", "average"), ("cbow", "average"), ("cbow", "sum")],
)
def test_the_bound_is_its_formula_pair_by_pair(architecture, combine, x64):
    model, at, constants, *rest = world(architecture, "negative_sampling", combine)
    found = curvatures(model, at.tables, constants, *rest)
    expected = by_pairs(model, at.tables, *rest)
    for name in expected:  # float64 sums in two orders
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
        assert expected[name].max() > 2 * np.median(expected[name])  # hot and cold


@pytest.mark.parametrize("part", [0.3, 1.0])
@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
def test_a_damped_step_is_the_plain_one_divided_row_by_row(
    architecture, objective, part, x64
):
    model, at, *rest = world(
        architecture, objective, damping=part, input_rate_scale=3.0
    )
    constants, cut, drawn = rest
    rate = jnp.asarray(0.05)
    plain = model._replace(config=model.config.replace(damping=0.0))
    args = (at, cut, drawn, constants, rate)
    damped, free = (
        jax.jit(functools.partial(train_step, one))(*args).tables
        for one in (model, plain)
    )
    found = curvatures(model, at.tables, *rest)
    for name, before in at.tables.items():
        scale = 3.0 if name == "input" else 1.0
        slower = 1 + part * scale * 0.05 * np.asarray(found[name])[:, None]
        # Moves are differences of numbers near 1: some roundings of 2^-53.
        np.testing.assert_allclose(
            damped[name] - before, (free[name] - before) / slower, atol=1e-13
        )


@pytest.mark.parametrize(("architecture", "objective", "combine"), VARIANTS)
def test_under_full_damping_no_rate_is_too_large(architecture, objective, combine, x64):
    model, begin, *rest = world(architecture, objective, combine)
    constants, cut, drawn = rest
    free = model._replace(config=model.config.replace(damping=0.0))
    damped, plain = (
        jax.jit(functools.partial(train_step, one)) for one in (model, free)
    )
    loss = jax.jit(functools.partial(loss_of, model))
    first = loss(begin.tables, *rest)
    for rate in (1e-3, 1.0, 1e6):
        at, losses = begin, [first]
        for _ in range(5):
            at = damped(at, cut, drawn, constants, jnp.asarray(rate))
            losses.append(loss(at.tables, *rest))
        assert (np.diff(losses) < 0).all(), rate
        one = plain(begin, cut, drawn, constants, jnp.asarray(rate))
        undamped = loss(one.tables, *rest)
        assert (undamped > first) == (rate >= 1.0)


def test_equal_rows_are_summed_for_each_of_them():
    ids = jnp.asarray([4, 1, 4, 0], jnp.int32)
    values = jnp.asarray([1.0, 2.0, 3.0, 5.0])
    found = rowwise.sum_over_equal_rows(ids, values, 6)
    np.testing.assert_array_equal(found, [4.0, 2.0, 4.0, 5.0])


@pytest.mark.parametrize(
    "asked", [{"objective": "softmax"}, {"optimizer": "adagrad"}, {"optimizer": "adam"}]
)
def test_where_there_is_no_damping_it_is_refused(asked):
    said = "^damping: for --optimizer=sgd, and not for full softmax.$"
    with pytest.raises(ValueError, match=said):
        resolve(Config(damping=0.1, **asked), 1)
    assert resolve(Config(**asked), 1).damping == 0.0
    large = Config(kernel="xla_large", **asked)
    assert resolve(large, 1).damping == 0.0


def test_the_native_kernel_leaves_damped_models_to_xla():
    assert resolve(Config(kernel="native", damping=0.1), 1).kernel == "xla"
    assert resolve(Config(kernel="native", damping=0.0), 1).kernel == "native"
