"""Training with the native step: the same bits, in place, from any point on."""

import dataclasses
import re

import numpy as np
import pytest

from tests.models import config, text, vocabulary
from tests.native.needs import compiler
from w2v_jax.native.build import TARGETS
from w2v_jax.native.engine import Native
from w2v_jax.position import Position
from w2v_jax.training import Trainer, train

pytestmark = compiler
MODELS = [(a, o) for a in ("skipgram", "cbow") for o in TARGETS]


def trainer(architecture, objective, **changes):
    small = {"epochs": 2, "chunk": 128, "exchange_every": 2, "streams": 1}
    more = {"replicas": 2, "settle_every": 1, "kernel": "native"}
    made = config(architecture, objective, **small | more | changes)
    return Trainer(text(400), vocabulary(), made)


def tables(built, state):
    return {name: np.array(t) for name, t in built.host(state).tables.items()}


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_training_is_the_same_bits_and_goes_on_from_any_point(architecture, objective):
    built = trainer(architecture, objective)
    state, constants = built.start()
    found = [
        (metrics.position, tables(built, state))
        for state, metrics in train(built, state, constants, Position())
    ]
    assert len(found) > 4
    again = trainer(architecture, objective)
    middle, held = found[len(found) // 2]
    start, constants = again.start()
    begun = again.place(dataclasses.replace(again.host(start), tables=held))
    *_, (state, metrics) = train(again, begun, constants, middle)
    assert metrics.position == found[-1][0]
    for name, table in tables(again, state).items():
        np.testing.assert_array_equal(table, found[-1][1][name])


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_training_learns(architecture, objective):
    built = trainer(architecture, objective, epochs=12, learning_rate=0.1)
    state, constants = built.start()
    before, _ = built.measure(state, constants)
    losses = [m.loss for _, m in train(built, state, constants, Position())]
    assert losses[-1] < 0.95 * before


def test_the_tables_are_trained_in_place():
    built = trainer("skipgram", "negative_sampling")
    assert isinstance(built.engine, Native)
    state, constants = built.start()
    built.compile(state, constants)
    hlo = built.engine.compiled_text()
    words, dim = len(built.vocabulary), built.config.dim
    assert "w2v_jax_negative_sampling" in hlo
    assert "input_output_alias" in hlo
    copies = re.findall(rf"f32\[{words},{dim}\]\S* copy\(", hlo)
    assert not copies


def test_state_is_one_copy_whatever_the_replicas():
    built = trainer("cbow", "hierarchical_softmax", replicas=3)
    state, _ = built.start()
    assert len(built.engine.copies(state)) == 1


def test_other_seeds_and_replicas_give_other_vectors():
    def trained(**changes):
        built = trainer("skipgram", "negative_sampling", epochs=1, **changes)
        *_, (state, _) = train(built, *built.start(), Position())
        return built.host(state).tables["input"]

    first = trained()
    assert not np.array_equal(first, trained(seed=1))
    assert not np.array_equal(first, trained(replicas=1))
    np.testing.assert_array_equal(first, trained())
