"""`python -m experiments.train` as a real process on a small real text, to be killed.

Every run here has checkpoints at each of its settled points, of which there are some
ten in its second of training.
"""

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETTLED = ("--chunk=8000", "--settle_every=2", "--checkpoint_seconds=0")
SMALL = ("--min_count=2", "--dim=16", "--epochs=4", "--replicas=2", "--seed=3")
Due = Callable[[], bool]


def small_text() -> Path:
    """60,000 words of news that gensim carries for its own tests."""
    found = importlib.util.find_spec("gensim")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the text that comes with gensim")
    (folder,) = found.submodule_search_locations
    return Path(folder) / "test" / "test_data" / "lee_background.cor"


class Ended(NamedTuple):
    """How a process ended: its exit code, minus the signal where one killed it."""

    code: int
    output: str
    errors: str


class Run:
    """One command line for one run directory, started as often as needed."""

    def __init__(self, workdir: Path, cache: Path, flags: Sequence[str] = ()) -> None:
        self.workdir = workdir
        self.command = [sys.executable, "-m", "experiments.train"]
        self.command += [f"--corpus={small_text()}", f"--workdir={workdir}"]
        self.command += [f"--cache_dir={cache}", *SETTLED, *SMALL, *flags]
        self.before = time.monotonic()

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        """Starts the command from the project's folder."""
        self.before = time.monotonic()
        return subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=os.environ | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def finish(self, **environment: str) -> Ended:
        """Runs the command to its end."""
        return wait(self.start(**environment))

    def stop_when(self, due: Due, number: int = signal.SIGKILL) -> Ended:
        """Sends the signal as soon as `due()`, unless the command has ended before."""
        process = self.start()
        while process.poll() is None and not due():
            time.sleep(0.0005)
        process.send_signal(number)
        return wait(process)

    def after(self, seconds: float) -> Due:
        """Due so long after the start."""
        return lambda: time.monotonic() - self.before >= seconds

    def there(self, pattern: str, then: float = 0.0) -> Due:
        """Due when the run directory holds such a file, and some seconds later."""
        seen: list[float] = []

        def due() -> bool:
            if not seen and any(self.workdir.glob(pattern)):
                seen.append(time.monotonic())
            return bool(seen) and time.monotonic() - seen[0] >= then

        return due

    def json(self, name: str) -> Any:
        return json.loads((self.workdir / name).read_bytes())


def wait(process: "subprocess.Popen[str]") -> Ended:
    """The end of a process that should not take minutes."""
    try:
        output, errors = process.communicate(timeout=1500)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.returncode, output, errors)


def moments(run: Run, chance: random.Random, seconds: float) -> list[tuple[str, Due]]:
    """One random moment of each kind in the life of a run of so many seconds."""
    newest = run.workdir / "checkpoints"
    numbers = [int(p.name) for p in newest.glob("0*")] if newest.exists() else []
    later = max(numbers, default=0) + chance.randint(1, 6)
    return [
        ("at any time", run.after(chance.uniform(0, seconds))),
        ("after the start", run.there("config.json", chance.uniform(0, 1.5))),
        ("writing a checkpoint", _new_partial(run, chance)),
        ("training", run.there(f"checkpoints/{later:06d}", chance.uniform(0, 0.1))),
        ("writing vectors", run.there(".vectors.bin.*", chance.uniform(0, 0.01))),
        ("at the end", run.there("vectors.bin", chance.uniform(0, 0.01))),
    ]


def _new_partial(run: Run, chance: random.Random) -> Due:
    """Due while the n-th checkpoint of this start is being written."""
    wanted, then = chance.randint(1, 4), chance.uniform(0, 0.02)
    seen: dict[str, float] = {}

    def due() -> bool:
        for path in run.workdir.glob("checkpoints/.partial-*"):
            seen.setdefault(path.name, time.monotonic())
        times = list(seen.values())
        return len(times) >= wanted and time.monotonic() - times[wanted - 1] >= then

    return due


def progress(run: Run) -> str:
    """What a killed run left, for the record of where kills have struck."""
    names = [path.name for path in run.workdir.glob("checkpoints/*")]
    partial = any(name.startswith(".partial-") for name in names)
    done = max((int(name) for name in names if name.isdecimal()), default=0)
    return f"checkpoint {done}" + (", another half written" if partial else "")


def outcome(run: Run) -> dict[str, Any]:
    """What must not depend on kills: tables, counts, loss, and the whole log."""
    summary, lines = run.json("summary.json"), []
    for line in (run.workdir / "metrics.jsonl").read_text().splitlines():
        values = json.loads(line)
        kept = ("step", "epoch", "raw_words", "loss", "learning_rate")
        lines.append({name: values[name] for name in kept})
    names = ("raw_words", "kept_tokens", "vocabulary", "final_loss", "sha256")
    files = ("vectors.bin", "output_vectors.safetensors", "vocabulary.tsv")
    return {
        **{name: summary[name] for name in names},
        "metrics": lines,
        "files": {name: (run.workdir / name).read_bytes() for name in files},
    }


def only_line(text: str) -> str:
    """The one line of a message; progress that came before it left out."""
    lines = [line for line in text.splitlines() if not _PROGRESS.match(line)]
    assert len(lines) == 1, text
    return lines[0]


_PROGRESS = re.compile(
    r"(hashing|encoding|counting|training): |first step|[\d,]+ words, |.*going on at"
)
