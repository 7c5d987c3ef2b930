"""Which runs train together: alike but for numbers, and the same ones after a kill."""

import json

import pytest

from experiments.sweeps import groups
from experiments.sweeps.runs import FAILURE, LOG, make_runs, record_failure
from tests.experiments.sweeps.makers import finish, put, start
from w2v_jax.config import Config

BASE = Config(corpus="text.txt", dim=8, epochs=2)
V = 1000


def runs_of(workdir, seeds=(0, 1), **cells):
    """A run of every cell and seed; a cell is the fields that it sets."""
    made = {name: BASE.replace(**fields) for name, fields in cells.items()}
    return make_runs(workdir, made, seeds)


def formed(todo, workdir, size=V, **options):
    return groups.form(todo, workdir, lambda config: size, **options)


def names(group):
    return [run.name for run in group.wanted]


def begin(group, workdir):
    """What a group that has been started leaves."""
    groups.write(group, workdir)
    for run in group.members:
        start(run, replicas=1)


def test_runs_that_differ_in_numbers_are_one_group_and_others_another(tmp_path):
    todo = runs_of(
        tmp_path,
        slow={"learning_rate": 0.01},
        wide={"window": 9},
        flat={"noise_exponent": 0.0, "negatives": 7, "subsample": 1e-4},
        long={"epochs": 3},
        three={"replicas": 3},
    )
    found, alone = formed(todo, tmp_path)
    assert [names(group) for group in found] == [
        [f"{cell}/seed-{n}" for n in (0, 1) for cell in ("slow", "flat", "long")],
        ["wide/seed-0", "wide/seed-1"],
    ]
    assert [run.name for run in alone] == ["three/seed-0", "three/seed-1"]
    assert all(group.members == group.wanted for group in found)
    assert found[0].folder.parent == tmp_path / groups.FOLDER
    assert found[0].folder != found[1].folder
    assert not (tmp_path / groups.FOLDER).exists()  # nothing is made yet


def test_a_single_run_trains_alone(tmp_path):
    todo = runs_of(tmp_path, (0,), a={}, b={"dim": 9})
    assert formed(todo, tmp_path) == ((), todo)


@pytest.mark.parametrize(
    ("leaves", "together"),
    [
        (lambda run: None, True),
        (lambda run: start(run, replicas=1), True),
        (lambda run: start(run, replicas=2), False),
        (lambda run: put(run.path / "checkpoints" / "000001", {}), False),
        (lambda run: finish(run), False),  # it is only to be judged
    ],
)
def test_a_run_with_a_start_of_its_own_goes_on_alone(tmp_path, leaves, together):
    todo = runs_of(tmp_path, (0, 1, 2), a={})
    leaves(todo[0])
    found, alone = formed(todo, tmp_path)
    assert [len(group.wanted) for group in found] == [3 if together else 2]
    assert alone == (() if together else (todo[0],))


@pytest.mark.parametrize(
    ("count", "parts"), [(15, [15]), (16, [16]), (17, [8, 9]), (40, [13, 13, 14])]
)
def test_many_cells_are_parted_evenly(tmp_path, count, parts):
    todo = runs_of(tmp_path, tuple(range(count)), a={})
    found, alone = formed(todo, tmp_path)
    assert [len(group.members) for group in found] == parts
    assert [name for g in found for name in names(g)] == [run.name for run in todo]
    assert alone == ()


def test_no_more_cells_are_taken_than_memory_holds(tmp_path, monkeypatch):
    # Two tables of V words and 8 numbers of 4 bytes, three times; half of the memory.
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 1}.get(name, there))
    todo = runs_of(tmp_path, (0, 1, 2, 3), a={})
    there = 2 * 2 * (3 * 2 * V * 8 * 4)
    assert [len(g.members) for g in formed(todo, tmp_path)[0]] == [2, 2]
    there -= 1
    assert formed(todo, tmp_path) == ((), todo)
    adam = runs_of(tmp_path, (0, 1), a={"optimizer": "adam"})
    there = 2 * 2 * (3 * 4 * V * 8 * 4)  # a state as large as the tables
    assert [len(g.members) for g in formed(adam, tmp_path)[0]] == [2]
    there -= 1
    assert formed(adam, tmp_path) == ((), adam)


def test_a_group_that_was_interrupted_goes_on_with_all_its_cells(tmp_path):
    todo = runs_of(tmp_path, (0, 1, 2), a={}, b={"learning_rate": 0.5})
    (group,) = formed(todo, tmp_path)[0]
    begin(group, tmp_path)
    finish(todo[0])
    start(todo[0], replicas=1)
    record_failure(todo[1].path, 3, "diverged", 1.0)
    more = runs_of(tmp_path, (3, 4), a={})
    for new in (True, False):
        found, alone = formed((*todo[2:], *more), tmp_path, new=new)
        again = found[0]
        assert again.folder == group.folder
        assert [run.path for run in again.members] == [run.path for run in todo]
        assert again.wanted == todo[2:]
        assert [names(g) for g in found[1:]] == [["a/seed-3", "a/seed-4"]] * new
        assert alone == (() if new else more)
    assert [run.config.seed for run in again.members] == [0, 0, 1, 1, 2, 2]


def test_a_run_that_went_on_alone_or_changed_leaves_its_group(tmp_path):
    todo = runs_of(tmp_path, (0, 1, 2), a={})
    (group,) = formed(todo, tmp_path)[0]
    begin(group, tmp_path)
    put(todo[0].path / "checkpoints" / "000001", {})
    other = runs_of(tmp_path, (1,), a={"dim": 9})
    found, alone = formed((todo[0], *other, todo[2]), tmp_path)
    assert [names(one) for one in found] == [["a/seed-2"]]
    assert len(found[0].members) == 3
    assert alone == (todo[0], *other)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"cells": [{"path": "a"}]}'])
def test_a_damaged_record_of_a_group_is_as_none(tmp_path, damage):
    todo = runs_of(tmp_path, a={})
    (group,) = formed(todo, tmp_path)[0]
    begin(group, tmp_path)
    (group.folder / groups.RECORD).write_text(damage)
    assert formed(todo, tmp_path) == ((group,), ())
    assert formed(todo, tmp_path, new=False) == ((), todo)


def test_the_record_names_paths_below_the_sweep_and_every_field(tmp_path):
    todo = runs_of(tmp_path, a={})
    (group,) = formed(todo, tmp_path)[0]
    groups.write(group, tmp_path)
    said = json.loads((group.folder / groups.RECORD).read_text())["cells"]
    assert [cell["path"] for cell in said] == ["a/seed-0", "a/seed-1"]
    alone = todo[1].config.replace(replicas=1, kernel="xla")
    assert Config.from_dict(said[1]["config"]) == alone


def test_a_folder_goes_when_every_cell_has_ended_or_diverged(tmp_path):
    todo = runs_of(tmp_path, (0, 1, 2), a={})
    (group,) = formed(todo, tmp_path)[0]
    begin(group, tmp_path)
    put(group.folder / "checkpoints" / "000001" / "metadata.json", {})
    finish(todo[0])
    record_failure(todo[1].path, 3, "diverged", 1.0)
    record_failure(todo[2].path, 137, "killed", 1.0)  # --retry goes on from here
    groups.tidy(tmp_path)
    assert group.folder.is_dir()
    (todo[2].path / FAILURE).unlink()
    groups.tidy(tmp_path)
    assert group.folder.is_dir()
    finish(todo[2])
    groups.tidy(tmp_path)
    assert not (tmp_path / groups.FOLDER).exists()
    groups.tidy(tmp_path)  # nothing to do is no error


def test_what_a_group_prints_is_added_to_the_log_of_its_runs(tmp_path):
    put(tmp_path / "group" / LOG, "training")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOG).write_text("before\n")
    groups.hand_out_log(tmp_path / "group", tmp_path / "run")
    assert (tmp_path / "run" / LOG).read_text() == 'before\n"training"'
