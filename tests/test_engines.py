"""Which engine a config gets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models import SAMPLED, config, vocabulary
from tests.native.needs import compiler
from w2v_jax import cores
from w2v_jax.blocks import Sampler
from w2v_jax.cores import Cores
from w2v_jax.engines import chunk_sampler, make_engine
from w2v_jax.mesh import Mesh
from w2v_jax.native import sampling
from w2v_jax.native.engine import Native
from w2v_jax.step import get_model


def engine(architecture="skipgram", objective="negative_sampling", **changes):
    made = config(architecture, objective, **changes)
    return make_engine(get_model(made), len(vocabulary()))


@compiler
@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
def test_the_native_kernel_gets_the_native_engine(architecture, objective):
    flags = {"kernel": "native", "streams": 1}
    assert type(engine(architecture, objective, **flags)) is Native


@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
@pytest.mark.parametrize("replicas", [1, 2])
def test_on_cpu_replicas_that_train_apart_get_a_core_each(
    architecture, objective, replicas
):
    assert type(engine(architecture, objective, replicas=replicas)) is Cores


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize(
    "changes", [{"objective": "softmax"}, {"optimizer": "adam", "replicas": 2}]
)
def test_what_meets_in_every_step_gets_a_mesh(architecture, changes):
    assert type(engine(architecture, **changes)) is Mesh


def test_where_cores_cannot_be_had_a_mesh_will_do(monkeypatch):
    monkeypatch.setattr(cores.core_workers, "client_maker", lambda: None)
    assert type(engine()) is Mesh


def test_a_run_in_xla_does_not_load_the_native_engine():
    code = """
import sys
from tests.test_engines import config, get_model
from w2v_jax import engines
for name in [name for name in sys.modules if name.startswith("w2v_jax.native")]:
    del sys.modules[name]
engines.make_engine(get_model(config("skipgram", "negative_sampling")), 100)
sys.exit(any(name.startswith("w2v_jax.native") for name in sys.modules))
"""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_each_kernel_samples_with_its_own():
    assert chunk_sampler("native") is sampling.chunk
    assert chunk_sampler("xla") is Sampler.chunk
