"""Workers on this machine: cores of their own, and what happens when one dies."""

import os
import signal
import time
from pathlib import Path

import pytest

from experiments.sweeps import local
from experiments.sweeps.runs import FAILURE, LOG, Judging, State, make_runs, state
from experiments.sweeps.tasks import STOPPED, Setup
from tests.experiments.sweeps.sweeping import read, write_text
from w2v_jax.config import Config

CORES = sorted(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


class Watcher:
    """Keeps what it is told, and acts on the first ticks of a run."""

    def __init__(self, at_tick=lambda: False):
        self.begun, self.answers, self.at_tick, self.over = [], [], at_tick, False

    def started(self, run):
        self.begun.append(run)

    def ended(self, answer):
        self.answers.append(answer)

    def tick(self):
        self.over = self.over or self.at_tick()

    def stopped(self):
        return self.over


def runs_of(corpus, workdir, cells=2, **fields):
    base = Config(corpus=str(corpus), dim=8, epochs=1, subsample=0.0).replace(**fields)
    configs = {f"window={m}": base.replace(window=m) for m in range(1, cells + 1)}
    return make_runs(workdir, configs, (0,))


def setup_of(corpus):
    pairs = f"{corpus.parent}/pairs.txt"
    judging = Judging((pairs,), frozenset({"pairs"}))
    return Setup(corpus.parent / "cache", 0.0, judging)


LONG = {"epochs": 10_000, "chunk": 8000, "settle_every": 1}


def busy_in(run):
    """Whether a run has begun to train."""
    return (run.path / "metrics.jsonl").exists()


def holder_of(run):
    """The process that holds a run directory."""
    return int((run.path / ".lock").read_text())


@pytest.mark.slow
def test_every_run_is_done_once_on_all_cores_of_its_worker(corpus, tmp_path):
    runs, setup, watcher = runs_of(corpus, tmp_path, 3), setup_of(corpus), Watcher()
    local.carry_out(runs, setup, 1, watcher)
    assert watcher.begun == list(runs)
    assert [answer.run for answer in watcher.answers] == list(runs)
    assert [answer.code for answer in watcher.answers] == [0, 0, 0]
    for run in runs:
        assert state(run, setup.judging) is State.DONE
        assert read(run.path / "config.json")["replicas"] == len(CORES)
        assert read(run.path / "environment.json")["cores"] == len(CORES)


@pytest.mark.slow
@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
def test_two_jobs_have_half_the_cores_each_and_as_many_replicas(corpus, tmp_path):
    runs, setup, watcher = runs_of(corpus, tmp_path, 4), setup_of(corpus), Watcher()
    local.carry_out(runs, setup, 2, watcher)
    assert sorted(answer.code for answer in watcher.answers) == [0] * 4
    shares = {len(CORES) // 2, len(CORES) - len(CORES) // 2}
    for run in runs:
        assert read(run.path / "environment.json")["cores"] in shares
        assert read(run.path / "config.json")["replicas"] in shares


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_run_alone(corpus, tmp_path):
    long, (short,) = (
        runs_of(corpus, tmp_path / "long", 1, **LONG)[0],
        runs_of(corpus, tmp_path / "short", 1),
    )

    def kill():
        if busy_in(long) and not (long.path / FAILURE).exists():
            os.kill(holder_of(long), signal.SIGKILL)
            time.sleep(0.2)
        return False

    watcher = Watcher(kill)
    local.carry_out([long, short], setup_of(corpus), 1, watcher)
    assert [answer.code for answer in watcher.answers] == [128 + 9, 0]
    failure = read(long.path / FAILURE)
    assert failure["code"] == 128 + signal.SIGKILL
    for words in (str(long.path), "signal 9", "out of memory?", LOG):
        assert words in failure["error"]


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_leaves_no_failure(corpus, tmp_path):
    (long,) = runs_of(corpus, tmp_path, 1, **LONG)
    sent = []

    def stop():
        if busy_in(long) and not sent:
            sent.append(os.kill(holder_of(long), signal.SIGTERM))
        return False

    watcher = Watcher(stop)
    local.carry_out([long], setup_of(corpus), 1, watcher)
    assert [answer.code for answer in watcher.answers] == [STOPPED]
    assert state(long, setup_of(corpus).judging) is State.STARTED
    assert list((long.path / "checkpoints").glob("0*"))


@pytest.mark.slow
def test_a_sweep_that_is_stopped_saves_the_run_under_way_and_starts_no_other(
    corpus, tmp_path
):
    first, second = runs_of(corpus, tmp_path, 2, **LONG)
    watcher = Watcher(lambda: busy_in(first))
    local.carry_out([first, second], setup_of(corpus), 1, watcher)
    assert watcher.begun == [first]
    assert list((first.path / "checkpoints").glob("0*"))
    assert not Path(f"/proc/{holder_of(first)}").exists()
    assert not second.path.exists()


@pytest.mark.slow
@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
def test_runs_of_other_replicas_get_a_process_of_their_own(corpus, tmp_path):
    (one,) = runs_of(corpus, tmp_path / "one", 1, replicas=1)
    (two,) = runs_of(corpus, tmp_path / "two", 1, replicas=2)
    watcher = Watcher()
    local.carry_out([one, two], setup_of(corpus), 1, watcher)
    assert [answer.code for answer in watcher.answers] == [0, 0]
    assert holder_of(one) != holder_of(two)
    for run, count in ((one, 1), (two, 2)):
        assert read(run.path / "config.json")["replicas"] == count
        assert len(read(run.path / "environment.json")["devices"]) == count
