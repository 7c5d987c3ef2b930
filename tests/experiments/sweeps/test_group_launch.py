"""Groups as real processes: files as of runs alone, kills, divergence, logs."""

import json
import os
import signal

import numpy as np
import pytest

from experiments.sweeps import group_launch, groups, local
from experiments.sweeps.runs import (
    FAILURE,
    LOG,
    State,
    forget_failure,
    make_runs,
    state,
)
from experiments.sweeps.tasks import STOPPED
from tests.experiments.sweeps.sweeping import hashes, read, write_text
from tests.experiments.sweeps.test_local import Watcher, holder_of, setup_of
from w2v_jax import Vectors
from w2v_jax.config import Config
from w2v_jax.metrics_log import read_metrics

CELLS = {
    "slow": {"learning_rate": 0.01, "epochs": 1},
    "flat": {"noise_exponent": 0.0, "negatives": 3, "subsample": 0.01},
}
MANY = {"epochs": 40, "chunk": 8000, "settle_every": 1}  # some seconds


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


def runs_of(corpus, workdir, cells=CELLS, seeds=(0, 1), **fields):
    same = {"dim": 12, "epochs": 2, "subsample": 0.0, "replicas": 1, "chunk": 8000}
    kept = {"settle_every": 1, "kernel": "xla"}
    base = Config(corpus=str(corpus), **same | kept | fields)
    made = {name: base.replace(**own) for name, own in cells.items()}
    return make_runs(workdir, made, seeds)


def together(runs, workdir, setup, watcher=None):
    """The group that the runs made, and what the watcher was told."""
    watcher = watcher or Watcher()
    (group,), alone = groups.form(runs, workdir, lambda config: 20)
    assert alone == ()
    group_launch.carry_out([group], setup, workdir, watcher)
    return group, watcher


@pytest.fixture(scope="module")
def both(corpus, tmp_path_factory):
    """The same runs together and one by one."""
    made = []
    setup, watchers = setup_of(corpus), [Watcher(), Watcher()]
    for name, watcher in zip(("together", "alone"), watchers, strict=True):
        workdir = tmp_path_factory.mktemp(name)
        runs = runs_of(corpus, workdir)
        if name == "together":
            together(runs, workdir, setup, watcher)
        else:
            local.carry_out(runs, setup, 1, watcher)
        made.append(runs)
        assert [answer.code for answer in watcher.answers] == [0] * 4
        assert {state(run, setup.judging) for run in runs} == {State.DONE}
    assert watchers[0].begun == list(made[0])
    assert not (made[0][0].path.parents[1] / groups.FOLDER).exists()
    return list(zip(*made, strict=True))


@pytest.mark.slow
def test_each_cell_leaves_the_files_of_a_run_alone(both):
    for ours, alone in both:
        files = {path.name for path in alone.path.iterdir()}
        assert {path.name for path in ours.path.iterdir()} == files - {"checkpoints"}
        assert "vectors.bin" in files
        for name in ("config.json", "vocabulary.tsv"):
            assert (ours.path / name).read_bytes() == (alone.path / name).read_bytes()
        one, other = (read(run.path / "summary.json") for run in (ours, alone))
        assert one.pop("together") == 4
        assert one.keys() == other.keys()
        for name in ("raw_words", "kept_tokens", "vocabulary"):
            assert one[name] == other[name]
        assert one["sha256"].keys() == other["sha256"].keys()
        one, other = (read(run.path / "environment.json") for run in (ours, alone))
        assert one.pop("together") == 4
        assert one.keys() == other.keys()
        assert one["corpus_sha256"] == other["corpus_sha256"]
        log = (ours.path / LOG).read_text()
        assert "words/s of all cells" in log


@pytest.mark.slow
def test_each_cell_logs_the_lines_and_ends_with_the_vectors_of_a_run_alone(both):
    kept = set()
    for ours, alone in both:
        found, expected = (
            read_metrics(r.path / "metrics.jsonl") for r in (ours, alone)
        )
        assert len(found) == len(expected) > 2
        for one, other in zip(found, expected, strict=True):
            for name in ("step", "epoch", "raw_words", "learning_rate"):
                assert one[name] == other[name]
            # Rounding, after hundreds of steps in which words meet again and again.
            assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
            assert one["seconds"] > 0
        a, b = (Vectors.load(run.path / "vectors.bin") for run in (ours, alone))
        assert a.words == b.words
        assert np.abs(b.matrix).max() > 0.1
        np.testing.assert_allclose(a.matrix, b.matrix, atol=1e-4)  # as above
        one, other = (read(run.path / "eval.json") for run in (ours, alone))
        one, other = (scores["similarity"]["pairs"] for scores in (one, other))
        assert one["spearman"] == pytest.approx(other["spearman"], abs=0.01)
        kept.add(read(ours.path / "summary.json")["kept_tokens"])
    assert len(kept) == 3  # slow twice alike; flat by seed: cells end at other steps


@pytest.mark.slow
def test_their_shares_of_the_time_add_up_to_that_of_the_group(both):
    seconds = [
        read_metrics(ours.path / "metrics.jsonl")[-1]["seconds"] for ours, _ in both
    ]
    by_name = {ours.name: s for (ours, _), s in zip(both, seconds, strict=True)}
    assert by_name["slow/seed-0"] == by_name["slow/seed-1"]
    # Half as many words, in company of four; the rest in company of two.
    assert by_name["flat/seed-0"] > by_name["slow/seed-0"]
    for ours, _ in both:
        summary = read(ours.path / "summary.json")
        assert summary["train_seconds"] == by_name[ours.name]
        rate = summary["raw_words"] / summary["train_seconds"]
        assert summary["words_per_second"] == pytest.approx(rate)


@pytest.mark.slow
def test_a_cell_that_diverges_is_recorded_and_the_others_go_on(corpus, tmp_path):
    cells = CELLS | {"wild": {"learning_rate": 1e30}}
    runs = runs_of(corpus, tmp_path, cells, (0,))
    setup = setup_of(corpus)
    _, watcher = together(runs, tmp_path, setup)
    codes = {answer.run.cell: answer.code for answer in watcher.answers}
    assert codes == {"slow": 0, "flat": 0, "wild": 3}
    states = [state(run, setup.judging) for run in runs]
    assert states == [State.DONE, State.DONE, State.FAILED]
    failure = read(runs[2].path / FAILURE)
    assert (failure["kind"], failure["code"]) == ("diverged", 3)
    assert failure["error"].startswith(f"{runs[2].path}: diverged by step ")
    assert "Lower --learning_rate" in failure["error"]
    assert not (runs[2].path / "vectors.bin").exists()
    assert "diverged" in (runs[2].path / LOG).read_text()
    assert not (tmp_path / groups.FOLDER).exists()


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """The tables of a group that nothing has stopped, one cell of it diverging."""
    workdir = tmp_path_factory.mktemp("whole")
    together(long_ones(corpus, workdir), workdir, setup_of(corpus))
    return hashes(workdir)


def long_ones(corpus, workdir):
    cells = CELLS | {"wild": {"learning_rate": 1e30}, "short": {"epochs": 5}}
    cells["slow"] = {"learning_rate": 0.001}
    return runs_of(corpus, workdir, cells, (0,), **MANY)


def checkpoints(workdir):
    return sorted(workdir.glob(f"{groups.FOLDER}/*/checkpoints/0*"))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "stopped", "terminated"])
def test_a_group_that_is_interrupted_goes_on_to_the_same_bits(
    corpus, whole, tmp_path, how
):
    runs, setup = long_ones(corpus, tmp_path), setup_of(corpus)
    slow, _, _, short = runs
    sent = []

    def interrupt():
        ready = (short.path / "eval.json").exists() and checkpoints(tmp_path)
        if not ready or watcher.over:
            return False
        if how == "stopped":
            return True
        if not sent:
            number = signal.SIGKILL if how == "killed" else signal.SIGTERM
            sent.append(os.kill(holder_of(slow), number))
        return False

    watcher = Watcher(interrupt)
    group, _ = together(runs, tmp_path, setup, watcher)
    codes = {answer.run.cell: answer.code for answer in watcher.answers}
    left = 128 + signal.SIGKILL if how == "killed" else STOPPED
    assert codes == {"short": 0, "wild": 3, "slow": left, "flat": left}
    assert checkpoints(tmp_path)
    assert (slow.path / FAILURE).exists() is (how == "killed")
    rest = [run for run in runs if run.cell in ("slow", "flat")]
    for run in rest:
        forget_failure(run.path)  # as --retry does
    begun = (short.path / "summary.json").stat().st_mtime
    again, watcher = together(rest, tmp_path, setup)
    assert again.folder == group.folder
    assert again.wanted == tuple(rest)
    assert [answer.code for answer in watcher.answers] == [0, 0]
    assert hashes(tmp_path) == whole
    assert sorted(whole) == ["flat/seed-0", "short/seed-0", "slow/seed-0"]
    assert (short.path / "summary.json").stat().st_mtime == begun
    lines = read_metrics(slow.path / "metrics.jsonl")
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps))
    assert lines[-1]["raw_words"] == read(slow.path / "summary.json")["raw_words"]
    assert not (tmp_path / groups.FOLDER).exists()


@pytest.mark.slow
def test_what_cannot_be_trained_on_fails_every_cell_with_its_reason(corpus, tmp_path):
    runs = runs_of(tmp_path / "nowhere.txt", tmp_path / "sweep")
    _, watcher = together(runs, tmp_path / "sweep", setup_of(corpus))
    assert [answer.code for answer in watcher.answers] == [2] * 4
    for run in runs:
        assert "nowhere.txt" in read(run.path / FAILURE)["error"]


@pytest.mark.slow
def test_a_directory_that_is_held_fails_its_cell_alone(corpus, tmp_path):
    from w2v_jax.runlog import RunDirectory

    runs = runs_of(corpus, tmp_path)
    with RunDirectory(runs[1].path) as held:
        held.write_json("config.json", {"dim": 3})
    _, watcher = together(
        [run for run in runs if run is not runs[1]], tmp_path, setup_of(corpus)
    )
    assert [answer.code for answer in watcher.answers] == [0] * 3
    groups.tidy(tmp_path)
    (group,), _ = groups.form(runs_of(corpus, tmp_path, seeds=(2, 3)), tmp_path, len_20)
    with RunDirectory(group.wanted[0].path) as held:
        held.write_json("config.json", {"dim": 3})  # of another run
    watcher = Watcher()
    group_launch.carry_out([group], setup_of(corpus), tmp_path, watcher)
    codes = {answer.run: answer.code for answer in watcher.answers}
    assert codes == {run: 2 if run is group.wanted[0] else 0 for run in group.wanted}
    assert "another config" in read(group.wanted[0].path / FAILURE)["error"]


def len_20(config):
    return 20


def test_a_task_holds_all_members_and_says_which_are_wanted(tmp_path):
    runs = runs_of(tmp_path / "text.txt", tmp_path)
    (group,), _ = groups.form(runs, tmp_path, len_20)
    group = groups.Group(group.folder, runs, runs[2:])
    task = json.loads(
        json.dumps(group_launch.make_task(group, setup_of(tmp_path / "t")))
    )
    assert [cell["wanted"] for cell in task["cells"]] == [False, False, True, True]
    assert [cell["path"] for cell in task["cells"]] == [str(run.path) for run in runs]
    alone = runs[1].config.replace(kernel="xla")
    assert Config.from_dict(task["cells"][1]["config"]) == alone
    assert task["folder"] == str(group.folder)
