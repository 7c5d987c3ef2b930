"""What a run says item by item, and the file beside it that remembers."""

import errno
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from experiments.reporting.collect import collect
from experiments.reporting.items import outcomes, set_sha256
from tests.experiments.reporting.planted import (
    COUNTS,
    PAIRS,
    QUESTIONS,
    WORDS,
    write_run,
    write_sets,
)
from w2v_jax import formats
from w2v_jax.evaluation import suites
from w2v_jax.vectors import Vectors


@pytest.fixture
def sets(tmp_path):
    pairs, questions = write_sets(tmp_path / "sets")
    return {"pairs": pairs, "questions": questions}


def one(path):
    (run,) = collect(path).runs
    return run


def test_outcomes_are_those_of_the_librarys_evaluation(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    found = outcomes(run, sets)
    theirs = suites.judge(Vectors.load(run.path / "vectors.bin"), sets)
    np.testing.assert_array_equal(found["pairs"].values, theirs["pairs"].cosine)
    np.testing.assert_array_equal(found["pairs"].human, theirs["pairs"].human)
    np.testing.assert_array_equal(found["pairs"].known, theirs["pairs"].known)
    right = theirs["questions"].correct
    np.testing.assert_array_equal(found["questions"].values, right.astype(float))
    assert 0 < right.mean() < 1  # so that the test could fail
    assert found["questions"].human is None


def test_the_rarest_word_of_an_item_is_counted_in_the_runs_own_text(tmp_path, sets):
    found = outcomes(one(write_run(tmp_path / "run", 1, words=50)), sets)
    for (i, j), known, rarest in zip(
        PAIRS, found["pairs"].known, found["pairs"].rarest, strict=True
    ):
        assert known == (max(i, j) < 50)
        assert rarest == (min(COUNTS[i], COUNTS[j]) if known else -1)
    for (i, j), rarest in zip(QUESTIONS, found["questions"].rarest, strict=True):
        last = 30 + max(i, j)  # b_i or b_j, the later one of the vocabulary
        assert rarest == (COUNTS[last] if last < 50 else -1)


def test_without_counts_no_item_has_a_rarest_word(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    (run.path / "vocabulary.tsv").unlink()
    assert (outcomes(run, sets)["pairs"].rarest == -1).all()


def test_a_second_look_needs_no_vectors(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    first = outcomes(run, sets)
    (run.path / "vectors.bin").unlink()
    again = outcomes(run, sets)
    for name in sets:
        for a, b in zip(first[name], again[name], strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(OSError, match=r"vectors\.bin"):
        outcomes(run, sets, restrict=20)  # of which nothing is known yet


def test_other_vectors_are_judged_anew(tmp_path, sets):
    before = outcomes(one(write_run(tmp_path / "run", 1)), sets)
    for file in (tmp_path / "run").glob("*.json"):
        file.unlink()
    after = outcomes(one(write_run(tmp_path / "run", 1, noise=3.0)), sets)
    assert after["questions"].values.mean() < before["questions"].values.mean()


def test_a_set_that_changed_is_judged_anew_and_the_others_kept(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    whole = len(outcomes(run, sets)["pairs"].known)
    lines = sets["pairs"].read_text().splitlines()
    sets["pairs"].write_text("\n".join(lines[:50]) + "\n")
    found = outcomes(run, sets)
    assert (whole, len(found["pairs"].known)) == (len(PAIRS), 50)
    with safe_open(run.path / "items-input-0.safetensors", "numpy") as file:
        assert len(file.get_tensor("pairs/known")) == 50
        assert len(file.get_tensor("questions/known")) == len(QUESTIONS)


def test_sets_asked_for_later_join_the_file(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    assert list(outcomes(run, {"pairs": sets["pairs"]})) == ["pairs"]
    outcomes(run, {"questions": sets["questions"]})
    (run.path / "vectors.bin").unlink()
    assert list(outcomes(run, sets)) == ["pairs", "questions"]


@pytest.mark.parametrize("content", [b"", b"rubbish", "half", "header"])
def test_a_damaged_file_is_made_again(tmp_path, sets, content):
    run = one(write_run(tmp_path / "run", 1))
    first = outcomes(run, sets)
    beside = run.path / "items-input-0.safetensors"
    if content == "half":
        content = beside.read_bytes()[:-100]
    if content == "header":
        content = save({"pairs/known": np.ones(3)}, {"vectors": run.vectors})
    beside.write_bytes(content)
    again = outcomes(run, sets)
    np.testing.assert_array_equal(first["pairs"].values, again["pairs"].values)


def test_tables_and_cuts_of_the_vocabulary_have_files_of_their_own(tmp_path, sets):
    run = one(write_run(tmp_path / "run", 1))
    other = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
    (run.path / "output_vectors.safetensors").write_bytes(
        save({"output_vectors": other})
    )
    formats.write(tmp_path / "alone.bin", WORDS, other)
    whole = outcomes(run, sets)["pairs"]
    cut = outcomes(run, sets, restrict=20)["pairs"]
    assert (whole.known.sum(), cut.known.sum()) == (
        len(PAIRS),
        sum(max(pair) < 20 for pair in PAIRS),
    )
    output = outcomes(run, sets, table="output")["pairs"]
    alone = suites.judge(Vectors.load(tmp_path / "alone.bin"), sets)["pairs"]
    np.testing.assert_array_equal(output.values, alone.cosine)
    names = {path.name for path in run.path.glob("items-*")}
    assert names == {
        "items-input-0.safetensors",
        "items-input-20.safetensors",
        "items-output-0.safetensors",
    }


def test_the_hash_of_a_folder_is_that_of_its_files(tmp_path):
    for name, text in (("b.txt", "two"), ("a.txt", "one")):
        (tmp_path / name).write_text(text)
    before = set_sha256(tmp_path)
    assert before == set_sha256(tmp_path)
    (tmp_path / "a.txt").write_text("three")
    assert set_sha256(tmp_path) != before
    assert len({before, set_sha256(tmp_path / "a.txt")}) == 2


@pytest.mark.parametrize("kind", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_where_nothing_can_be_kept_the_scores_are_the_same(
    kind, tmp_path, sets, monkeypatch
):
    kept = outcomes(one(write_run(tmp_path / "run", 1)), sets)
    run = one(write_run(tmp_path / "other", 1))

    def refused(path, data):
        raise OSError(kind, os.strerror(kind), str(path))

    monkeypatch.setattr("experiments.reporting.items.write_whole", refused)
    found = outcomes(run, sets)
    for name in sets:
        np.testing.assert_array_equal(found[name].values, kept[name].values)
