"""The files of a group: what a checkpoint must hold, and who is written when."""

import json
import shutil
import types

import pytest

from experiments import cli, limits
from experiments.training_group import Group
from tests.models import config, text, vocabulary
from w2v_jax import checkpoint
from w2v_jax.runlog import RunDirectory, read_json, read_metrics

CORPUS = types.SimpleNamespace(ids=text(400))
SWEPT = ({"seed": 0}, {"seed": 1, "epochs": 4}, {"learning_rate": 1e30})


def configs(swept=SWEPT):
    small = {"chunk": 128, "settle_every": 1, "epochs": 2, "learning_rate": 0.05}
    return [config("cbow", "negative_sampling", **small | one) for one in swept]


class Held:
    """A group over directories of a folder, and what it has said of its cells."""

    def __init__(self, folder, wanted=(0, 1, 2), swept=SWEPT):
        self.folder, self.said = folder, []
        made = configs(swept)
        self.runs = {n: RunDirectory(folder / f"cell-{n}") for n in wanted}
        for number, run in self.runs.items():
            run.begin(made[number].to_dict())
        try:
            self.group = Group(
                folder / "group",
                made,
                CORPUS,
                vocabulary(),
                dict(self.runs),
                lambda path, code, line: self.said.append((path.name, code, line)),
            )
        except BaseException:
            self.close()
            raise

    def close(self):
        for run in self.runs.values():
            run.close()

    def finish(self, checkpoint_seconds=0.0):
        self.group.finish(checkpoint_seconds)
        self.close()
        return self.said

    def summary(self, number):
        return read_json(self.folder / f"cell-{number}" / "summary.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A group that has gone from its start to its end."""
    held = Held(tmp_path_factory.mktemp("whole"))
    held.finish()
    return held


@pytest.fixture
def copy(whole, tmp_path):
    """The group's folder after its end, alone."""
    shutil.copytree(whole.folder / "group", tmp_path / "group")
    return tmp_path


def test_cells_are_told_of_in_the_order_in_which_they_end(whole):
    names = [name for name, _, _ in whole.said]
    assert names == ["cell-2", "cell-0", "cell-1"]
    assert [code for _, code, _ in whole.said] == [cli.DIVERGED, 0, 0]
    assert f"{whole.folder}/cell-2: diverged by step " in whole.said[0][2]
    assert not (whole.folder / "cell-2" / "summary.json").exists()


def test_a_cell_whose_loss_rises_says_so_once_and_goes_on(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(limits.Watch, "RISE", 0.0)  # any loss is too high
    assert Held(tmp_path).finish()[1:] == [("cell-0", 0, ""), ("cell-1", 0, "")]
    said = [line for line in capsys.readouterr().err.splitlines() if "risen" in line]
    assert [line.split(": the loss")[0] for line in said] == [
        f"{tmp_path}/cell-{number}" for number in (0, 1)
    ]


def test_times_are_shares_and_words_are_each_cells_own(whole):
    first, second = (whole.summary(n) for n in (0, 1))
    words = vocabulary_words()
    assert (first["raw_words"], second["raw_words"]) == (2 * words, 4 * words)
    assert 0 < first["train_seconds"] < second["train_seconds"]
    assert 0 <= first["settling_seconds"] <= second["settling_seconds"]
    assert first["compile_seconds"] == second["compile_seconds"] > 0
    for number, summary in ((0, first), (1, second)):
        lines = read_metrics(whole.folder / f"cell-{number}" / "metrics.jsonl")
        assert lines[-1]["seconds"] == summary["train_seconds"]
        assert lines[-1]["loss"] == summary["final_loss"]
        assert [line["epoch"] for line in lines] == sorted(
            line["epoch"] for line in lines
        )
        assert lines[-1]["epoch"] == (2, 4)[number]


def vocabulary_words():
    return int((CORPUS.ids >= 0).sum())


def test_a_kill_after_the_last_checkpoint_loses_nothing(whole, copy):
    held = Held(copy)
    assert held.group.state is not None
    said = held.finish()
    assert [(name, code) for name, code, _ in said] == [
        ("cell-0", 0),
        ("cell-1", 0),
        ("cell-2", cli.DIVERGED),
    ]
    for number in (0, 1):
        assert held.summary(number)["sha256"] == whole.summary(number)["sha256"]
        assert (
            held.summary(number)["train_seconds"]
            == (whole.summary(number)["train_seconds"])
        )
    assert len(list((copy / "group" / "checkpoints").glob("0*"))) == 2


def test_only_wanted_cells_are_written_and_none_waits_for_others(whole, tmp_path):
    held = Held(tmp_path, wanted=(0,))
    assert [(name, code) for name, code, _ in held.finish()] == [("cell-0", 0)]
    assert held.summary(0)["sha256"] == whole.summary(0)["sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell-0", "group"]
    positions = held.group.positions
    assert positions[0].epoch == positions[1].epoch == 2  # it ended with the first


def test_without_time_for_checkpoints_there_is_one_where_a_cell_ends(tmp_path):
    held = Held(tmp_path, swept=SWEPT[:2], wanted=(0, 1))
    held.finish(checkpoint_seconds=1e9)
    found = sorted((tmp_path / "group" / "checkpoints").glob("0*"))
    ends = [json.loads((path / "metadata.json").read_bytes()) for path in found]
    assert [[at["epoch"] for at in one["positions"]] for one in ends] == [
        [2, 2],
        [2, 4],
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("positions", []),
        ("positions", None),
        ("positions", [{"epoch": 1}] * 3),
        ("seconds", [1.0]),
        ("seconds", ["much", 1.0, 1.0]),
        ("losses", [0.0]),
        ("settling_seconds", None),
        ("failed", []),
        ("failed", {"first": "diverged"}),
    ],
)
def test_a_checkpoint_of_another_program_is_refused_with_its_name(copy, name, value):
    folder = copy / "group" / "checkpoints"
    path, metadata = checkpoint.latest_good(folder)
    state, _ = checkpoint.restore(path, configs_state())
    checkpoint.save(folder, state, metadata | {name: value})
    with pytest.raises(ValueError, match=r"metadata.json: not written by this program"):
        Held(copy)


def configs_state():
    from w2v_jax.together_training import Together

    return Together(CORPUS.ids, vocabulary(), configs()).start()[0]


def test_a_checkpoint_of_other_cells_is_refused(copy):
    with pytest.raises(ValueError, match=r"state.safetensors: .* expected"):
        Held(copy, wanted=(0, 1), swept=SWEPT[:2])
