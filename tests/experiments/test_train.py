"""The training command on real processes: what it leaves, and what it refuses."""

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.experiments.test_cli import train
from tests.test_training import clusters
from w2v_jax import Vectors
from w2v_jax.vocabulary import Vocabulary

FILES = {
    "config.json",
    "environment.json",
    "metrics.jsonl",
    "checkpoints",
    "vocabulary.tsv",
    "vectors.bin",
    "output_vectors.safetensors",
    "summary.json",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Sentences of two topics, as text, and a cache shared by the runs."""
    folder = tmp_path_factory.mktemp("corpus")
    words = np.array([f"w{i}" for i in range(20)] + ["\n"])
    text = " ".join(words[clusters(20_000)])
    (folder / "text.txt").write_text(text, encoding="utf-8")
    return folder / "text.txt"


def run(corpus, workdir, *flags):
    small = ["--dim=12", "--epochs=2", "--subsample=0", "--learning_rate=0.01"]
    common = [f"--corpus={corpus}", f"--cache_dir={corpus.parent}/cache"]
    return train(*common, f"--workdir={workdir}", *small, *flags)


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "finished"
    code, out, err = run(corpus, workdir)
    assert code == 0, err
    assert "raw words/s" in out
    assert "Traceback" not in err
    return workdir


def test_a_run_directory_holds_everything(finished):
    assert {path.name for path in finished.iterdir()} - {".lock"} == FILES
    config = json.loads((finished / "config.json").read_text())
    assert None not in config.values()
    assert config["replicas"] >= 1
    environment = json.loads((finished / "environment.json").read_text())
    for key in ("git_commit", "jax", "devices", "command_line", "corpus_sha256"):
        assert key in environment


def test_the_summary_counts_words_and_names_the_bits(finished):
    summary = json.loads((finished / "summary.json").read_text())
    words = int((clusters(20_000) >= 0).sum())
    assert summary["raw_words"] == 2 * words
    rate = summary["raw_words"] / summary["train_seconds"]
    assert summary["words_per_second"] == pytest.approx(rate)
    vectors = Vectors.load(finished / "vectors.bin")
    table = np.ascontiguousarray(vectors.matrix)
    assert summary["sha256"]["input_vectors"] == hashlib.sha256(table).hexdigest()
    outputs = load_file(finished / "output_vectors.safetensors")["output_vectors"]
    assert summary["sha256"]["output_vectors"] == hashlib.sha256(outputs).hexdigest()
    assert vectors.words == Vocabulary.load_tsv(finished / "vocabulary.tsv").words


def test_each_line_of_the_log_is_one_flat_object(finished):
    lines = (finished / "metrics.jsonl").read_text().splitlines()
    summary = json.loads((finished / "summary.json").read_text())
    for line in lines:
        assert set(json.loads(line)) == {
            "step",
            "epoch",
            "raw_words",
            "loss",
            "learning_rate",
            "words_per_second",
            "seconds",
        }
    assert json.loads(lines[-1])["loss"] == summary["final_loss"]


@pytest.mark.slow
def test_the_same_command_again_changes_nothing_and_another_is_refused(
    corpus, finished
):
    before = (finished / "vectors.bin").read_bytes()
    code, _, err = run(corpus, finished)
    assert code == 0
    assert "already finished" in err
    assert (finished / "vectors.bin").read_bytes() == before
    code, _, err = run(corpus, finished, "--window=4")
    assert code == 2
    assert "window" in err.splitlines()[-1]
    assert (finished / "vectors.bin").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize(
    "objective", ["negative_sampling", "hierarchical_softmax", "softmax"]
)
def test_every_model_trains_from_the_command_line(
    corpus, tmp_path, architecture, objective
):
    flags = [f"--architecture={architecture}", f"--objective={objective}"]
    code, _, err = run(corpus, tmp_path / "run", *flags)
    assert code == 0, err
    matrix = Vectors.load(tmp_path / "run" / "vectors.bin").matrix
    assert np.isfinite(matrix).all()
    assert matrix.shape == (20, 12)


@pytest.mark.slow
def test_divergence_is_seen_told_and_never_written(corpus, tmp_path):
    workdir = tmp_path / "run"
    code, _, err = run(corpus, workdir, "--learning_rate=1e6", "--epochs=3")
    assert code == 3
    last = err.splitlines()[-1]
    for word in ("diverged", "step", "negative_sampling", "checkpoint", "--row_cap"):
        assert word in last
    assert not (workdir / "vectors.bin").exists()
    assert not (workdir / "summary.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", ["empty"]),
        (b" \n\n ", ["word"]),
        (b"one one one one one one", ["min_count"]),
        (b"good \xff\xfe bad " * 9, ["byte", "invalid_utf8"]),
    ],
)
def test_text_that_cannot_be_trained_on_gets_one_line(tmp_path, text, words):
    path = tmp_path / "bad.txt"
    path.write_bytes(text)
    code, out, err = train(
        f"--corpus={path}", f"--workdir={tmp_path}/run", f"--cache_dir={tmp_path}/c"
    )
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith(str(path))
    assert all(word in last for word in words)
    assert "Traceback" not in err


@pytest.mark.slow
def test_tables_larger_than_the_machine_are_refused(corpus, tmp_path):
    big = tmp_path / "big.txt"
    big.write_text(" ".join(f"w{i}" for i in range(300_000)))
    code, _, err = run(big, tmp_path / "run", "--dim=65536", "--min_count=1")
    assert code == 2
    assert "GiB" in err.splitlines()[-1]
    assert "--max_vocabulary" in err.splitlines()[-1]
