"""Launchers by name, and what each refuses before anything runs."""

import os

import pytest

from experiments.sweeps import launchers

CORES = len(os.sched_getaffinity(0))


def test_this_machine_takes_as_many_jobs_as_it_has_cores():
    launchers.check("local", 1, [0, CORES, 50])
    launchers.check("local", CORES, [0])
    with pytest.raises(ValueError, match=f"--jobs={CORES + 1}"):
        launchers.check("local", CORES + 1, [0])


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_replicas_that_would_share_cores_with_another_job_are_refused():
    share = CORES // 2
    launchers.check("local", 2, [0, share])
    with pytest.raises(ValueError, match=rf"--replicas={share + 1}: with --jobs=2"):
        launchers.check("local", 2, [0, share + 1])


def test_slurm_without_slurm_says_where_to_go(monkeypatch, tmp_path):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="no sbatch here"):
        launchers.check("slurm", 0, [])
    launchers.check("submitit_local", 0, [])
