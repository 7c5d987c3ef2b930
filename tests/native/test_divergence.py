"""Native runs whose numbers go beyond floats are seen to, and end with exit code 3."""

import pytest

from tests.native.needs import compiler
from tests.native.test_engine import MODELS, trainer
from tests.real_runs import Run
from w2v_jax.position import Position
from w2v_jax.training import train

pytestmark = compiler


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_a_rate_that_no_model_bears_is_seen_at_the_next_point(architecture, objective):
    built = trainer(architecture, objective, learning_rate=1e30, epochs=1)
    state, constants = built.start()
    _, metrics = next(train(built, state, constants, Position()))
    assert not metrics.finite


def test_a_rate_that_the_model_bears_is_finite():
    built = trainer("cbow", "negative_sampling", learning_rate=0.05, epochs=1)
    state, constants = built.start()
    assert all(m.finite for _, m in train(built, state, constants, Position()))


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_a_native_run_that_diverges_ends_with_code_3_and_no_vectors(
    objective, tmp_path
):
    flags = ["--kernel=native", f"--objective={objective}", "--row_cap=0"]
    run = Run(tmp_path / "run", tmp_path / "cache", [*flags, "--learning_rate=1e4"])
    ended = run.finish()
    assert ended.code == 3, ended.errors
    line = ended.errors.splitlines()[-1]
    assert line.startswith(f"{run.workdir}: diverged by step ")
    assert objective in line
    assert run.json("config.json")["kernel"] == "native"
    assert not (run.workdir / "vectors.bin").exists()
    assert not (run.workdir / "summary.json").exists()
