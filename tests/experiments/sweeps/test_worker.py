"""The worker: what it trains, answers and records, as a real process."""

import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from experiments import cli
from experiments.sweeps import worker
from experiments.sweeps.runs import FAILURE, LOG
from tests.experiments.sweeps.sweeping import ROOT, finished, read, write_text
from w2v_jax.runlog import peak_memory_bytes

COMMAND = [sys.executable, "-m", "experiments.sweeps.worker"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


def task(text, path, **fields):
    config = {"corpus": str(text), "dim": 8, "epochs": 1, "subsample": 0.0}
    return {
        "path": str(path),
        "config": config | {"replicas": 1} | fields,
        "cache_dir": f"{text.parent}/cache",
        "checkpoint_seconds": 60.0,
        "suites": [f"{text.parent}/pairs.txt"],
        "restrict": 0,
        "cores": None,
    }


def start():
    return subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ask(process, one):
    process.stdin.write(json.dumps(one) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@pytest.fixture(scope="module")
def answers(corpus, tmp_path_factory):
    """One worker after the other tasks: a good run, three bad ones, a good one."""
    folder = tmp_path_factory.mktemp("runs") / "cell"
    fields = (
        {},
        {"corpus": "nowhere.txt"},
        {"learning_rate": 1e30},
        {"window": 0},
        {"seed": 1},
    )
    process, found, compiled = start(), [], []
    for n, one in enumerate(fields):
        found.append(ask(process, task(corpus, folder / f"seed-{n}", **one)))
        compiled.append({file.name for file in corpus.parent.glob("cache/xla/*-cache")})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    return folder, found, compiled


@pytest.mark.slow
def test_one_worker_does_run_after_run_and_failures_stop_nothing(answers):
    folder, found, _ = answers
    codes = [answer["code"] for answer in found]
    assert codes == [0, cli.USAGE, cli.DIVERGED, cli.USAGE, 0]
    assert finished(folder.parent) == ["cell/seed-0", "cell/seed-4"]
    assert [answer["path"] for answer in found] == [
        str(folder / f"seed-{n}") for n in range(5)
    ]
    assert all(answer["seconds"] > 0 for answer in found)


@pytest.mark.slow
def test_a_failure_is_told_and_recorded_in_the_same_words(answers):
    folder, found, _ = answers
    for number, words in ((1, "nowhere.txt"), (2, "diverged by step"), (3, "window=0")):
        failure = read(folder / f"seed-{number}" / FAILURE)
        assert failure["error"] == found[number]["line"]
        assert failure["code"] == found[number]["code"]
        assert words in failure["error"]
    assert not list(folder.glob("seed-[04]/failure.json"))


@pytest.mark.slow
def test_what_training_prints_lies_in_the_run_directory(answers):
    folder, *_ = answers
    assert "words in the vocabulary" not in (folder / "seed-1" / LOG).read_text()
    log = (folder / "seed-4" / LOG).read_text()
    assert "first step" in log
    assert "diverged" in (folder / "seed-2" / LOG).read_text()


@pytest.mark.slow
def test_scores_are_those_of_the_evaluate_command(answers, corpus, tmp_path):
    folder, *_ = answers
    vectors = folder / "seed-0" / "vectors.bin"
    given = [f"--vectors={vectors}", f"--suite={corpus.parent}/pairs.txt"]
    given += [f"--out={tmp_path}/eval.json"]
    program = [sys.executable, "-m", "experiments.evaluate", *given]
    subprocess.run(program, cwd=ROOT, check=True, capture_output=True)
    assert read(folder / "seed-0" / "eval.json") == read(tmp_path / "eval.json")


@pytest.mark.slow
def test_a_run_with_another_seed_compiles_nothing_that_the_first_has(answers):
    *_, compiled = answers
    # All that takes 0.1 s to compile is kept: the measuring of the loss at least.
    assert any("measure" in name for name in compiled[0])
    assert compiled[-1] == compiled[0]


@pytest.mark.slow
def test_one_task_from_a_file_ends_with_the_code_of_the_run(corpus, tmp_path):
    for name, fields, code in (
        ("good", {}, 0),
        ("bad", {"corpus": "nowhere.txt"}, 2),
        ("wild", {"learning_rate": 1e30}, 3),
    ):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(task(corpus, tmp_path / name, **fields)))
        done = subprocess.run(
            [*COMMAND, str(file)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == code
        assert json.loads(done.stdout)["code"] == code
        assert len(done.stderr.splitlines()) == (1 if code else 0)


@pytest.mark.slow
def test_a_worker_whose_parent_is_gone_saves_its_run_and_ends(corpus, tmp_path):
    slow = task(corpus, tmp_path / "run", epochs=10_000, chunk=8000, settle_every=1)
    process = start()
    process.stdin.write(json.dumps(slow) + "\n")
    process.stdin.flush()
    while not (tmp_path / "run" / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.communicate(timeout=60)
    assert process.returncode == cli.TERMINATED
    assert list((tmp_path / "run" / "checkpoints").glob("0*"))
    assert not (tmp_path / "run" / FAILURE).exists()
    assert "going on" not in (tmp_path / "run" / LOG).read_text()


def test_a_run_directory_that_is_about_to_be_left_is_waited_for(tmp_path):
    lock = tmp_path / ".lock"
    worker.wait_until_free(lock)  # nobody has been here
    holder = subprocess.Popen(
        ["flock", str(lock), "sh", "-c", "echo held; sleep 0.5"],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"held\n"
    begun = time.monotonic()
    worker.wait_until_free(lock)
    assert time.monotonic() - begun >= 0.3  # it sleeps 0.5 s, less what echo took
    holder.communicate()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # and it was let go again


def test_each_run_reports_its_own_peak_of_memory():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux measures the peak anew")
    size = 300 * 2**20
    held = np.ones(size, np.uint8)
    high = peak_memory_bytes()
    del held
    assert peak_memory_bytes() > high - size / 2
    worker.forget_peak_memory()
    assert peak_memory_bytes() < high - size / 2  # the allocator may keep some of it


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("a.txt:\n bad"), 2, "a.txt: bad"),
        (FileNotFoundError(2, "No such file", "b"), 2, "b: No such file"),
        (MemoryError(), 2, cli.OUT_OF_MEMORY),
        (RuntimeError("RESOURCE_EXHAUSTED: 9 GiB"), 2, cli.OUT_OF_MEMORY),
        (cli.DivergedError("by step 7"), 3, "by step 7"),
        (TypeError("ours"), 1, "TypeError: ours"),
    ],
)
def test_errors_have_the_codes_of_the_training_command(error, code, line, capsys):
    assert worker.told(error) == (code, line)
    traceback = isinstance(error, TypeError)
    assert bool(capsys.readouterr().err) is traceback


@pytest.mark.parametrize("answered", [True, False])
def test_a_closed_input_stops_a_task_under_way_and_not_one_that_is_done(
    monkeypatch, answered
):
    ours, parent = os.pipe()
    killed = queue.Queue()
    monkeypatch.setattr(os, "kill", lambda *call: killed.put(call))
    with os.fdopen(ours) as text:
        monkeypatch.setattr(sys, "stdin", text)
        os.write(parent, b'{"path": "a"}\n')
        tasks = worker.from_stdin()
        found, done = next(tasks)
        assert found == {"path": "a"}
        if answered:
            done()
        os.close(parent)
        assert next(tasks, None) is None  # the reader has seen the end
    expected = [] if answered else [(os.getpid(), signal.SIGTERM)]
    assert list(killed.queue) == expected
