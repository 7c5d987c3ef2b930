"""`python -m experiments.ablate` as a real process on a small text."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.test_training import clusters

ROOT = Path(__file__).resolve().parents[3]
SMALL = ("--dim=12", "--epochs=2", "--subsample=0", "--learning_rate=0.01")
PAIRS = "w1 w2 9\nw1 w12 1\nw3 w4 8\nw5 w16 2\nw6 w7 7\n"


def write_text(folder, tokens=20_000):
    """Sentences of two topics, w0 to w9 and w10 to w19, and pairs of them to judge."""
    folder.mkdir(parents=True, exist_ok=True)
    words = np.array([f"w{i}" for i in range(20)] + ["\n"])
    path = folder / "text.txt"
    path.write_text(" ".join(words[clusters(tokens)]), encoding="utf-8")
    (folder / "pairs.txt").write_text(PAIRS, encoding="utf-8")
    return path


def command(corpus, workdir, *flags):
    """The command line of a sweep over that text."""
    return [
        sys.executable,
        "-m",
        "experiments.ablate",
        f"--corpus={corpus}",
        f"--workdir={workdir}",
        f"--cache_dir={corpus.parent}/cache",
        f"--suite={corpus.parent}/pairs.txt",
        *SMALL,
        *flags,
    ]


def start(corpus, workdir, *flags):
    return subprocess.Popen(
        command(corpus, workdir, *flags),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ablate(corpus, workdir, *flags):
    """(exit code, standard output, standard error) of a sweep."""
    process = start(corpus, workdir, *flags)
    try:
        out, err = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def read(path):
    return json.loads(path.read_bytes())


def finished(workdir):
    """The runs below a folder that have both summary and scores."""
    found = workdir.glob("*/seed-*/summary.json")
    names = [path.parent for path in found if (path.parent / "eval.json").is_file()]
    return sorted(str(path.relative_to(workdir)) for path in names)


def hashes(workdir):
    """What must not depend on kills, workers or launchers: the tables of each run."""
    return {
        name: read(workdir / name / "summary.json")["sha256"]
        for name in finished(workdir)
    }


def children(process):
    """The numbers of the processes that a process has started."""
    number = str(process.pid)
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1] == number:
                found.append(int(entry.name))
    return found
