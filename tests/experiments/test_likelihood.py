"""Models really trained, on news that gensim carries, and judged on its last fifth."""

import json
import subprocess
import sys

import pytest

from tests.real_runs import small_text

TRAINED = (
    ("skipgram", "negative_sampling", 15),
    ("skipgram", "hierarchical_softmax", 5),
    ("cbow", "negative_sampling", 15),
    ("cbow", "softmax", 3),
)


def run(name, *flags):
    command = [sys.executable, "-m", f"experiments.{name}", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The first four fifths of the lines to train on, the rest held out."""
    folder = tmp_path_factory.mktemp("text")
    lines = small_text().read_text().splitlines(keepends=True)
    cut = len(lines) * 4 // 5
    (folder / "train.txt").write_text("".join(lines[:cut]))
    (folder / "held_out.txt").write_text("".join(lines[cut:]))
    return folder


@pytest.fixture(scope="module")
def scores(text):
    runs = []
    for architecture, objective, epochs in TRAINED:
        folder = text / f"{architecture}-{objective}"
        done = run(
            "train",
            f"--corpus={text / 'train.txt'}",
            f"--workdir={folder}",
            f"--cache_dir={text / 'cache'}",
            f"--architecture={architecture}",
            f"--objective={objective}",
            f"--epochs={epochs}",
            *("--dim=32", "--min_count=3", "--subsample=1e-2", "--replicas=1"),
        )
        assert done.returncode == 0, done.stderr
        runs.append(f"--run={folder}")
    out = text / "likelihood.json"
    flags = (f"--text={text / 'held_out.txt'}", "--scored=0.5", f"--out={out}")
    done = run("likelihood", *runs, *flags, f"--cache_dir={text / 'cache'}")
    assert done.returncode == 0, done.stderr
    assert "nats per pair" in done.stdout
    found = json.loads(out.read_text())
    assert found["scored"] > 3000
    return {name.rsplit("/")[-1]: one for name, one in found["runs"].items()}


@pytest.mark.slow
def test_shifted_pmi_reads_trained_negative_sampling_better_than_the_raw_softmax(
    scores,
):
    for architecture in ("skipgram", "cbow"):
        nats = scores[f"{architecture}-negative_sampling"]["nats_per_pair"]
        shifted, raw = nats["distribution"], nats["raw_softmax"]
        # by more than both intervals
        assert shifted["interval"][1] < raw["interval"][0]


@pytest.mark.slow
def test_every_run_has_every_reading_and_beats_the_unigram_baseline(scores):
    for name, one in scores.items():
        nats = {reading: s["mean"] for reading, s in one["nats_per_pair"].items()}
        expected = {"own", "distribution", "fresh_layer", "unigram"}
        if one["objective"] == "negative_sampling":
            expected.add("raw_softmax")
            assert nats["own"] != nats["distribution"]
        else:
            assert nats["own"] == nats["distribution"]
        assert set(nats) == expected
        assert nats["fresh_layer"] < nats["unigram"], name


@pytest.mark.slow
def test_runs_are_judged_on_the_same_pairs(scores):
    skipgram = {one["pairs"] for n, one in scores.items() if n.startswith("skip")}
    cbow = {one["pairs"] for n, one in scores.items() if n.startswith("cbow")}
    assert len(skipgram) == len(cbow) == 1


@pytest.mark.slow
def test_the_text_of_training_is_not_taken_for_held_out_in_silence(scores, text):
    done = run(
        "likelihood",
        f"--run={text / 'cbow-softmax'}",
        f"--text={text / 'train.txt'}",
        f"--cache_dir={text / 'cache'}",
        *("--nofresh_layer", "--max_words=3000"),
    )
    # max_words cuts the text, but the file's own hash is compared
    assert "was trained on this very text" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--run: missing"),
        (("--run=/nowhere",), "--text: missing"),
        (("--run=/nowhere", "--text=t.txt"), "/nowhere: no config.json"),
        (("--run=a", "--scored=2"), "scored"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, message):
    done = run("likelihood", *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") <= 2
