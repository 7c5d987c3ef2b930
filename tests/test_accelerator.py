"""What the default devices train is what a CPU trains.

On a machine without an accelerator both are the CPU, and what is compared is chunks
sampled on the device with chunks sampled by the host; `make accelerator` runs this
where there is one.
"""

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from tests.models import text, vocabulary
from w2v_jax import cores, parallel
from w2v_jax.config import Config, resolve
from w2v_jax.position import Position
from w2v_jax.training import Trainer

SMALL = {"dim": 20, "min_count": 1, "subsample": 0.05, "epochs": 2, "chunk": 101}
MODELS = [
    ("skipgram", "negative_sampling", "xla_large"),
    ("cbow", "negative_sampling", "xla_large"),
    ("skipgram", "hierarchical_softmax", "xla_large"),
    ("cbow", "hierarchical_softmax", "xla_large"),
    ("skipgram", "negative_sampling", "xla"),
    ("cbow", "hierarchical_softmax", "xla"),
    ("skipgram", "softmax", "xla"),
]


def trained(made, devices, samples, monkeypatch):
    """The tables after a run on one device."""
    mesh = Mesh(np.array(devices[:1]), (parallel.AXIS,))
    monkeypatch.setattr(cores, "usable", lambda model: False)
    monkeypatch.setattr(parallel, "make_mesh", lambda replicas: mesh)
    built = Trainer(text(400), vocabulary(), made)
    built.engine.samples = samples
    state, constants = built.start()
    built.compile(state, constants)
    position, done = Position(), []
    while position.epoch < made.epochs:
        state, position, kept = built.dispatch(state, constants, position)
        done.append(kept)
    return built.host(state).tables, built.counted(constants, position, done)


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective", "kernel"), MODELS)
def test_the_default_devices_train_as_a_cpu_does(
    architecture, objective, kernel, monkeypatch
):
    asked = Config(architecture=architecture, objective=objective, kernel=kernel)
    made = resolve(asked.replace(**SMALL), 1)
    assert made.kernel == kernel
    with jax.default_matmul_precision("highest"):  # else an accelerator rounds inputs
        found, at = trained(made, jax.devices(), True, monkeypatch)
        wanted, there = trained(made, jax.devices("cpu"), False, monkeypatch)
    assert at == there
    for name, table in wanted.items():
        assert np.abs(table).max() > 0.0
        # Sums of some hundred terms in another order: 100 roundings of 6e-8.
        np.testing.assert_allclose(found[name], table, rtol=0, atol=6e-6)
