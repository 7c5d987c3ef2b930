"""Cells to train together, small, and the runs alone beside them."""

import functools

import jax
import numpy as np
import pytest

from tests.models import config, text, vocabulary
from w2v_jax import cores
from w2v_jax.position import Position
from w2v_jax.together_training import Together, train
from w2v_jax.training import Trainer
from w2v_jax.training import train as train_alone

SMALL = {"chunk": 256, "settle_every": 2, "epochs": 3, "learning_rate": 0.05}
SWEPT = (
    {"seed": 1, "input_rate_scale": 2.0},
    {"seed": 2, "subsample": 0.01, "dynamic_window": False, "epochs": 5},
    {
        "learning_rate": 0.02,
        "negatives": 3,
        "noise_exponent": 0.5,
        "final_rate_fraction": 0.5,
        "epochs": 2,
    },
)
TREE = {"path_room": 1.125, "row_cap": 64.0}  # as the defaults have them


def configs(architecture, objective, swept=SWEPT, **changes):
    tree = TREE if objective == "hierarchical_softmax" else {}
    same = SMALL | tree | changes
    return tuple(config(architecture, objective, **same | one) for one in swept)


IDS = text(1000)


@functools.cache
def group_of(cells, size=23):
    """The compiled cells; tests of the same ones share them."""
    made = Together(IDS, vocabulary(size), cells)
    made.compile(*made.start())
    return made


def go(made, failed=(), places=None, start=None):
    """(the last state, what was known at each settled point)."""
    begun, constants = made.start()
    last = begun if start is None else made.place(start)
    settled = []
    places = places or [Position()] * len(made.cells)
    for now, known in train(made, last, constants, places, failed):
        last = now
        settled.append(known)
    return made.host(last), settled


@functools.cache
def trained(cells):
    return go(group_of(cells))


def of_cell(whole, number):
    return jax.tree.map(lambda leaf: leaf[number], whole)


@functools.cache
def alone(cell):
    """(tables before, tables after, metrics) of the same run by itself.

    On the mesh, which has one program to compile and gives the bits of cores.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cores, "usable", lambda model: False)
        built = Trainer(IDS, vocabulary(), cell)
    begun, constants = built.start()
    before, metrics = built.host(begun).tables, []
    for now, known in train_alone(built, begun, constants, Position()):
        metrics.append(known)
        after = built.host(now).tables
    return before, after, metrics


def same_bits(found, expected):
    for one, other in zip(
        jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
    ):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
