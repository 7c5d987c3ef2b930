"""sweep.json: what was asked for, and what a later command may add to it."""

import copy
import json
import subprocess
import sys

import pytest

from experiments.sweeps import record
from tests.broken_disks import open_folder, ordinary_user

ASKED = {
    "preset": None,
    "sweeps": ["window=2,5"],
    "named": [],
    "draw_seed": 0,
    "flags": {"dim": 100, "seed": 0, "replicas": 0},
    "seeds": [0, 1],
    "suites": ["english"],
    "restrict_vocab": 0,
    "cells": [{"name": f"window={m}", "overrides": {"window": m}} for m in (2, 5)],
    "commands": ["ablate --sweep=window=2,5"],
}


def later(**changes):
    return copy.deepcopy(ASKED) | changes


def test_the_first_start_writes_what_was_asked(tmp_path):
    record.write(tmp_path, record.merged(tmp_path, ASKED))
    assert json.loads((tmp_path / "sweep.json").read_text()) == ASKED
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.json"]


def test_the_same_command_again_changes_nothing(tmp_path):
    record.write(tmp_path, ASKED)
    assert record.merged(tmp_path, ASKED) == ASKED


def test_a_later_command_adds_cells_seeds_and_itself(tmp_path):
    record.write(tmp_path, ASKED)
    new = [{"name": "window=9", "overrides": {"window": 9}}]
    commands = ["ablate --sweep=window=9"]
    found = record.merged(tmp_path, later(cells=new, seeds=[4, 1], commands=commands))
    assert found["cells"] == ASKED["cells"] + new
    assert found["seeds"] == [0, 1, 4]
    assert found["commands"] == ASKED["commands"] + commands


def test_other_flags_for_all_cells_are_refused_by_name(tmp_path):
    record.write(tmp_path, ASKED)
    flags = {"dim": 50, "seed": 3, "replicas": 2}
    with pytest.raises(ValueError, match=r"other flags \(dim: 100 -> 50\)") as caught:
        record.merged(tmp_path, later(flags=flags))
    assert str(caught.value).startswith(str(tmp_path / "sweep.json"))


@pytest.mark.parametrize("text", ["{}", '{"flags": 3}', '{"flags": {"dim": 100}}'])
def test_a_file_of_somebody_else_is_refused(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(ValueError, match=r"sweep\.json: not written by|other flags"):
        record.merged(tmp_path, ASKED)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_damaged_file_is_refused_with_its_path(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(ValueError, match=r"sweep\.json") as caught:
        record.merged(tmp_path, ASKED)
    assert str(caught.value).startswith(str(tmp_path))


HOLDER = """
import sys
from pathlib import Path
from experiments.sweeps import record
with record.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_sweep_is_kept_out_until_the_first_is_gone(tmp_path):
    folder = tmp_path / "runs" / "sweep"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    line = f"{folder}: process {holder.pid} is at work on this sweep"
    with pytest.raises(ValueError, match=line), record.held(folder):
        pass
    holder.kill()
    holder.communicate()
    with record.held(folder):
        pass


def test_the_lock_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="mine"), record.held(tmp_path):
        raise RuntimeError("mine")
    with record.held(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named():
    with open_folder() as folder, ordinary_user():
        with pytest.raises(PermissionError) as caught, record.held(folder):
            pass
        assert str(folder) in str(caught.value.filename)
