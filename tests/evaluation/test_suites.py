from pathlib import Path

import numpy as np
import pytest

from w2v_jax.evaluation import suites
from w2v_jax.vectors import Vectors


@pytest.fixture
def files(tmp_path):
    (tmp_path / "human.txt").write_text("a\tb\t3\na\tc\t2\na\td\t1\n")
    (tmp_path / "riddles.txt").write_text(": s\na b c d\na b c x\n")
    return [str(tmp_path / "human.txt"), str(tmp_path / "riddles.txt")]


@pytest.fixture
def vectors() -> Vectors:
    """Ten degrees apart: b - a + c points at about twenty degrees more than c."""
    angles = np.radians([0, 10, 20, 30, 50])
    return Vectors("abcde", np.stack([np.cos(angles), np.sin(angles)], axis=1))


def test_files_are_sets_named_by_their_stem(files, vectors):
    sets = suites.find(files)
    assert list(sets) == ["human", "riddles"]
    scores = suites.evaluate(vectors, sets)
    assert scores["similarity"]["human"]["spearman"] == pytest.approx(1)
    # unit vectors: b - a + c has the angle of the chord from a to b, set off from c,
    # and d is the nearest word that is not in the question
    assert scores["analogy"]["riddles"]["accuracy"] == 1
    assert scores["analogy"]["riddles"]["out_of_vocabulary"] == 1
    assert scores["absent"] == []
    assert scores["vocabulary"] == 5


def test_a_set_that_is_not_here_is_listed_as_absent(files, vectors):
    scores = suites.evaluate(vectors, {"men": None} | suites.find(files[:1]))
    assert scores["absent"] == ["men"]
    assert list(scores["similarity"]) == ["human"]


def test_a_name_that_is_no_set_and_no_file_is_refused():
    with pytest.raises(ValueError, match=r"englihs: no such file.*english, chinese"):
        suites.find(["englihs"])


def test_the_cut_and_the_counts_reach_the_scores(files, vectors):
    counts = np.array([50, 40, 30, 20, 10])
    sets = suites.find(files)
    scores = suites.evaluate(vectors, sets, restrict=3, counts=counts)
    assert scores["similarity"]["human"]["pairs"] == 2
    assert scores["analogy"]["riddles"]["questions"] == 0
    assert scores["restrict_vocab"] == 3
    scores = suites.evaluate(vectors, sets, counts=counts)
    assert list(scores["analogy"]["riddles"]["bands"]) == ["occurrences 10 to 99"]


def test_two_sets_of_one_name_are_refused(files, tmp_path):
    other = tmp_path / "other" / "human.csv"
    other.parent.mkdir()
    other.write_text("a\tb\t3\n")
    with pytest.raises(ValueError, match=rf"^{other}: another set named human than"):
        suites.find([*files, str(other)])
    assert list(suites.find([files[0], files[0]])) == ["human"]


def test_a_comma_too_many_is_told():
    with pytest.raises(ValueError, match=r"^a set without a name"):
        suites.find(["wordsim353", ""])


def test_one_set_is_asked_for_where_one_is_needed(files, monkeypatch):
    assert suites.find_one(files[0]) == ("human", Path(files[0]))
    with pytest.raises(ValueError, match=r"^english: a suite; name one set of it, as"):
        suites.find_one("english")
    monkeypatch.setattr(suites, "_named", lambda name: None)
    with pytest.raises(ValueError, match=r"^men: not on this machine; name a file"):
        suites.find_one("men")


def test_a_set_is_read_as_what_it_is(files):
    kind, pairs = suites.read(Path(files[0]))
    assert (kind, len(pairs)) == ("similarity", 3)
    kind, questions = suites.read(Path(files[1]))
    assert (kind, len(questions)) == ("analogy", 2)
