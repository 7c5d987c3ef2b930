"""What a run leaves, as kinds of files to damage: checkpoints and its directory."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from w2v_jax import checkpoint
from w2v_jax.metrics_log import read_metrics
from w2v_jax.runlog import RunDirectory

_STATE = {"input": np.eye(8, 3, dtype=np.float32), "key": np.arange(2, dtype=np.uint32)}
_WHERE = {"position": {"epoch": 1, "raw_words": 2**40}, "seconds": 1.5, "loss": None}


def write_checkpoint(folder: Path) -> list[Path]:
    return sorted(checkpoint.save(folder, _STATE, _WHERE).iterdir())


def _latest(path: Path) -> tuple[Any, Any]:
    """As a run does that goes on; where there is no good one it starts anew."""
    messages: list[str] = []
    found = checkpoint.latest_good(path.parent.parent, messages.append)
    if found is None:
        raise ValueError(messages[0])
    return checkpoint.restore(found[0], _STATE)


def restore(path: Path) -> None:
    state, metadata = _latest(path)
    assert all(state[name].shape == array.shape for name, array in _STATE.items())
    assert isinstance(metadata, dict)


def restore_whole(path: Path) -> None:
    """What has the hashes it should have is what was saved."""
    state, metadata = _latest(path)
    assert metadata == _WHERE
    for name, array in _STATE.items():
        np.testing.assert_array_equal(state[name], array)


def sums_mended(path: Path) -> None:
    """Someone has damaged a file and made the hashes anew."""
    names = checkpoint.STATE, checkpoint.METADATA
    lines = [
        f"{hashlib.sha256((path.parent / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
    ]
    (path.parent / checkpoint.SUMS).write_text("".join(lines))


def run_directory(folder: Path) -> list[Path]:
    with RunDirectory(folder) as run:
        run.begin({"dim": 100, "seed": 0, "learning_rate": 0.025})
        run.record_environment({"jax": "0.10.2", "corpus_sha256": "ab"})
        run.write_json("summary.json", {"final_loss": 2.5})
    lines = [{"step": n, "loss": 2.5 / n, "raw_words": 2**40} for n in (1, 2, 3)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    return sorted(path for path in folder.iterdir() if path.name[0] != ".")


def go_on(path: Path) -> None:
    with RunDirectory(path.parent) as run:
        run.begin({"dim": 100, "seed": 0, "learning_rate": 0.025})
        run.record_environment({"jax": "0.10.2", "corpus_sha256": "ab"})
        run.read_json("summary.json")
        read_metrics(path.parent / "metrics.jsonl")
        with run.metrics(2)[0] as log:
            log.append(step=3)
