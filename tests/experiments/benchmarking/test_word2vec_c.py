"""word2vec.c as a peer: its arguments, what a seed means, what it leaves."""

import sys

import numpy as np
import pytest

from experiments import peers
from experiments.benchmarking import word2vec_c
from w2v_jax import formats

SETTINGS = {
    "architecture": "cbow",
    "objective": "hierarchical_softmax",
    "dim": 8,
    "window": 3,
    "negatives": 5,
    "subsample": 1e-3,
    "min_count": 1,
    "epochs": 2,
    "learning_rate": 0.05,
    "seed": 2,
    "workers": 1,
}


def named(settings):
    """The arguments as a dictionary."""
    given = word2vec_c.arguments(settings)
    return dict(zip(given[::2], given[1::2], strict=True))


def test_the_settings_become_its_arguments():
    tree = named(SETTINGS)
    assert (tree["-cbow"], tree["-hs"], tree["-negative"]) == ("1", "1", "0")
    assert (tree["-size"], tree["-window"], tree["-iter"]) == ("8", "3", "2")
    assert (float(tree["-sample"]), float(tree["-alpha"])) == (1e-3, 0.05)
    assert (tree["-min-count"], tree["-threads"]) == ("1", "1")
    sampled = SETTINGS | {"architecture": "skipgram", "objective": "negative_sampling"}
    noise = named(sampled)
    assert (noise["-cbow"], noise["-hs"], noise["-negative"]) == ("0", "0", "5")


def test_a_seed_chooses_where_the_text_begins_and_loses_none_of_it(tmp_path):
    lines = tmp_path / "lines.txt"
    wanted = [f"{i} " + "x" * 300 for i in range(1000)]
    lines.write_text("\n".join(wanted) + "\n")
    starts = set()
    for seed in range(1, 6):
        word2vec_c.begin_elsewhere(lines, tmp_path / "text.txt", seed)
        found = (tmp_path / "text.txt").read_text().splitlines()
        first = int(found[0].split()[0])
        assert found == wanted[first:] + wanted[:first]
        starts.add(first)
    assert len(starts) == 5


def stand_in(folder, monkeypatch, body):
    """Puts a script named word2vec on the PATH."""
    script = folder / "word2vec"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))


def test_the_end_of_a_sentence_is_no_word_and_nothing_is_left_behind(
    tmp_path, monkeypatch
):
    given = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    formats.write(tmp_path / "made.bin", ["</s>", "a", "b"], given)
    body = f"""import shutil, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "-output" in given:
    assert open(given["-read-vocab"]).read() == "counted"
    shutil.copy({str(tmp_path / "made.bin")!r}, given["-output"])
else:
    assert open(given["-train"]).read() == "a b\\n"
    open(given["-save-vocab"], "w").write("counted")
"""
    stand_in(tmp_path, monkeypatch, body)
    (tmp_path / "run").mkdir()
    lines = tmp_path / "run" / "lines.txt"
    lines.write_text("a b\n")
    words, matrix, seconds, peak = word2vec_c.train(lines, SETTINGS)
    assert words == ["a", "b"]
    np.testing.assert_array_equal(matrix, given[1:])
    assert 0 < seconds < 60
    assert peak > 1e6, "an interpreter takes more than a megabyte"
    assert list(lines.parent.iterdir()) == [lines]


def test_a_failure_is_told_and_nothing_is_left_behind(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "import sys\nsys.exit('first\\nno memory')\n")
    (tmp_path / "run").mkdir()
    lines = tmp_path / "run" / "lines.txt"
    lines.write_text("a b\n")
    with pytest.raises(ValueError, match=r"^[^\n]*exit code 1: no memory$"):
        word2vec_c.train(lines, SETTINGS)
    assert list(lines.parent.iterdir()) == [lines]


def test_a_program_of_another_machine_is_told_in_one_line(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "")
    (tmp_path / "word2vec").write_bytes(b"\x7fELF of another processor")
    lines = tmp_path / "lines.txt"
    lines.write_text("a b\n")
    with pytest.raises(ValueError, match="word2vec: cannot be run: Exec format error"):
        word2vec_c.train(lines, SETTINGS)


def test_it_is_installed_where_its_executable_is(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not peers.installed("word2vec_c")
    with pytest.raises(ValueError, match="no executable word2vec"):
        word2vec_c.train(tmp_path / "lines.txt", SETTINGS)
    stand_in(tmp_path, monkeypatch, "")
    assert peers.installed("word2vec_c")
