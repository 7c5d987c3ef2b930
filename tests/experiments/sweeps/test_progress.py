"""How a sweep gets on: what is left, what is said of failures."""

import types

import pytest

from experiments.sweeps.estimate import OVERHEAD, duration
from experiments.sweeps.progress import Progress
from experiments.sweeps.runs import record_failure
from experiments.sweeps.tasks import STOPPED, Answer
from tests.experiments.sweeps.makers import estimator, finish, runs_of


class Shown(list):
    """Keeps what a progress display is given."""

    def __call__(self, task, done, total, note=""):
        self.append((task, done, total, note))


def make(tmp_path, jobs=1, signals=()):
    runs, shown = runs_of(tmp_path), Shown()
    return runs, shown, Progress(runs, estimator(runs), jobs, shown, signals)


def test_the_time_left_is_that_of_all_runs_at_first_and_nothing_at_last(tmp_path):
    runs, shown, progress = make(tmp_path)
    one = estimator(runs).cost(runs[0]).seconds
    assert progress.left == pytest.approx(4 * one)  # a sum in another order
    for run in runs:
        progress.started(run)
        progress.ended(Answer(run, 0, "", 1.0))
    assert progress.left == 0
    assert shown[0][:3] == ("sweep", 0, 4)
    assert shown[0][3].endswith(f"left  {runs[0].name}")
    assert shown[-1] == ("sweep", 4, 4, "0 s left")


def test_a_finished_run_corrects_the_time_left(tmp_path):
    runs, shown, progress = make(tmp_path)
    progress.started(runs[0])
    finish(runs[0], seconds=1000.0)
    progress.ended(Answer(runs[0], 0, "", 1000.0))
    three = 3 * (1000.0 + OVERHEAD)
    assert progress.left == pytest.approx(three)  # a sum in another order
    assert shown[-1][3] == f"{duration(three)} left"


def test_two_jobs_halve_the_time_but_the_last_run_is_one(tmp_path):
    runs, _, progress = make(tmp_path, jobs=2)
    one = estimator(runs).cost(runs[0]).seconds
    assert progress.left == pytest.approx(4 * one / 2)  # a sum in another order
    for run in runs[:3]:
        progress.started(run)
        progress.ended(Answer(run, 2, "no", 1.0))
    assert progress.left == pytest.approx(one)  # a sum in another order


def test_the_time_a_run_has_been_at_it_is_taken_off(tmp_path):
    runs, _, progress = make(tmp_path)
    before = progress.left
    progress.started(runs[0])
    assert progress.left < before


def test_a_failure_is_told_at_once_and_a_stopped_run_is_not(tmp_path, capsys):
    runs, _, progress = make(tmp_path)
    progress.started(runs[0])
    record_failure(runs[0].path, 3, "diverged", 1.0)
    progress.ended(Answer(runs[0], 3, "diverged", 1.0))
    line = "window=2/seed-0: failed, passed by: diverged\n"
    assert capsys.readouterr().err == line
    progress.started(runs[1])
    progress.ended(Answer(runs[1], STOPPED, "stopped", 1.0))
    assert capsys.readouterr().err == ""
    assert [answer.code for answer in progress.answers] == [3, STOPPED]


def test_a_signal_stops_the_sweep(tmp_path):
    signals = []
    _, _, progress = make(tmp_path, signals=signals)
    assert not progress.stopped()
    signals.append(15)
    assert progress.stopped()


@pytest.mark.parametrize("jobs", [1, 2])
def test_runs_that_train_together_share_the_time_that_has_passed(
    tmp_path, monkeypatch, jobs
):
    clock = types.SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("experiments.sweeps.progress.time", clock)
    runs, _, progress = make(tmp_path, jobs=jobs)
    one, now = estimator(runs).cost(runs[0]).seconds, 100.0
    for run in runs:
        progress.started(run)
    now += one
    # Four at a time have done what one in each job does in that time.
    assert progress.left == pytest.approx((4 - jobs) * one / jobs)
