"""The parts of a native step: what they count, and that their seconds add up."""

import json

import numpy as np
import pytest

from experiments.benchmarking import native_parts
from experiments.benchmarking.short import Short, settings
from tests.experiments.benchmarking.patient import patient
from tests.models import MODELS
from tests.native.needs import compiler

pytestmark = compiler
SMALL = {"dim": 4, "window": 2, "block": 8, "subsample": 0.0, "replicas": 2}


def short(architecture, objective):
    small = SMALL | {"kernel": "native", "shared_noise": 6, "dynamic_window": False}
    return Short(settings(f"{architecture}-{objective}", **small), 60, 1000)


@pytest.fixture(params=MODELS, ids="-".join)
def trained(request):
    return short(*request.param)


def test_flop_are_those_of_the_pairs(trained):
    config = trained.config
    tokens = [trained.trainer.chunk(0, k).tokens for k in range(trained.trainer.chunks)]
    total = 0
    for chunk in tokens:
        last = len(chunk) - 1
        near = [min(i, 2) + min(last - i, 2) for i in range(len(chunk))]
        targets = near if config.architecture == "skipgram" else [1] * len(chunk)
        if config.objective == "hierarchical_softmax":
            depth = np.asarray(trained.constants.mask).sum(1)
            rows = sum(n * depth[word] for n, word in zip(targets, chunk, strict=True))
        elif config.objective == "softmax":
            rows = 60 * len(chunk)
        else:
            rows = sum(targets) + 6 * len(chunk)  # and the noise
        total += 6 * 4 * rows + (4 * 4 * sum(near) if targets != near else 0)
    assert native_parts.flop(trained.trainer, trained.constants) == total


def test_parts_add_up_to_the_step_and_the_step_is_within_the_training(trained):
    found = {part["name"]: part for part in native_parts.parts(trained, 2)}
    whole = found["whole step"]["microseconds"]
    clocks = [found[name]["microseconds"] for name in native_parts.CLOCKS]
    assert sum(clocks) == pytest.approx(whole)
    assert min(clocks) >= 0
    assert clocks[1] > 0
    # Replicas start and end within the calls that the training waits for.
    assert whole <= found["training, with sampling and dispatch"]["microseconds"]
    once = native_parts.flop(trained.trainer, trained.constants)
    share = -(-250 // 2)  # of each replica in each of four chunks of 250 words
    steps = 4 * -(-share // 8)
    assert found["take steps"]["flop"] == pytest.approx(once / steps)


def test_what_was_taken_is_not_taken_twice(trained):
    trained.once()
    assert native_parts.taken()["steps"] > 0
    assert set(native_parts.taken().values()) == {0.0}


def test_rows_are_counted_once_a_round():
    trained = short("skipgram", "softmax")
    native_parts.taken()
    trained.once()
    found = native_parts.taken()
    kept = trained.kept_tokens
    # Input rows of the centres alone; words come again within a round.
    assert 60 < found["rows"] < kept == 1000


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["negative_sampling", "softmax"])
def test_a_native_model_leaves_table_json_and_plot(objective, tmp_path):
    given = [f"--out={tmp_path}/parts.json", f"--cache_dir={tmp_path}/cache"]
    given += ["--vocabulary=60", "--words=1000", "--times=1", "--dim=4"]
    given += [f"--objective={objective}", "--kernel=native"]
    code, out, err = patient("-m", "experiments.step_parts", *given)
    assert code == 0, err
    assert "| take steps |" in out
    found = json.loads((tmp_path / "parts.json").read_text())
    assert found["config"]["kernel"] == "native"
    assert found["product_flop_per_second"] > 0
    assert (tmp_path / "parts.png").exists()
