"""The benchmark: its table, its flags, and the reference it compares softmax with."""

import bz2
import gzip
import json
import time

import numpy as np
import pytest
import zstandard

from experiments import benchmark, peers
from experiments.softmax_reference import mean_loss, pairs_of, train_reference
from tests.experiments.benchmarking.patient import patient
from tests.experiments.test_cli import command
from w2v_jax import formats
from w2v_jax.blocks import Chunk


def run(trainer, seed, speed, google):
    return {
        "trainer": trainer,
        "model": "cbow-negative_sampling",
        "seed": seed,
        "words_per_second": speed,
        "wordsim353": 0.5,
        "simlex999": 0.25,
        "google": google,
    }


def test_the_table_has_median_speed_and_mean_with_standard_deviation():
    runs = [run("w2v_jax", 1, 1e6, 0.3), run("w2v_jax", 2, 3e6, 0.4)]
    runs += [run("w2v_jax", 3, 2e6, 0.5), run("gensim", 1, 9e5, 0.25)]
    ours, theirs = benchmark.table(runs).splitlines()[2:]
    # median of 1, 2, 3 M; mean of 30, 40, 50 % with standard deviation 10
    assert ours == (
        "| cbow, negative_sampling | w2v_jax | 3 | 2.00 M | 0.500 ± 0.000 "
        "| 0.250 ± 0.000 | 40.0 ± 10.0 % |"
    )
    assert theirs.endswith("| gensim | 1 | 0.90 M | 0.500 | 0.250 | 25.0 % |")


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--corpus=nowhere.txt"], "nowhere.txt"),
        (["--models=glove"], "glove"),
        (["--against=glove"], "glove"),
        (["--scaling=corpus"], "corpus"),
        (["--scaling_models=glove"], "glove"),
        (["--softmax=many"], "many"),
        (["--softmax=²"], "²"),
        (["--ours=dmi=3"], "--ours=dmi: no flag of a training"),
        (["--ours=stream=3"], "Did you mean streams"),
        (["--ours=--row_cap=5"], "as name=value"),
        (["--ours=workdir=elsewhere"], "--ours=workdir"),
        (["--ours=dim=9"], "give --dim"),
        (["--ours=seed=9"], "give --seeds"),
        (["--out=tables.md"], "tables.md"),
        (["--out=/"], "--out=/"),
        (["--out=/dev/null/tables.json"], "--out=/dev/null/tables.json: /dev/null:"),
        (["--figures=/dev/null/plots"], "--figures=/dev/null/plots: "),
        (["--restrict_vocab=-1"], "--restrict_vocab"),
        (["stray"], "stray"),
    ],
)
def test_bad_flags_get_one_line(flags, word, tmp_path):
    corpus = tmp_path / "a.txt"
    corpus.write_text("a b c")
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}", *flags]
    code, _, err = command("-m", "experiments.benchmark", *given)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert word in err


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("", bytes),
        (".bz2", bz2.compress),
        (".gz", gzip.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_the_peer_reads_lines_of_a_thousand_words(suffix, pack, tmp_path):
    words = [f"w{i % 7}" for i in range(2500)]
    file = tmp_path / f"a.txt{suffix}"
    file.write_bytes(pack(" ".join(words).encode()))
    count = peers.write_lines(file, tmp_path / "lines.txt")
    lines = (tmp_path / "lines.txt").read_text().splitlines()
    assert count == 2500
    assert [len(line.split()) for line in lines] == [1000, 1000, 500]
    assert " ".join(lines).split() == words


def test_the_rate_of_encoding_counts_the_whole_of_reading_a_text(tmp_path):
    corpus = tmp_path / "a.txt"
    corpus.write_text("one two three " * 1000)
    begun = time.perf_counter()
    rate = benchmark.encoding_rate(corpus, times=1)
    assert 3000 / rate <= time.perf_counter() - begun
    assert list(tmp_path.iterdir()) == [corpus], "it leaves nothing behind"


@pytest.mark.slow
def test_gensim_trains_and_leaves_a_run_directory(tmp_path):
    rng = np.random.default_rng(0)
    corpus = tmp_path / "a.txt"
    corpus.write_text(" ".join(f"w{i}" for i in rng.integers(0, 50, 5000)))
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}/run", "--dim=8"]
    code, _, err = command("-m", "experiments.peers", *given)
    assert code == 0, err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["raw_words"] == 5 * 5000
    assert 0 < summary["kept_tokens"] <= 5 * 5000
    # the interpreter and numpy take more than ten megabytes
    assert summary["peak_memory_bytes"] > 10e6
    words, matrix = formats.read(tmp_path / "run" / "vectors.bin")
    assert (len(words), matrix.shape) == (50, (50, 8))


def test_a_peer_writes_over_no_run_of_ours_and_not_over_its_text(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "lines.txt").write_text("kept")
    home = tmp_path / "home"
    home.mkdir()
    (home / "lines.txt").write_text("kept")
    for workdir, said in ((tmp_path, "holds a run of ours"), (home, "is overwritten")):
        given = (f"--corpus={workdir}/lines.txt", f"--workdir={workdir}")
        code, _, err = command("-m", "experiments.peers", *given)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err
        assert (workdir / "lines.txt").read_text() == "kept"


def test_a_text_that_a_peer_cannot_train_on_is_one_line(tmp_path):
    corpus = tmp_path / "a.txt"
    corpus.write_text("every word once")
    given = (f"--corpus={corpus}", f"--workdir={tmp_path}/run")
    code, _, err = command("-m", "experiments.peers", *given)
    assert code == 2
    assert err.splitlines()[-1].startswith(f"{corpus}: gensim: ")
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["fasttext", "word2vec_c"])
def test_other_peers_train_words_alone_and_leave_a_run_directory(trainer, tmp_path):
    if not peers.installed(trainer):
        pytest.skip(f"needs {trainer}: its package, or word2vec.c as `word2vec`")
    rng = np.random.default_rng(0)
    corpus = tmp_path / "a.txt"
    corpus.write_text(" ".join(f"w{i}" for i in rng.integers(0, 50, 5000)))
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}/run", "--dim=8"]
    code, _, err = command("-m", "experiments.peers", *given, f"--trainer={trainer}")
    assert code == 0, err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["trainer"], summary["raw_words"]) == (trainer, 5 * 5000)
    if trainer == "word2vec_c":  # its table of noise: 1e8 numbers of four bytes
        assert summary["peak_memory_bytes"] > 4e8
    words, matrix = formats.read(tmp_path / "run" / "vectors.bin")
    assert sorted(words) == sorted(f"w{i}" for i in range(50)), "no </s>"
    assert np.abs(matrix).max() > 1 / 16, "beyond word2vec.c's first values, 1 / (2 D)"


def test_a_peer_that_is_not_installed_is_refused_in_one_line(tmp_path):
    if peers.installed("fasttext"):
        pytest.skip("fasttext is installed")
    corpus = tmp_path / "a.txt"
    corpus.write_text("a b c")
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}/run", "--trainer=fasttext"]
    code, _, err = command("-m", "experiments.peers", *given)
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "not installed" in err
    assert not (tmp_path / "run").exists()


def test_what_is_installed_can_be_imported():
    assert peers.installed("gensim")
    assert not peers.installed("no_such_package_at_all")


@pytest.mark.slow
def test_a_small_benchmark_leaves_json_tables_and_plots_and_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    corpus = tmp_path / "a.txt"
    corpus.write_text(" ".join(f"w{i}" for i in rng.integers(0, 50, 5000)))
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}/runs"]
    given += [f"--out={tmp_path}/b.json", f"--cache_dir={tmp_path}/cache"]
    given += ["--models=cbow-negative_sampling", "--seeds=1", "--epochs=1"]
    given += ["--points=2", "--ours=chunk=1024,settle_every=1", "--against=gensim"]
    given += ["--dim=8", "--window=3"]
    given += ["--softmax=", "--scaling=", "--subsample=0"]
    code, out, err = patient("-m", "experiments.benchmark", *given)
    assert code == 0, err
    whole = json.loads((tmp_path / "b.json").read_text())
    assert {"date", "processor", "cores", "jax"} <= set(whole["machine"])
    assert str(tmp_path) not in json.dumps(whole)
    ours, theirs = whole["runs"]
    assert (ours["trainer"], theirs["trainer"]) == ("w2v_jax", "gensim")
    # nothing is rare or left out, so raw words are kept words
    assert ours["kept_words_per_second"] == ours["words_per_second"]
    assert 0 < ours["pairs_per_second"] <= ours["kept_words_per_second"]
    assert ours["memory_bound_bytes"] > 200e6
    assert ours["first_step_seconds"] > 0
    assert ours["first_step_seconds_cold"] > 0
    assert len(ours["points"]) == 2
    assert ours["seconds_to_quality"]["of"] == "gensim"
    assert benchmark.table(whole["runs"]) in out
    drawn = {path.name for path in (tmp_path / "runs" / "figures").iterdir()}
    assert {"speed.png", "speed.svg", "costs.png"} <= drawn
    for trainer in ("w2v_jax", "gensim"):
        folder = tmp_path / "runs" / trainer / "cbow-negative_sampling-1"
        assert formats.read(folder / "vectors.bin")[1].shape == (50, 8)
    made = tmp_path / "runs" / "w2v_jax" / "cbow-negative_sampling-1"
    stamp = (made / "summary.json").stat().st_mtime_ns
    code, _, err = patient("-m", "experiments.benchmark", *given)
    assert code == 0, err
    assert (made / "summary.json").stat().st_mtime_ns == stamp


def test_the_reference_takes_gradient_steps_of_the_softmax():
    rng = np.random.default_rng(0)
    inputs, outputs = rng.standard_normal((2, 6, 3))
    outputs = np.ascontiguousarray(outputs)
    pair = np.array([[2, 4]], np.int32)
    before = mean_loss(inputs, outputs, pair)
    rate, tiny = 1e-3, 1e-6
    slope = np.empty((6, 3))
    for at in np.ndindex(6, 3):
        moved = outputs.copy()
        moved[at] += tiny
        slope[at] = (mean_loss(inputs, moved, pair) - before) / tiny
    expected = outputs - rate * slope
    train_reference(inputs, outputs, pair, rate)
    # one-sided differences of step 1e-6: off by the curvature times 1e-6
    np.testing.assert_allclose(outputs, expected, atol=rate * 1e-5)
    assert mean_loss(inputs, outputs, pair) < before


def test_pairs_are_those_of_the_windows():
    tokens = np.array([7, 8, 9], np.int32)
    chunk = Chunk(tokens, np.array([1, 2, 1], np.int32), None, 3)
    expected = [[7, 8], [8, 7], [8, 9], [9, 8]]
    assert pairs_of(chunk).tolist() == expected


def test_a_folder_that_was_taken_away_meanwhile_loses_no_figures(tmp_path):
    out = tmp_path / "gone" / "speed.json"
    whole = {"runs": [], "softmax": [], "scaling": []}
    benchmark._write(out, whole, [])
    assert json.loads(out.read_bytes()) == whole
    assert out.with_suffix(".md").exists()
