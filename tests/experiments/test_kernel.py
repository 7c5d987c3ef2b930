"""Which kernel commands train with where no flag says so."""

import json

import pytest

from experiments import kernel
from tests.native.needs import compiler
from w2v_jax.config import OBJECTIVES, Config, has_native, resolve
from w2v_jax.native import build


@pytest.fixture(autouse=True)
def forgetful():
    kernel.usual.cache_clear()
    yield
    kernel.usual.cache_clear()


@compiler
def test_a_new_run_trains_natively_where_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "library", lambda cache: tmp_path)
    settled = kernel.settle(Config(), tmp_path, tmp_path)
    assert settled.kernel == "native"
    assert settled.replicas == 0


def test_without_a_compiler_it_says_so_and_trains_in_xla(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "compiler", lambda: None)
    assert kernel.settle(Config(), tmp_path, tmp_path).kernel == "xla"
    told = capsys.readouterr().err
    assert "several times slower: no C++ compiler found" in told
    assert "compiling" not in told


@pytest.mark.parametrize(
    ("below", "said"), [("", "File exists"), ("deep/er", "Not a directory")]
)
def test_a_cache_that_cannot_be_made_is_told_by_its_flag(below, said, tmp_path):
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / below
    with pytest.raises(ValueError, match=f"--cache_dir={cache}: {said}; name a folder"):
        kernel.settle(Config(), None, cache)


def test_an_accelerator_trains_in_large_steps_of_xla(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "is_accelerated", lambda: True)
    monkeypatch.setattr(build, "library", lambda cache: pytest.fail("compiled"))
    settled = kernel.settle(Config(), tmp_path, tmp_path)
    assert settled.kernel == "xla_large"
    assert settled.replicas == 0


@pytest.mark.parametrize("asked", ["xla", "xla_large", "native"])
def test_a_flag_is_obeyed_without_compiling(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "library", lambda cache: pytest.fail("compiled"))
    assert kernel.settle(Config(kernel=asked), tmp_path, tmp_path).kernel == asked


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"kernel": "native"}, "native"),
        ({"kernel": "xla_large"}, "xla_large"),
        ({"kernel": "xla"}, "xla"),
        ({}, "xla"),
    ],
)
def test_a_run_that_goes_on_keeps_its_kernel(stored, expected, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(stored | {"replicas": 3}))
    settled = kernel.settle(Config(), tmp_path, tmp_path)
    assert (settled.kernel, settled.replicas) == (expected, 3)


def test_a_native_run_that_cannot_go_on_natively_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_loaded", [])
    monkeypatch.setattr(build, "compiler", lambda: None)
    config = resolve(Config(kernel="native"), 1)
    with pytest.raises(ValueError, match=r"no C\+\+ compiler found.*--kernel=xla"):
        kernel.ready(config, tmp_path)


def test_xla_needs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "register", lambda cache: pytest.fail("compiled"))
    assert kernel.ready(resolve(Config(), 1), tmp_path) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"optimizer": "adam"},
        {"streams": 4},
        {"kernel": "xla"},
        {"kernel": None},
    ],
)
def test_models_without_a_native_step_train_in_xla(other):
    config = Config(**{"kernel": "native"} | other)
    assert not has_native(config)
    assert resolve(config, 1).kernel == "xla"


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
def test_models_without_large_steps_train_in_usual_ones(
    architecture, objective, optimizer
):
    if objective != "softmax" and optimizer == "sgd":
        return  # those that have them
    asked = Config(architecture=architecture, objective=objective, optimizer=optimizer)
    large = resolve(asked.replace(kernel="xla_large"), 1)
    assert large == resolve(asked, 1)
    assert large.kernel == "xla"


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_large_steps_differ_in_their_shape_alone(architecture, objective):
    asked = Config(architecture=architecture, objective=objective, shared_noise=7)
    large, usual = (
        resolve(asked.replace(kernel=name), 1).to_dict()
        for name in ("xla_large", "xla")
    )
    differ = {name for name in large if large[name] != usual[name]}
    shape = {"streams", "block", "noise_pool", "damping", "exchange_every", "chunk"}
    if objective == "hierarchical_softmax":
        assert usual["row_cap"] > large["row_cap"] == 0.0  # damping in its place
        shape |= {"row_cap"}
    assert large["streams"] * large["block"] == 8192
    assert {"kernel", "streams", "damping"} <= differ <= shape | {"kernel"}


def test_another_rule_than_the_gradient_trains_natively_at_its_own_rate():
    asked = Config(kernel="native", gradient="word2vec_c", architecture="cbow")
    made = resolve(asked, 1)
    assert made.kernel == "native"
    assert (made.learning_rate, made.input_rate_scale) == (0.05, 1.0)


def test_the_native_kernel_has_shapes_of_its_own():
    native, xla = (resolve(Config(kernel=name), 1) for name in ("native", "xla"))
    assert native.kernel == "native"
    assert native.streams == 1
    assert native.learning_rate == xla.learning_rate
    assert (native.block, native.noise_pool) != (xla.block, xla.noise_pool)
