"""Replicas on cores train as replicas on a mesh do, bit for bit."""

import os

import jax
import numpy as np
import pytest

from tests.models import SAMPLED, config, text, vocabulary
from w2v_jax import core_workers, cores, parallel
from w2v_jax.mesh import Mesh
from w2v_jax.position import Position
from w2v_jax.step import get_model
from w2v_jax.training import Trainer


@pytest.fixture
def few_rows(monkeypatch):
    """Three rows are hot, six warm, the rest cold, and groups are of two rounds."""
    monkeypatch.setattr(parallel, "HOT", 3)
    monkeypatch.setattr(parallel, "WARM", 6)
    monkeypatch.setattr(parallel, "GROUP", 2)


def trainer(architecture="skipgram", objective="negative_sampling", **changes):
    small = {"epochs": 1, "chunk": 128, "exchange_every": 2, "replicas": 2}
    made = config(architecture, objective, **small | changes)
    return Trainer(text(400), vocabulary(), made)


def trained(built):
    """Every replica's tables at the end of each chunk."""
    state, constants = built.start()
    built.compile(state, constants)
    position, found = Position(), []
    while position.epoch < built.config.epochs:
        state, position, _ = built.dispatch(state, constants, position)
        found.append([copy.tables for copy in built.engine.copies(state)])
    return found


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [
        model if n == 0 else pytest.param(*model, marks=pytest.mark.slow)
        for n, model in enumerate(SAMPLED)
    ],
)
@pytest.mark.parametrize("replicas", [1, 2])
def test_cores_and_mesh_give_the_same_bits(
    architecture, objective, replicas, few_rows, monkeypatch
):
    built = trainer(architecture, objective, replicas=replicas)
    assert isinstance(built.engine, cores.Cores)
    found = trained(built)
    monkeypatch.setattr(cores, "usable", lambda model: False)
    built = trainer(architecture, objective, replicas=replicas)
    assert isinstance(built.engine, Mesh)
    expected = trained(built)
    assert len(found) == len(expected) > 1
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs) == replicas
        for one, other in zip(ours, theirs, strict=True):
            for name, table in other.items():
                np.testing.assert_array_equal(one[name], table)


@pytest.mark.slow
def test_three_replicas_on_two_cores_hold_the_same_bits(few_rows):
    begun = trainer(replicas=3)
    before = begun.host(begun.start()[0]).tables
    for one, two, three in trained(begun):
        for name, table in one.items():
            assert np.any(table != before[name])
            np.testing.assert_array_equal(table, two[name])
            np.testing.assert_array_equal(table, three[name])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"objective": "hierarchical_softmax"}, True),
        ({"objective": "softmax"}, False),  # the whole output table meets every step
        ({"optimizer": "adam"}, False),  # so do gradients that do not add up
        ({"optimizer": "adam", "replicas": 1}, True),
    ],
)
def test_cores_serve_where_changes_add_up(changes, expected):
    made = {"architecture": "skipgram", "objective": "negative_sampling"} | changes
    made = config(**{"replicas": 2} | made)
    assert cores.usable(get_model(made)) is expected


def test_without_jaxlibs_maker_of_clients_the_mesh_serves(monkeypatch):
    monkeypatch.setattr(core_workers, "client_maker", lambda: None)
    assert isinstance(trainer().engine, Mesh)


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_every_replica_has_a_client_and_where_all_cores_are_used_a_core(replicas):
    engine = trainer(replicas=replicas).engine
    devices = [worker.device for worker in engine._workers]
    assert len({id(device.client) for device in devices}) == replicas
    assert jax.devices()[0].client not in [device.client for device in devices]
    there = sorted(os.sched_getaffinity(0))
    every = replicas >= len(there)
    used = [
        future.result() for future in engine._each(lambda k: os.sched_getaffinity(0))
    ]
    for k, cores_of_one in enumerate(used):
        assert cores_of_one == ({there[k % len(there)]} if every else set(there))
    assert os.sched_getaffinity(0) == set(there), "this thread stays free"


def test_a_thread_sees_one_core_only_while_it_compiles():
    there = os.sched_getaffinity(0)
    with core_workers.seeing_one_core():
        assert os.sched_getaffinity(0) == {min(there)}
    assert os.sched_getaffinity(0) == there


def test_what_fails_in_one_replica_is_raised_and_none_waits_for_ever(monkeypatch):
    built = trainer()
    state, constants = built.start()
    built.compile(state, constants)
    programs = built.engine._programs

    def broken(*arguments):
        raise RuntimeError("out of luck")

    programs[1] = programs[1]._replace(round=broken)
    state, _, done = built.dispatch(state, constants, Position())
    for future in state.each:
        assert future.exception(timeout=300)  # or TimeoutError where one waits on
    with pytest.raises(RuntimeError, match="out of luck"):
        done.block_until_ready()
    with pytest.raises(cores.MeetingBrokenError):
        state.each[0].result()


def test_a_host_copy_outlives_the_next_chunk():
    built = trainer()
    state, constants = built.start()
    built.compile(state, constants)
    before = built.host(state).tables
    kept = {name: table.copy() for name, table in before.items()}
    state, _, done = built.dispatch(state, constants, Position())
    done.block_until_ready()
    for name, table in kept.items():
        np.testing.assert_array_equal(before[name], table)
        assert np.any(built.host(state).tables[name] != table)


def test_rows_meet_as_a_sum_less_what_was_counted_twice():
    before = np.array([1.0, 2.0], np.float32)
    changes = [np.float32(1), np.float32(20), np.float32(300)]
    for replicas in (2, 3):
        rows = [before + change for change in changes[:replicas]]
        found = cores._added_up(rows, before)
        np.testing.assert_array_equal(found, before + sum(changes[:replicas]))


def test_the_rest_is_shared_out_without_gap_or_overlap(few_rows):
    from w2v_jax.replica_programs import share_bounds

    for rows in (1, 5, 6, 7, 9, 20):
        for replicas in (1, 2, 3):
            bounds = [share_bounds(rows, k, replicas) for k in range(replicas)]
            covered = [row for start, stop in bounds for row in range(start, stop)]
            assert covered == list(range(min(parallel.WARM, rows), rows))
