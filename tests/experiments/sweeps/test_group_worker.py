"""The process of a group: what it says of cells that fail for one reason or another."""

import io
import json

import pytest

from experiments import cli, training_group
from experiments.sweeps.group_worker import ALONE, Work
from experiments.sweeps.runs import FAILURE, LOG
from tests.experiments.sweeps.sweeping import read
from w2v_jax.config import Config


@pytest.fixture
def task(tmp_path):
    config = Config(corpus="text.txt", replicas=1)
    cells = [
        {
            "path": str(tmp_path / f"cell-{n}"),
            "config": config.replace(seed=n).to_dict(),
            "wanted": n > 0,
        }
        for n in range(3)
    ]
    (tmp_path / "group").mkdir()
    return {
        "cells": cells,
        "folder": str(tmp_path / "group"),
        "cache_dir": str(tmp_path / "cache"),
        "checkpoint_seconds": 1.0,
        "suites": [str(tmp_path / "pairs.txt")],
        "restrict": 0,
    }


def answers(task):
    said = io.StringIO()
    Work(task, said).carry_out()
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_memory_that_runs_out_fails_every_wanted_cell_and_says_what_helps(
    task, tmp_path, monkeypatch
):
    def carry_out(members, *_):
        assert [member.config.seed for member in members] == [0, 1, 2]
        assert [member.wanted for member in members] == [False, True, True]
        print("about to fail")
        raise RuntimeError("RESOURCE_EXHAUSTED: no room")

    monkeypatch.setattr(training_group, "carry_out", carry_out)
    found = answers(task)
    assert [one["path"][-1] for one in found] == ["1", "2"]
    for one in found:
        assert one["code"] == cli.USAGE
        assert one["line"] == f"{cli.OUT_OF_MEMORY}, {ALONE}"
    for number in (1, 2):
        path = tmp_path / f"cell-{number}"
        assert read(path / FAILURE)["error"] == found[0]["line"]
        log = (path / LOG).read_text()
        assert log.startswith("about to fail")
        assert "--together=never" in log
    assert not (tmp_path / "cell-0").exists()


def test_a_cell_that_cannot_be_judged_fails_and_one_that_diverged_says_so(
    task, tmp_path, monkeypatch
):
    def carry_out(members, folder, cache, ended, every):
        assert (folder, every) == (tmp_path / "group", 1.0)
        ended(members[1].path, 0, "")  # it has left no vectors to judge
        ended(members[2].path, cli.DIVERGED, "diverged by step 3")

    monkeypatch.setattr(training_group, "carry_out", carry_out)
    first, second = answers(task)
    assert first["code"] == cli.USAGE
    assert str(tmp_path / "cell-1" / "vectors.bin") in first["line"]
    assert (second["code"], second["line"]) == (cli.DIVERGED, "diverged by step 3")
    assert read(tmp_path / "cell-2" / FAILURE)["kind"] == "diverged"


def test_what_comes_after_a_cell_was_told_of_fails_the_others_alone(
    task, tmp_path, monkeypatch
):
    def carry_out(members, folder, cache, ended, every):
        ended(members[2].path, cli.DIVERGED, "diverged")
        raise OSError(28, "No space left on device", "state.safetensors")

    monkeypatch.setattr(training_group, "carry_out", carry_out)
    first, second = answers(task)
    assert (first["path"][-1], first["code"]) == ("2", cli.DIVERGED)
    assert (second["path"][-1], second["code"]) == ("1", cli.USAGE)
    assert second["line"] == "state.safetensors: No space left on device"
    assert read(tmp_path / "cell-2" / FAILURE)["error"] == "diverged"
