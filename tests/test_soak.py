"""What takes long: `make soak`. Each test prints the figures that it has measured."""

import collections
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.real_runs import ROOT, Run, moments, outcome, progress

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "50"))
STOPS = int(os.environ.get("SOAK_STOPS", "20"))
EPOCHS = int(os.environ.get("SOAK_EPOCHS", "5"))
MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
# Every architecture with every objective, every optimizer twice.
MODELS = [
    [f"--architecture={a}", f"--objective={o}", f"--optimizer={p}"]
    for (a, o), p in zip(
        itertools.product(
            ("skipgram", "cbow"),
            ("negative_sampling", "hierarchical_softmax", "softmax"),
        ),
        ("sgd", "adagrad", "adam", "adam", "sgd", "adagrad"),
        strict=True,
    )
]


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Each model's undisturbed run and the seconds it took."""
    cache = tmp_path_factory.mktemp("cache")
    runs = []
    for number, flags in enumerate(MODELS):
        run = Run(tmp_path_factory.mktemp("reference") / str(number), cache, flags)
        assert run.finish().code == 0  # compiles
        run = Run(run.workdir.with_name(f"{number} again"), cache, flags)
        ended = run.finish()
        assert ended.code == 0, ended.errors
        runs.append((run, cache, time.monotonic() - run.before))
    return runs


def episodes(references, tmp_path):
    """Fresh run directories, one model after the other, without end."""
    for number, (reference, cache, seconds) in enumerate(itertools.cycle(references)):
        flags = MODELS[number % len(MODELS)]
        yield Run(tmp_path / f"{number:03d}", cache, flags), reference, seconds


def test_killed_runs_end_with_the_same_bits(references, tmp_path, capsys):
    chance = random.Random(0)
    struck: collections.Counter[str] = collections.Counter()
    places: collections.Counter[str] = collections.Counter()
    for run, reference, seconds in episodes(references, tmp_path):
        for _ in range(chance.randint(1, 5)):
            kind, due = chance.choice(moments(run, chance, seconds))
            if run.stop_when(due).code == -signal.SIGKILL:
                struck[kind] += 1
                places[progress(run)] += 1
        ended = run.finish()
        assert ended.code == 0, ended.errors
        assert outcome(run) == outcome(reference), run.command
        if struck.total() >= KILLS:
            break
    with capsys.disabled():
        print(f"\n{struck.total()} kills in {run.workdir.name} runs, no bit changed")
        for name, count in (*struck.most_common(), *sorted(places.items())):
            print(f"  {count:3d} {name}")


def test_stopped_runs_say_how_to_go_on_and_end_with_the_same_bits(
    references, tmp_path, capsys
):
    chance = random.Random(1)
    codes, slowest = collections.Counter(), 0.0
    for run, reference, seconds in episodes(references, tmp_path):
        number = chance.choice((signal.SIGINT, signal.SIGTERM))
        begun = run.there("config.json", chance.uniform(0, 0.8 * seconds))
        stopped: list[float] = []

        def due(begun=begun, stopped=stopped) -> bool:
            stopped[:] = [time.monotonic()]
            return begun()

        ended = run.stop_when(due, number)
        slowest = max(slowest, time.monotonic() - stopped[0])
        # After its last line Python takes its handlers down, and the signal itself
        # ends it: a shell shows that as the same 128 + number.
        assert ended.code in (0, 128 + number, -number), ended.errors
        assert "Traceback" not in ended.errors
        codes[ended.code if ended.code >= 0 else 128 - ended.code] += 1
        ended = run.finish()
        assert ended.code == 0, ended.errors
        assert outcome(run) == outcome(reference), run.command
        if codes[130] + codes[143] >= STOPS:
            break
    # "Within seconds", a busy machine included.
    assert slowest < 10
    with capsys.disabled():
        print(f"\nexit codes {dict(codes)}, at most {slowest:.1f} s after the signal")


def resident_bytes(process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_memory_files_and_threads_stay_the_same_for_half_an_hour(tmp_path, capsys):
    run = Run(tmp_path / "run", tmp_path / "cache", ["--epochs=1000000"])
    process = run.start()
    log, samples = run.workdir / "metrics.jsonl", []
    while not (log.exists() and log.read_bytes().count(b"\n") > 20):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    begun = time.monotonic()
    while (seconds := time.monotonic() - begun) < 60 * MINUTES:
        folder = Path(f"/proc/{process.pid}")
        counts = len(list((folder / "fd").iterdir())), len(list(folder.glob("task/*")))
        samples.append((seconds, resident_bytes(process), *counts))
        time.sleep(MINUTES / 5)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=1500)[1]
    assert process.returncode == 143, errors
    seconds, memory, files, threads = np.array(samples).T
    later = seconds > seconds[-1] / 4  # allocators settle in the first quarter
    growth = np.polyfit(seconds[later], memory[later], 1)[0] * 3600
    settled = log.read_bytes().count(b"\n")
    with capsys.disabled():
        print(f"\n{MINUTES:g} minutes, {settled:,} checkpoints, resident memory")
        print(f"  {memory.min() / 2**20:.1f} to {memory.max() / 2**20:.1f} MiB")
        print(f"  trend {growth / 2**20:+.2f} MiB an hour")
    # One lost table of this run (7,000 x 16 float32) at each of thousands of settled
    # points would come to gigabytes; the allocator itself drifts by a few MiB.
    assert memory[later].max() - memory[later].min() < 16 << 20
    assert np.ptp(files[later]) <= 3, "the log, a checkpoint and its folder"
    assert np.ptp(threads[later]) == 0


def test_loss_log_and_checkpoints_cost_less_than_two_percent(
    tmp_path, shared_data, capsys
):
    corpus = shared_data / "corpora" / "enwiki2015_leads_100MB.txt.bz2"
    command = [sys.executable, "-m", "experiments.train", f"--corpus={corpus}"]
    command += [f"--workdir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}"]
    # The settings of the benchmark; checkpoints and logging as they are by default.
    command += ["--subsample=1e-4", f"--epochs={EPOCHS}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    summary = json.loads((tmp_path / "run" / "summary.json").read_bytes())
    lines = len((tmp_path / "run" / "metrics.jsonl").read_bytes().splitlines())
    training, settling = summary["train_seconds"], summary["settling_seconds"]
    share = settling / (training + settling)
    with capsys.disabled():
        print(f"\n{training:.1f} s of training, {lines} points of the log:")
        print(f"  {settling:.2f} s for loss, log and checkpoints, {share:.2%}")
    assert share < 0.02
