"""Runs that diverge, read broken text, or find a checkpoint that was tampered with."""

import hashlib
import json
import re
import signal

import numpy as np
import pytest

from tests.experiments.test_cli import command, train
from tests.real_runs import Run
from tests.test_training import clusters
from w2v_jax import checkpoint
from w2v_jax.metrics_log import read_metrics
from w2v_jax.state_file import arrays_in, read_bytes

pytestmark = pytest.mark.slow

SMALL = ["--dim=8", "--subsample=0", "--chunk=1024", "--settle_every=2"]
SMALL += ["--checkpoint_seconds=0", "--replicas=2"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trouble")
    words = np.array([f"w{i}" for i in range(20)] + ["\n"])
    (folder / "text.txt").write_text(" ".join(words[clusters(20_000)]))
    return folder / "text.txt"


def run(corpus, workdir, *flags):
    common = [f"--corpus={corpus}", f"--cache_dir={corpus.parent}/cache"]
    return train(*common, f"--workdir={workdir}", *SMALL, *flags)


@pytest.mark.parametrize(
    ("objective", "optimizer", "rate"),
    [
        ("negative_sampling", "sgd", "1e30"),
        ("hierarchical_softmax", "adagrad", "1e38"),
        ("softmax", "adam", "1e38"),
    ],
)
def test_divergence_is_seen_at_the_next_point_of_the_log_and_nothing_of_it_kept(
    corpus, tmp_path, objective, optimizer, rate
):
    flags = [f"--objective={objective}", f"--optimizer={optimizer}"]
    flags += [f"--learning_rate={rate}", "--row_cap=0"]
    code, _, errors = run(corpus, tmp_path / "run", *flags)
    assert code == 3, errors
    line = errors.splitlines()[-1]
    found = re.match(
        rf"{tmp_path}/run: diverged by step ([\d,]+) \({objective}, learning rate "
        r"([\de.+]+)\); (no checkpoint yet|last good checkpoint \S+)\. Lower",
        line,
    )
    assert found, line
    assert float(found[2]) == pytest.approx(float(rate), rel=0.1)  # it falls linearly
    # One logging interval is two chunks of 1,024 positions, at least 8 tokens a step.
    logged = read_metrics(tmp_path / "run" / "metrics.jsonl")
    before = logged[-1]["step"] if logged else 0
    assert 0 < int(found[1].replace(",", "")) - before <= 2 * 1024 / 8
    assert all(line["loss"] is not None for line in logged)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert not left & {"vectors.bin", "output_vectors.safetensors", "summary.json"}
    for path in (tmp_path / "run").glob("checkpoints/*/state.safetensors"):
        for array in arrays_in(path, read_bytes(path)[0]).values():
            assert np.isfinite(array).all()


def test_a_loss_that_rises_is_told_once_while_the_run_goes_on(corpus, tmp_path):
    program = (
        "import runpy\n"
        "from experiments import limits\n"
        "limits.Watch.RISE = 0.0  # any loss is too high\n"
        "runpy.run_module('experiments.train', run_name='__main__')\n"
    )
    flags = [f"--corpus={corpus}", f"--cache_dir={corpus.parent}/cache", *SMALL]
    code, _, errors = command(f"--workdir={tmp_path}/run", *flags, code=program)
    assert code == 0, errors
    said = [line for line in errors.splitlines() if "risen" in line]
    assert len(said) == 1
    rise = r"the loss has risen from [\d.]+ to [\d.]+ nats by step \d+"
    assert re.fullmatch(rf"{tmp_path}/run: {rise}\. Lower .*row_cap\.", said[0])
    assert len(read_metrics(tmp_path / "run" / "metrics.jsonl")) > 1


def test_a_run_that_diverges_later_names_its_last_good_checkpoint(tmp_path):
    run = Run(tmp_path / "run", tmp_path / "cache")
    run.stop_when(run.there("checkpoints/000002"), signal.SIGTERM)
    newest = max(run.workdir.glob("checkpoints/0*"))
    path = newest / checkpoint.STATE
    data, _ = read_bytes(path)
    for table in arrays_in(path, data).values():
        if table.dtype == np.float32:
            table[:] = 3e38  # finite, and their products are not
    path.write_bytes(data.tobytes())
    mend_hashes(newest)
    for _ in range(2):  # the second time nothing is different: no state was saved
        ended = run.finish()
        assert ended.code == 3, ended.errors
        line = ended.errors.splitlines()[-1]
        assert f"last good checkpoint {newest}. Lower --learning_rate" in line
        assert f"{newest}: going on at" in ended.errors
        assert not (run.workdir / "vectors.bin").exists()
        assert max(run.workdir.glob("checkpoints/0*")) == newest


@pytest.mark.parametrize(
    ("policy", "what", "words"),
    [("replace", "replaced by U+FFFD", "w0\ufffd"), ("skip", "left out", "w0")],
)
def test_bytes_that_are_no_utf8_are_counted_in_the_run(
    corpus, tmp_path, policy, what, words
):
    path = tmp_path / "text.txt"
    path.write_bytes(corpus.read_bytes() + b"\nw0\xff w0\xff w0\xff w0\xff w0\xff\n")
    flags = [f"--invalid_utf8={policy}", "--epochs=1"]
    code, _, errors = run(path, tmp_path / "run", *flags)
    assert code == 0, errors
    assert f"{path}: 5 bytes that are not UTF-8, {what}." in errors
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["invalid_bytes"] == 5
    lines = (tmp_path / "run" / "vocabulary.tsv").read_text().splitlines()
    assert words in {line.split("\t")[0] for line in lines}


def mend_hashes(folder):
    """Makes the hashes anew, as someone would who wants a change to pass."""
    names = checkpoint.STATE, checkpoint.METADATA
    sums = [hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names]
    text = "".join(f"{s}  {n}\n" for s, n in zip(sums, names, strict=True))
    (folder / checkpoint.SUMS).write_text(text)


def tampered(workdir, change):
    """Changes the metadata of every checkpoint and makes the hashes anew."""
    for folder in (workdir / "checkpoints").iterdir():
        path = folder / checkpoint.METADATA
        metadata = json.loads(path.read_text())
        change(metadata)
        path.write_text(json.dumps(metadata))
        mend_hashes(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda metadata: metadata.clear(),
        lambda metadata: metadata["position"].update(epoch=10**9),
        lambda metadata: metadata["position"].update(chunk=10**9),
        lambda metadata: metadata.update(loss="low"),
        lambda metadata: metadata.update(seconds=None),
    ],
    ids=["empty", "epoch", "chunk", "loss", "seconds"],
)
def test_a_checkpoint_that_was_tampered_with_is_refused_in_one_line(
    corpus, tmp_path, change, request
):
    workdir = tmp_path / "run"
    code, _, errors = run(corpus, workdir, "--epochs=1")
    assert code == 0, errors
    (workdir / "summary.json").unlink()  # as if killed just before
    tampered(workdir, change)
    code, _, errors = run(corpus, workdir, "--epochs=1")
    assert code == 2
    line = errors.splitlines()[-1]
    assert re.match(rf"{workdir}/checkpoints/\d+/metadata.json: not written by", line)
    assert line.endswith("delete the checkpoint")
    assert "Traceback" not in errors
