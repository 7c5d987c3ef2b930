"""Tasks for workers, and the cores dealt out to them."""

import json
import os
from pathlib import Path

import pytest

from experiments.sweeps import tasks
from experiments.sweeps.tasks import Setup, make_task, shares, usual_jobs
from tests.experiments.sweeps.makers import JUDGING, runs_of, start
from w2v_jax.config import Config

CORES = sorted(os.sched_getaffinity(0))
SETUP = Setup(Path("/cache"), 60.0, JUDGING)


def test_a_task_is_json_and_holds_all_that_a_worker_needs(tmp_path):
    run = runs_of(tmp_path)[3]
    task = json.loads(json.dumps(make_task(run, SETUP, 2, [0, 1])))
    config = task.pop("config")
    assert Config.from_dict(config) == run.config.replace(replicas=2)
    assert task == {
        "path": str(run.path),
        "cache_dir": "/cache",
        "checkpoint_seconds": 60.0,
        "suites": ["wordsim353"],
        "restrict": 0,
        "cores": [0, 1],
    }


def test_a_run_that_goes_on_keeps_its_replicas(tmp_path):
    run = runs_of(tmp_path)[0]
    start(run, 5)
    assert make_task(run, SETUP, 2, None)["config"]["replicas"] == 5


def test_on_a_cluster_the_cores_and_replicas_can_be_left_to_the_worker(tmp_path):
    task = make_task(runs_of(tmp_path)[0], SETUP, 0, None)
    assert task["cores"] is None
    assert task["config"]["replicas"] == 0


@pytest.mark.parametrize("jobs", range(1, len(CORES) + 1))
def test_every_core_is_dealt_out_once_and_no_job_goes_without(jobs):
    dealt = shares(jobs)
    assert len(dealt) == jobs
    assert sorted(core for share in dealt for core in share) == CORES
    sizes = [len(share) for share in dealt]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1


def test_more_jobs_than_cores_are_refused_with_both_numbers():
    jobs = len(CORES) + 1
    with pytest.raises(ValueError, match=rf"--jobs={jobs}: .* {len(CORES)} core"):
        shares(jobs)


def test_one_job_goes_on_each_core_unless_runs_are_fewer_or_larger(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(4)))
    runs = runs_of(tmp_path)
    assert usual_jobs(runs) == 4
    assert usual_jobs(runs[:3]) == 3
    assert usual_jobs(()) == 1
    assert usual_jobs(runs_of(tmp_path, replicas=2)) == 4 // 2
    assert usual_jobs(runs_of(tmp_path, replicas=9)) == 1
    start(runs[1], 4)  # begun with a replica on each core
    assert usual_jobs(runs) == 1


def test_an_accelerator_has_one_job(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "is_accelerated", lambda: True)
    assert usual_jobs(runs_of(tmp_path)) == 1
