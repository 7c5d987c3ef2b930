"""The command as a user runs it: its files, its words and its exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence
from gensim.test.utils import datapath

from w2v_jax.evaluation.analogy import evaluate as analogies
from w2v_jax.evaluation.readers import read_analogies
from w2v_jax.vectors import Vectors

SETS = [datapath("wordsim353.tsv"), datapath("questions-words.txt")]


def run(*flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "experiments.evaluate", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small model trained and written by gensim itself, and its vectors' path."""
    path = tmp_path_factory.mktemp("gensim") / "vectors.bin"
    lines = LineSentence(datapath("lee_background.cor"))
    model = Word2Vec(lines, vector_size=50, min_count=2, seed=1, workers=1, epochs=5)
    model.wv.save_word2vec_format(str(path), binary=True)
    return model.wv, path


@pytest.mark.slow
def test_a_gensim_model_gets_gensims_scores(trained, tmp_path):
    theirs, path = trained
    out = tmp_path / "eval.json"
    done = run(f"--vectors={path}", f"--out={out}", f"--suite={','.join(SETS)}")
    assert done.returncode == 0, done.stderr
    scores = json.loads(out.read_text())
    pairs = scores["similarity"]["wordsim353"]
    pearson, spearman, missing = theirs.evaluate_word_pairs(SETS[0])
    assert pairs["spearman"] == pytest.approx(spearman[0], abs=1e-3)
    assert pairs["pearson"] == pytest.approx(pearson[0], abs=1e-3)
    assert 100 * (1 - pairs["coverage"]) == pytest.approx(missing)
    assert pairs["pairs"] + pairs["out_of_vocabulary"] == 353
    low, high = pairs["interval"]
    assert low < pairs["spearman"] < high
    google = scores["analogy"]["questions-words"]
    accuracy, sections = theirs.evaluate_word_analogies(SETS[1])
    assert google["accuracy"] == pytest.approx(accuracy, abs=1e-3)
    asked = len(sections[-1]["correct"]) + len(sections[-1]["incorrect"])
    assert google["questions"] == asked
    assert google["questions"] + google["out_of_vocabulary"] == 19544
    assert len(google["sections"]) == 14
    assert "wordsim353" in done.stdout
    assert f"{pairs['spearman']:.3f}" in done.stdout


def test_the_vocabulary_can_be_cut(trained, tmp_path):
    _, path = trained
    out = tmp_path / "eval.json"
    flags = (f"--vectors={path}", f"--out={out}", f"--suite={SETS[1]}")
    assert run(*flags, "--restrict_vocab=500").returncode == 0
    scores = json.loads(out.read_text())
    expected = analogies(Vectors.load(path), read_analogies(SETS[1]), restrict=500)
    asked = scores["analogy"]["questions-words"]["questions"]
    assert asked == int(expected.known.sum())
    assert scores["restrict_vocab"] == 500


@pytest.mark.slow
def test_sections_and_bands_are_shown_on_request(trained, tmp_path):
    _, path = trained
    out = tmp_path / "eval.json"
    flags = (f"--vectors={path}", f"--suite={SETS[1]}", f"--out={out}")
    shown = run(*flags, "--details").stdout
    google = json.loads(out.read_text())["analogy"]["questions-words"]
    assert (
        sum(one["questions"] for one in google["bands"].values())
        == (google["questions"])
    )
    for kind in ("sections", "bands"):
        for name, one in google[kind].items():
            (line,) = (line for line in shown.splitlines() if f" {name} " in line)
            assert f" {one['questions']:,} " in line
    assert "capital-world" not in run(*flags).stdout


def test_two_models_are_compared_item_by_item(trained, tmp_path):
    _, path = trained
    vectors = Vectors.load(path)
    noise = np.random.default_rng(0).normal(size=vectors.matrix.shape)
    worse = tmp_path / "worse.npz"  # noise of the vectors' own size
    Vectors(vectors.words, vectors.matrix + noise * vectors.matrix.std()).save(worse)
    out = tmp_path / "compared.json"
    flags = (f"--vectors={path}", f"--vectors={worse}", f"--out={out}")
    done = run(*flags, f"--suite={','.join(SETS)}")
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert list(found["models"]) == [str(path), str(worse)]
    by_set = {one["set"]: one for one in found["comparisons"]}
    for name, kind, score in (
        ("wordsim353", "similarity", "spearman"),
        ("questions-words", "analogy", "accuracy"),
    ):
        one = by_set[name]
        # the two models know the same words, so that all items count
        for side, model in (("a", str(path)), ("b", str(worse))):
            assert one[side] == pytest.approx(found["models"][model][kind][name][score])
        assert one["difference"] == pytest.approx(one["a"] - one["b"])
        low, high = one["interval"]
        assert low <= one["difference"] <= high
        assert one["p"] <= one["p_holm"] <= 2 * one["p"]  # two tests
    assert "Holm p" in done.stdout


def test_the_same_file_twice_is_no_comparison(trained):
    _, path = trained
    done = run(f"--vectors={path}", f"--vectors={path}")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "--vectors: the same file twice; name files that differ"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--vectors: missing"),
        (("--vectors=v.bin", "stray"), "stray: not a flag"),
        (("--vectors=/nowhere/v.bin", f"--suite={SETS[0]}"), "/nowhere/v.bin: No such"),
        (("--vectors=v.bin", "--suite=englihs"), "englihs: no such file"),
        (("--vectors=v.bin", "--restrict_vocab=-1"), "restrict_vocab"),
        (("--vector=v.bin",), "--vector: unknown. Did you mean vectors?"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, message):
    done = run(*flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_file_is_named_with_its_byte(tmp_path):
    path = tmp_path / "v.bin"
    path.write_bytes(b"2 3\na " + np.ones(3, np.float32).tobytes())
    done = run(f"--vectors={path}", f"--suite={SETS[0]}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{path}: line 1 promises 2 words of 3 values")
    assert done.stderr.count("\n") == 1
