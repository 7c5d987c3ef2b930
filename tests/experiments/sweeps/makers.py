"""Sweeps to test on: two cells of two seeds, and directories as runs leave them."""

import json
from pathlib import Path

import numpy as np

from experiments.sweeps.estimate import Estimator, Text, text_key
from experiments.sweeps.runs import Judging, make_runs
from w2v_jax.config import Config, resolve

SHA256 = "ab" * 32
JUDGING = Judging(("wordsim353",), frozenset({"wordsim353"}))
BASE = Config(corpus="text.txt", dim=8, epochs=2)
WORDS = 1000


def runs_of(workdir, **fields):
    """Four runs: windows 2 and 5, seeds 0 and 1."""
    base = BASE.replace(**fields)
    configs = {f"window={m}": base.replace(window=m) for m in (2, 5)}
    return make_runs(Path(workdir), configs, (0, 1))


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def start(run, replicas=2, sha256=SHA256):
    """What a run leaves as soon as it has begun."""
    put(run.path / "config.json", resolve(run.config, replicas).to_dict())
    put(run.path / "environment.json", {"corpus_sha256": sha256})


def finish(run, seconds=4.0, **scores):
    """What a run leaves when it is trained and judged."""
    start(run)
    put(run.path / "summary.json", {"train_seconds": seconds})
    found = {"similarity": {"wordsim353": {}}, "analogy": {}, "absent": []}
    put(run.path / "eval.json", found | {"restrict_vocab": 0} | scores)


def text(raw_words=WORDS, counts=(500, 300, 190, 6, 4)):
    return Text(raw_words, np.array(counts, np.int64), SHA256)


def estimator(runs, **about):
    return Estimator({text_key(run.config): text(**about) for run in runs})
