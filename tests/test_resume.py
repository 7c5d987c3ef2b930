"""Runs that are killed, stopped, refused, starved of disk space and then go on."""

import random
import re
import signal
import subprocess
import sys

import pytest

from tests.broken_disks import full_disk
from tests.real_runs import ROOT, Run, moments, only_line, outcome

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def reference(tmp_path_factory, cache):
    """A run that nothing has disturbed."""
    run = Run(tmp_path_factory.mktemp("reference") / "run", cache)
    ended = run.finish()
    assert ended.code == 0, ended.errors
    return run


@pytest.fixture
def run(tmp_path, cache):
    return Run(tmp_path / "run", cache)


def finished_like(run, reference):
    ended = run.finish()
    assert ended.code == 0, ended.errors
    assert outcome(run) == outcome(reference)
    return ended


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(run, reference, seed):
    chance = random.Random(seed)
    for number in chance.sample(range(6), 3):
        _, due = moments(run, chance, 3)[number]
        assert run.stop_when(due).code in (0, -signal.SIGKILL)
    finished_like(run, reference)


def test_a_run_killed_while_its_vectors_are_written_keeps_its_loss(run, reference):
    ended = run.stop_when(run.there(".vectors.bin.*"))
    assert ended.code == -signal.SIGKILL
    assert not (run.workdir / "summary.json").exists()
    finished_like(run, reference)
    assert not list(run.workdir.glob(".vectors*")), "the torn file is swept"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_saves_and_stops_with_the_line_that_goes_on(
    run, reference, number, code
):
    ended = run.stop_when(run.there("checkpoints/000002"), number)
    assert ended.code == code
    last = ended.errors.splitlines()[-1]
    found = re.search(r"/checkpoints/(\d{6}): saved; go on with: (.*)", last)
    assert found, last
    assert (run.workdir / "checkpoints" / found[1]).is_dir()
    for flag in run.command[3:]:
        assert flag in found[2]
    assert not (run.workdir / "summary.json").exists()
    assert "going on at" in finished_like(run, reference).errors


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_before_the_first_step_stops_at_once_without_a_traceback(
    run, reference, number, code
):
    ended = run.stop_when(run.there("config.json"), number)
    assert ended.code == code
    assert "Traceback" not in ended.errors
    finished_like(run, reference)


IN_A_CALLBACK = """
import gc, os, sys, time
from experiments import cli

def callback(*_):
    gc.callbacks.remove(callback)
    os.kill(os.getpid(), NUMBER)
    time.sleep(0)  # here the handler runs, and what it raises reaches nobody

def main(_):
    gc.callbacks.append(callback)
    gc.collect()
    time.sleep(5)

cli.run(main)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_that_arrives_while_garbage_is_collected_is_not_lost(number, code):
    # jax has such a callback; a signal in it would leave the run going on.
    program = IN_A_CALLBACK.replace("NUMBER", str(int(number)))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_second_process_is_refused_while_the_first_goes_on(run, reference):
    first = run.start()
    try:
        while not run.there("config.json")():
            assert first.poll() is None
        second = Run(run.workdir, run.workdir.parent / "other cache").finish()
        assert second.code == 2
        assert f"{run.workdir}: process {first.pid}" in only_line(second.errors)
    finally:
        errors = first.communicate(timeout=1500)[1]
    assert first.returncode == 0, errors
    assert outcome(run) == outcome(reference)


def test_another_config_is_refused_with_its_fields_and_can_overwrite(run, cache):
    run.stop_when(run.there("checkpoints/000001"))
    other = Run(run.workdir, cache, ["--window=3", "--seed=4"])
    ended = other.finish()
    assert ended.code == 2
    line = only_line(ended.errors)
    assert line.startswith(f"{run.workdir}: ")
    assert "seed: 3 -> 4, window: 5 -> 3" in line
    assert "--overwrite" in line
    again = Run(run.workdir, cache, ["--window=3", "--seed=4", "--overwrite"])
    assert again.finish().code == 0
    assert again.json("config.json")["window"] == 3
    fresh = Run(run.workdir.parent / "fresh", cache, ["--window=3", "--seed=4"])
    finished_like(fresh, again)


def test_a_finished_run_is_left_as_it_is(reference):
    before = (reference.workdir / "summary.json").stat().st_mtime_ns
    ended = reference.finish()
    assert ended.code == 0
    assert "already finished" in ended.errors
    assert (reference.workdir / "summary.json").stat().st_mtime_ns == before


def test_a_changed_byte_in_the_newest_checkpoint_falls_back_and_says_so(run, reference):
    run.stop_when(run.there("checkpoints/000004"))
    newest = max((run.workdir / "checkpoints").glob("0*"))
    path = newest / "state.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    errors = finished_like(run, reference).errors
    assert f"{newest}: its bytes do not have the hashes" in errors
    before = f"{int(newest.name) - 1:06d}"
    assert f"/{before}: going on at" in errors


def test_the_number_of_replicas_is_kept_when_a_run_goes_on(tmp_path, cache, reference):
    run = Run(tmp_path / "run", cache)
    run.stop_when(run.there("checkpoints/000002"))
    assert run.json("config.json")["replicas"] == 2
    # On one core the default would be one replica.
    run.command = ["taskset", "-c", "0", *run.command]
    run.command.remove("--replicas=2")
    finished_like(run, reference)


def test_a_run_directory_that_cannot_be_written_is_named_in_one_line(tmp_path, cache):
    folder = tmp_path / "disk"
    folder.mkdir()
    with full_disk(folder, 1 << 20):
        remount = ["mount", "-o", "remount,ro", str(folder)]
        subprocess.run(remount, check=True)
        ended = Run(folder / "run", cache).finish()
    assert ended.code == 2
    assert only_line(ended.errors) == f"{folder / 'run'}: Read-only file system"


def test_a_full_disk_stops_the_run_in_one_line_and_more_space_lets_it_go_on(
    tmp_path, cache, reference
):
    folder = tmp_path / "disk"
    folder.mkdir()
    run = Run(folder / "run", cache)
    state = reference.workdir / "checkpoints"
    size = max(path.stat().st_size for path in state.glob("*/state.safetensors"))
    with full_disk(folder, int(2.5 * size)):
        ended = run.finish()
        assert ended.code == 2
        assert only_line(ended.errors).endswith(": No space left on device")
        assert len(list(folder.glob("run/checkpoints/0*"))) == 2
        more = ["mount", "-o", f"remount,size={10 * size}", str(folder)]
        subprocess.run(more, check=True)
        assert "going on at" in finished_like(run, reference).errors


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_bits_do_not_depend_on_pythons_hash_seed(run, reference, seed):
    assert run.finish(PYTHONHASHSEED=seed).code == 0
    assert outcome(run) == outcome(reference)
