"""Cells that train together are the runs alone: same samples, same vectors."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import MODELS, block, config, draw, state, vocabulary
from tests.together_cells import (
    IDS,
    alone,
    configs,
    go,
    group_of,
    of_cell,
    same_bits,
    trained,
)
from w2v_jax import together_training
from w2v_jax.chunk_loop import draw_round, lay
from w2v_jax.position import Position
from w2v_jax.rowwise import OPTIMIZERS
from w2v_jax.step import train_step
from w2v_jax.together_training import train
from w2v_jax.training import Trainer


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [
        model if n == 0 else pytest.param(*model, marks=pytest.mark.slow)
        for n, model in enumerate(MODELS)
    ],
)
def test_each_cell_ends_with_the_vectors_and_the_log_of_the_run_alone(
    architecture, objective
):
    cells = configs(architecture, objective)
    ended, settled = trained(cells)
    for number, cell in enumerate(cells):
        before, tables, metrics = alone(cell)
        assert metrics[-1].position.step >= 100
        ours = [k.metrics[number] for k in settled if number in k.metrics]
        assert [m.position for m in ours] == [m.position for m in metrics]
        assert [m.learning_rate for m in ours] == [m.learning_rate for m in metrics]
        assert all(m.finite for m in ours)
        for name, table in tables.items():
            assert np.abs(table - before[name]).max() > 0.01
            # The aim; what differs is the rounding of sums in another order.
            found = of_cell(ended, number).tables[name]
            np.testing.assert_allclose(found, table, rtol=0, atol=1e-5)
        for one, other in zip(ours, metrics, strict=True):
            # Means of hundreds of float32 losses of tables that differ by 1e-6.
            assert one.loss == pytest.approx(other.loss, abs=2e-6)
    assert len({m.position.step for m in settled[-1].metrics.values()}) == 1
    assert len({at.step for at in settled[-1].positions}) > 2  # some ended early


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adagrad", "adam"])
def test_other_optimizers_give_the_vectors_of_the_run_alone_too(optimizer):
    cells = configs("skipgram", "negative_sampling", optimizer=optimizer)
    ended, _ = trained(cells)
    for number, cell in enumerate(cells):
        for name, table in alone(cell)[1].items():
            found = of_cell(ended, number).tables[name]
            np.testing.assert_allclose(found, table, rtol=0, atol=1e-5)


@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_every_cell_gets_the_samples_and_the_schedule_of_the_run_alone(objective):
    cells = configs("skipgram", objective)
    made = group_of(cells)
    constants, axes = made.start()[1], made._axes
    feeds, expected = [], []
    for number, cell in enumerate(cells):
        built = Trainer(IDS, vocabulary(), cell)
        own = built.start()[1]
        at = Position(epoch=1, chunk=2, raw_words=500, kept_tokens=400, step=40)
        feed, after = built.upcoming(own, at)
        ours, ours_after = made.cells[number].upcoming(made._own[number], at)
        assert after == ours_after
        for one, other in zip(
            jax.tree.leaves(ours), jax.tree.leaves(feed), strict=True
        ):
            np.testing.assert_array_equal(
                *map(np.asarray, map(_plain, (one, other))), strict=True
            )
        laid = lay(built.model, built.capacity, feed, jnp.int32(0))
        drawn = draw_round(built.model, own, laid, jnp.int32(3), jnp.int32(0))
        feeds.append(laid)
        expected.append(drawn)
    keys = jnp.stack([jax.random.key_data(laid.key) for laid in feeds])

    def draws(constants, raw):
        laid = feeds[0].replace(key=jax.random.wrap_key_data(raw))
        model = made.cells[0].model
        return draw_round(model, constants, laid, jnp.int32(3), jnp.int32(0))

    found = jax.vmap(draws, (axes, 0))(constants, keys)
    for number, drawn in enumerate(expected):
        for one, other in zip(
            jax.tree.leaves(found), jax.tree.leaves(drawn), strict=True
        ):
            np.testing.assert_array_equal(one[number], other)
    reach = {np.asarray(laid.streams.reach).tobytes() for laid in feeds}
    assert len(reach) == len({np.asarray(k).tobytes() for k in keys}) == 3


def _plain(leaf):
    keys = jnp.issubdtype(getattr(leaf, "dtype", np.int32), jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if keys else leaf


@pytest.mark.parametrize(
    ("architecture", "objective", "optimizer"),
    [
        *((*MODELS[0], optimizer) for optimizer in OPTIMIZERS),
        *(
            pytest.param(*(*model, optimizer), marks=pytest.mark.slow)
            for model, optimizer in zip(MODELS[1:], 2 * list(OPTIMIZERS), strict=False)
        ),
    ],
)
def test_a_step_that_does_not_take_place_changes_no_bit(
    architecture, objective, optimizer
):
    made = config(architecture, objective, optimizer=optimizer)
    model, before, constants = state(made)
    # -0.0 + 0.0 is 0.0, and NaN of a rate of no steps must not spread either.
    tables = {name: t.at[:, 0].set(-0.0) for name, t in before.tables.items()}
    before = before.replace(tables=tables)
    cut, drawn = block(made), draw(model, constants)
    step = jax.jit(functools.partial(train_step, model))

    def after(live, rate):
        return step(
            before, cut, drawn, constants, jnp.float32(rate), live=jnp.asarray(live)
        )

    same_bits(after(False, np.nan), before)
    same_bits(after(True, 0.1), step(before, cut, drawn, constants, jnp.float32(0.1)))


@pytest.mark.parametrize(
    "optimizer", ["sgd", pytest.param("adam", marks=pytest.mark.slow)]
)
def test_a_cell_that_has_ended_keeps_its_bits_while_others_go_on(optimizer):
    same = {"optimizer": optimizer} if optimizer != "sgd" else {}
    made = group_of(configs("skipgram", "negative_sampling", **same))
    begun, constants = made.start()
    kept = None
    for now, known in train(made, begun, constants, [Position()] * 3):
        if known.positions[2].epoch == 2 and kept is None:
            kept = made.host_cell(now, 2)
            assert 2 in known.metrics
            assert {at.epoch for at in known.positions} == {2}
        elif kept is not None:
            assert 2 not in known.metrics
            same_bits(made.host_cell(now, 2), kept)
    assert known.positions[1].epoch == 5


def test_a_cell_that_diverges_stops_and_touches_no_other():
    sound = configs("skipgram", "negative_sampling")
    sick = tuple(
        c.replace(learning_rate=1e30) if n == 1 else c for n, c in enumerate(sound)
    )
    expected, usual = trained(sound)
    found, settled = trained(sick)
    said = [k.metrics[1] for k in settled if 1 in k.metrics]
    assert [m.finite for m in said] == [False]
    assert settled[-1].positions[1] == said[0].position  # no step after that
    assert said[0].position.epoch < 1
    for number in (0, 2):
        assert settled[-1].positions[number] == usual[-1].positions[number]
        same_bits(of_cell(found, number), of_cell(expected, number))


@pytest.mark.parametrize("failed", [(), (1,)])
def test_a_group_goes_on_from_a_settled_point_to_the_same_bits(failed):
    made = group_of(configs("skipgram", "negative_sampling"))
    expected, settled = go(made, failed)
    begun, constants = made.start()
    steps = train(made, begun, constants, [Position()] * 3, failed)
    now, known = [next(steps) for _ in range(3)][-1]
    found, rest = go(made, failed, known.positions, made.host(now))
    assert [k.positions for k in rest] == [k.positions for k in settled[3:]]
    assert (settled[-1].positions[1] == Position()) is bool(failed)
    same_bits(found, expected)


def test_the_seconds_of_cells_are_shares_that_add_up(monkeypatch):
    cells = configs("skipgram", "negative_sampling")
    trained(cells)  # all is compiled, so that the clock is read at the ends alone
    clock = types.SimpleNamespace(perf_counter=iter(range(10**6)).__next__)
    monkeypatch.setattr(together_training, "time", clock)
    _, settled = go(group_of(cells))
    last = {n: m.seconds for k in settled for n, m in k.metrics.items()}
    # Each stretch from one settled point to the next takes one second of this clock.
    assert sum(last.values()) == pytest.approx(len(settled))
    assert last[2] < last[0] < last[1]  # of two, three and five epochs
    alone_at_last = [k for k in settled if list(k.metrics) == [1]]
    seconds = [k.metrics[1].seconds for k in alone_at_last]
    np.testing.assert_allclose(np.diff(seconds), 1.0)
