"""Run directories: how far they have come, and whether they are the ones asked for."""

import dataclasses
import json

import pytest

from experiments.sweeps.runs import (
    FAILURE,
    Judging,
    State,
    check,
    forget_failure,
    read_failure,
    record_failure,
    replicas,
    state,
)
from tests.experiments.sweeps.makers import JUDGING, SHA256, finish, put, runs_of, start


@pytest.fixture
def run(tmp_path):
    return runs_of(tmp_path)[0]


def test_runs_lie_by_cell_and_seed_and_all_cells_come_before_the_next_seed(tmp_path):
    runs = runs_of(tmp_path)
    names = ["window=2/seed-0", "window=5/seed-0", "window=2/seed-1", "window=5/seed-1"]
    assert [run.name for run in runs] == names
    assert [run.path for run in runs] == [tmp_path / name for name in names]
    assert [run.config.seed for run in runs] == [0, 0, 1, 1]
    assert [run.config.window for run in runs] == [2, 5, 2, 5]


def test_a_run_goes_from_new_to_started_to_trained_to_done(run):
    assert state(run, JUDGING) is State.NEW
    run.path.mkdir(parents=True)
    assert state(run, JUDGING) is State.NEW
    start(run)
    assert state(run, JUDGING) is State.STARTED
    put(run.path / "summary.json", {})
    assert state(run, JUDGING) is State.TRAINED
    finish(run)
    assert state(run, JUDGING) is State.DONE


def test_a_failure_is_a_state_until_it_is_forgotten_and_outlives_no_success(run):
    start(run)
    record_failure(run.path, 3, "diverged by step 7", 1.5)
    assert state(run, JUDGING) is State.FAILED
    forget_failure(run.path)
    assert state(run, JUDGING) is State.STARTED
    put(run.path / "summary.json", {})
    record_failure(run.path, 2, "no space for eval.json", 1.5)
    assert state(run, JUDGING) is State.FAILED
    finish(run)
    assert state(run, JUDGING) is State.DONE


@pytest.mark.parametrize(
    "judging",
    [
        Judging(("wordsim353",), frozenset({"wordsim353"}), 100),
        Judging(("rg65",), frozenset({"rg65"})),
        Judging(("wordsim353", "rg65"), frozenset({"wordsim353", "rg65"})),
    ],
)
def test_a_run_judged_by_other_means_is_to_be_judged_again(run, judging):
    finish(run)
    assert state(run, judging) is State.TRAINED


def test_a_set_that_is_absent_has_been_asked_for(run):
    finish(run, similarity={}, absent=["wordsim353"])
    assert state(run, JUDGING) is State.DONE


@pytest.mark.parametrize("damaged", ["{", "[]", '{"similarity": 3}', "null"])
def test_damaged_scores_are_made_again(run, damaged):
    finish(run)
    (run.path / "eval.json").write_text(damaged)
    assert state(run, JUDGING) is State.TRAINED


def test_a_directory_with_the_same_config_passes_whatever_its_replicas(run):
    check(run, SHA256)
    for count in (1, 2, 7):
        start(run, count)
        check(run, SHA256)


def test_another_config_is_refused_with_the_fields_that_differ(run):
    start(run)
    other = dataclasses.replace(run, config=run.config.replace(window=9, dim=4))
    with pytest.raises(ValueError, match=r"dim: 8 -> 4, window: 2 -> 9") as caught:
        check(other, SHA256)
    assert str(caught.value).startswith(f"{run.path}: holds a run with another config")


def test_replicas_asked_for_must_be_those_of_the_run(run):
    start(run, 2)
    asked = dataclasses.replace(run, config=run.config.replace(replicas=1))
    with pytest.raises(ValueError, match="replicas: 2 -> 1"):
        check(asked, SHA256)


def test_another_text_of_the_same_name_is_refused(run):
    start(run, sha256="cd" * 32)
    with pytest.raises(ValueError, match="the text of the corpus"):
        check(run, SHA256)


@pytest.mark.parametrize("damaged", ["{", '{"corpus_sha256', "[1]"])
def test_an_environment_that_cannot_be_read_is_left_to_training(run, damaged):
    start(run)
    (run.path / "environment.json").write_text(damaged)
    check(run, SHA256)


def test_replicas_are_as_asked_else_as_started_else_as_many_as_there_is_room(run):
    assert replicas(run, 4) == 4
    start(run, 2)
    assert replicas(run, 4) == 2
    asked = dataclasses.replace(run, config=run.config.replace(replicas=3))
    assert replicas(asked, 4) == 3
    put(run.path / "config.json", {"replicas": "many"})
    assert replicas(run, 4) == 4


def test_a_failure_says_kind_code_and_last_line(run):
    record_failure(run.path, 3, "step 7 «é»", 1.23456)
    failure = read_failure(run.path)
    date = failure.pop("date")
    assert failure == {
        "kind": "diverged",
        "code": 3,
        "error": "step 7 «é»",
        "seconds": 1.235,
    }
    assert date.endswith("Z")
    record_failure(run.path, 2, "no such file", 0)
    assert read_failure(run.path)["kind"] == "failed"
    assert [path.name for path in run.path.iterdir()] == [FAILURE]


def test_a_damaged_failure_is_a_failure_that_says_so(run):
    record_failure(run.path, 3, "step 7", 1)
    (run.path / FAILURE).write_text(json.dumps([1]))
    assert str(run.path) in read_failure(run.path)["error"]
