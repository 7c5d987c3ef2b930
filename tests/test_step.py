"""The training step: equal to dense training, in place, compiled once, portable."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from tests.models import (
    MODELS,
    SAMPLED,
    WORDS,
    block,
    config,
    draw,
    state,
    text,
    vocabulary,
)
from w2v_jax.loss_sample import block_value
from w2v_jax.position import Position
from w2v_jax.rowwise import OPTIMIZERS
from w2v_jax.step import train_step
from w2v_jax.training import Trainer


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
@pytest.mark.parametrize(
    "optimizer", ["sgd", pytest.param("adagrad", marks=pytest.mark.slow)]
)
def test_a_step_on_touched_rows_is_the_step_on_whole_tables(
    architecture, objective, optimizer, x64
):
    made = config(architecture, objective, optimizer=optimizer, input_rate_scale=3.0)
    model, begun, constants = state(made, dtype=jnp.float64)
    cut, drawn = block(made), draw(model, constants)
    cut = cut.replace(window=cut.window.astype(jnp.float64))
    rate = jnp.asarray(0.05)

    def dense(begun):
        slopes = jax.grad(
            lambda tables: block_value(model, tables, cut, drawn, constants)[0]
        )(begun.tables)
        made_tables = {}
        for name, table in begun.tables.items():
            transform = model.optimizer.transformation
            direction, _ = transform.update(slopes[name], begun.optimizer[name])
            scale = made.input_rate_scale if name == "input" else 1.0
            made_tables[name] = table - scale * rate * direction
        return made_tables

    found = jax.jit(functools.partial(train_step, model))(
        begun, cut, drawn, constants, rate
    ).tables
    expected = jax.jit(dense)(begun)
    for name in expected:
        moved = np.abs(expected[name] - begun.tables[name]).max()
        assert moved > 1e-3
        # float64: equal rows are summed in two orders
        np.testing.assert_allclose(found[name], expected[name], atol=1e-12 * moved)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_replicas_cap_the_rows_of_full_softmax_by_the_pairs_of_all(architecture, x64):
    cap, rate = 1.5, 0.05
    made = config(architecture, "softmax", row_cap=cap)
    model, begun, _ = state(made, dtype=jnp.float64)
    cuts = [block(made, sampling_seed=seed) for seed in (0, 1)]
    cuts = [cut.replace(window=cut.window.astype(jnp.float64)) for cut in cuts]
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *cuts)
    step = functools.partial(train_step, model, axis="replicas")
    found = jax.vmap(
        lambda cut: step(begun, cut, (), (), jnp.asarray(rate)).tables["output"],
        axis_name="replicas",
    )(both)
    before, slope, pairs = begun.tables["output"], 0.0, np.zeros(WORDS)
    for cut in cuts:
        slope += jax.grad(
            lambda table, cut=cut: block_value(
                model, begun.tables | {"output": table}, cut, (), ()
            )[0]
        )(before)
        targets = np.asarray(model.architecture.target_ids(cut)).ravel()
        weights = model.architecture.pairs(cut).per_target()
        np.add.at(pairs, targets, np.asarray(weights).ravel())
    assert pairs.max() > 2 * cap > pairs.min()  # rows of both kinds
    share = np.minimum(1.0, cap / np.maximum(pairs, 1.0))
    expected = before - rate * share[:, None] * slope
    for table in found:
        # float64: sums of some hundred terms in two orders
        np.testing.assert_allclose(table, expected, atol=1e-14)


def trainer(architecture, objective, **changes):
    small = {"epochs": 1, "chunk": 128, "settle_every": 2}
    made = config(architecture, objective, **small | changes)
    return Trainer(text(400), vocabulary(), made)


def compiled_text(architecture, objective, size, **changes):
    made = config(architecture, objective, chunk=128, **changes)
    built = Trainer(text(400), vocabulary(size), made)
    begun, constants = built.start()
    built.compile(begun, constants)
    return built.engine.compiled_text()


@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"replicas": 1}, marks=pytest.mark.slow),
        {"replicas": 2},
        pytest.param({"damping": 0.1}, marks=pytest.mark.slow),
    ],
    ids=["one", "two", "damped"],
)
def test_no_table_is_copied_and_no_dense_gradient_made(
    architecture, objective, changes
):
    size = 997  # no other array of the program has this many rows
    rows = size if objective == "negative_sampling" else size - 1
    hlo = compiled_text(architecture, objective, size, **changes)
    made = [
        line.strip()
        for line in hlo.splitlines()
        if re.search(rf"= f32\[(1,)?({size}|{rows}),7\]", line)
    ]
    assert made
    allowed = r"(parameter|get-tuple-element|bitcast|scatter|wrapped_scatter)"
    # What else yields an array of a table's shape copies a table or fills one.
    odd = [line for line in made if not re.search(allowed, line.split("metadata")[0])]
    assert not odd, odd[:3]


def test_the_search_for_copies_sees_one():
    size = 997
    table, ids = jnp.zeros((size, 7)), jnp.asarray([1, 2], jnp.int32)

    @jax.jit
    def dense(table):
        return table - 0.1 * jax.grad(lambda t: (t[ids] ** 2).sum())(table)

    hlo = dense.lower(table).compile().as_text()
    lines = [line for line in hlo.splitlines() if f"= f32[{size},7]" in line]
    allowed = r"(parameter|get-tuple-element|bitcast|scatter|wrapped_scatter)"
    assert any(not re.search(allowed, line.split("metadata")[0]) for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_a_run_is_traced_once(architecture, objective, monkeypatch):
    traces = []
    real = train_step

    def counted(*arguments):
        traces.append(1)
        return real(*arguments)

    monkeypatch.setattr("w2v_jax.chunk_loop.train_step", counted)
    built = trainer(architecture, objective)
    begun, constants = built.start()
    position = Position()
    while position.epoch < 1:
        begun, position, _ = built.dispatch(begun, constants, position)
    assert built.chunks > 2
    assert len(traces) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
def test_damping_gathers_no_vector_again(architecture, objective):
    def gathers(damping):
        hlo = compiled_text(architecture, objective, 997, damping=damping)
        return len(re.findall(r"= f32\[[\d,]*,7\]\S* gather\(", hlo))

    assert gathers(0.1) == gathers(0.0) > 0


@pytest.mark.parametrize(
    ("architecture", "objective", "damping"),
    [*((*model, 0.0) for model in MODELS), *((*model, 0.1) for model in SAMPLED)],
)
@pytest.mark.parametrize(
    "platform",
    ["cuda", *(pytest.param(p, marks=pytest.mark.slow) for p in ("cpu", "tpu"))],
)
def test_each_step_lowers_for_every_platform(
    architecture, objective, damping, platform
):
    made = config(architecture, objective, damping=damping)
    model, begun, constants = state(made)
    cut, drawn = block(made), draw(model, constants)

    def step(tables, inner, tokens, window, rate):
        begun_again = begun.replace(tables=tables, optimizer=inner)
        again = cut.replace(tokens=tokens, window=window)
        return train_step(model, begun_again, again, drawn, constants, rate).tables

    exported = export.export(jax.jit(step), platforms=[platform])(
        begun.tables, begun.optimizer, cut.tokens, cut.window, jnp.float32(0.1)
    )
    assert exported.platforms == (platform,)
    assert exported.out_avals[0].shape == (WORDS, made.dim)


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), MODELS)
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_replicas_end_every_chunk_with_the_same_bits(
    architecture, objective, optimizer
):
    built = trainer(architecture, objective, replicas=2, optimizer=optimizer)
    begun, constants = built.start()
    before = built.host(begun).tables
    position = Position()
    while position.epoch < 1:
        begun, position, _ = built.dispatch(begun, constants, position)
        copies = built.engine.copies(begun)
        for name in before:
            one, other = (copy.tables[name] for copy in copies)
            assert np.any(one != before[name])
            np.testing.assert_array_equal(one, other)
