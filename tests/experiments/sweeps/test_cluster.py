"""Runs as jobs: submitit's local executor always, a real slurm where there is one."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

import pytest

from experiments.sweeps import cluster
from experiments.sweeps.runs import State, state
from experiments.sweeps.tasks import STOPPED
from tests.experiments.sweeps.sweeping import (
    ablate,
    finished,
    hashes,
    read,
    start,
    write_text,
)
from tests.experiments.sweeps.test_local import (
    LONG,
    Watcher,
    busy_in,
    holder_of,
    runs_of,
    setup_of,
)

pytest.importorskip("submitit")

ONE_CORE = "--slurm=cpus_per_task=1"
OPTIONS = cluster.parse_options(["cpus_per_task=1"])
DIVERGES = ("--cell=good:", "--cell=wild: learning_rate=1e30")


def has_slurm():
    """Whether a slurm answers here; `make slurm` sets one up."""
    if shutil.which("sinfo") is None:
        return False
    try:  # a slurm that has been stopped lets one wait ten seconds
        asked = subprocess.run(["sinfo", "-h"], capture_output=True, timeout=2)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())


needs_slurm = pytest.mark.skipif(
    not has_slurm(), reason="needs a slurm that answers; `make slurm` sets one up"
)
LAUNCHERS = [
    pytest.param("submitit_local"),
    pytest.param("slurm", marks=needs_slurm),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


def test_options_are_the_defaults_and_what_was_given():
    assert cluster.parse_options([]) == cluster.DEFAULTS
    found = cluster.parse_options(["partition = gpu", "mem_gb=4", "timeout_min=5"])
    assert found == cluster.DEFAULTS | {
        "partition": "gpu",
        "mem_gb": "4",
        "timeout_min": "5",
    }


@pytest.mark.parametrize("text", ["partition", "=gpu", "partition=", "mem_gb=much"])
def test_an_option_that_is_none_is_refused_by_its_text(text):
    with pytest.raises(ValueError, match=f"--slurm={text}: "):
        cluster.parse_options([text])


def test_without_submitit_the_part_to_install_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'w2v_jax\[slurm\]'"):
        cluster.check("submitit_local")


def test_a_process_that_has_ended_is_no_job_any_more():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert cluster._is_process(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert not cluster._is_process(child.pid)
    assert cluster._is_process(os.getpid())
    child.wait()


def test_a_queue_that_does_not_answer_loses_no_job(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cluster._in_queue(["1_0", "1_1"]) == {"1_0", "1_1"}
    (tmp_path / "squeue").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "squeue").chmod(0o755)
    assert cluster._in_queue(["1_0", "1_1"]) == {"1_0", "1_1"}
    (tmp_path / "squeue").write_text("#!/bin/sh\necho 1_1\necho 2_0\n")
    assert cluster._in_queue(["1_0", "1_1"]) == {"1_1"}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_sweep_of_jobs_does_what_it_does_here(launcher, corpus, tmp_path):
    flags = (*DIVERGES, "--seeds=2", "--replicas=1")
    there, here = tmp_path / "there", tmp_path / "here"
    code, _, err = ablate(corpus, there, *flags, f"--launcher={launcher}", ONE_CORE)
    assert code == 1, err
    assert finished(there) == ["good/seed-0", "good/seed-1"]
    failure = read(there / "wild" / "seed-0" / "failure.json")
    assert (failure["kind"], failure["code"]) == ("diverged", 3)
    assert "2 of 4 runs are not done" in err.splitlines()[-1]
    assert ablate(corpus, here, *flags)[0] == 1
    assert hashes(there) == hashes(here)
    jobs = read(there / "jobs" / "jobs.json")
    assert len(set(jobs.values())) == 4
    code, _, _ = ablate(corpus, there, *flags, f"--launcher={launcher}")
    assert code == 1
    assert read(there / "jobs" / "jobs.json") == jobs  # nothing was submitted again


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_stopped_sweep_leaves_its_job_and_the_next_start_waits_for_it(
    launcher, corpus, tmp_path
):
    (run,) = runs_of(corpus, tmp_path, 1, epochs=60, chunk=8000, settle_every=1)
    setup = setup_of(corpus)

    def carry_out(watcher):
        cluster.carry_out(launcher, [run], setup, tmp_path, 1, OPTIONS, watcher)
        return read(tmp_path / "jobs" / "jobs.json")[run.name]

    first = Watcher(lambda: busy_in(run))
    number = carry_out(first)
    assert first.answers == []
    second = Watcher()
    assert carry_out(second) == number
    assert [answer.code for answer in second.answers] == [0]
    assert state(run, setup.judging) is State.DONE


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_that_is_gone_without_a_result_is_told_and_can_go_on(
    launcher, corpus, tmp_path
):
    (run,) = runs_of(corpus, tmp_path, 1, **LONG)

    def cancel():
        if busy_in(run):
            number = read(tmp_path / "jobs" / "jobs.json")[run.name]
            if launcher == "slurm":
                subprocess.run(["scancel", number], check=True)
            else:
                with contextlib.suppress(ProcessLookupError):  # it has gone by now
                    os.kill(holder_of(run), 15)
        return False

    watcher, setup = Watcher(cancel), setup_of(corpus)
    cluster.carry_out(launcher, [run], setup, tmp_path, 1, OPTIONS, watcher)
    (answer,) = watcher.answers
    assert answer.code == STOPPED
    assert "ended without a result" in answer.line
    assert state(run, setup.judging) is State.STARTED
    assert list((run.path / "checkpoints").glob("0*"))


@pytest.mark.slow
@needs_slurm
def test_slurm_runs_the_jobs_of_an_array_two_at_a_time(corpus, tmp_path):
    flags = ["--sweep=window=1,2,3", "--launcher=slurm", ONE_CORE, "--jobs=2"]
    process = start(corpus, tmp_path, *flags)
    seen = 0
    while process.poll() is None:
        listed = subprocess.run(
            ["squeue", "--noheader", "--array", "--states=running", "--format=%i"],
            capture_output=True,
            text=True,
        )
        seen = max(seen, len(listed.stdout.split()))
        time.sleep(0.2)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert len(finished(tmp_path)) == 3
    assert 1 <= seen <= 2
    numbers = set(read(tmp_path / "jobs" / "jobs.json").values())
    assert {number.partition("_")[2] for number in numbers} == {"0", "1", "2"}
    assert len({number.partition("_")[0] for number in numbers}) == 1
