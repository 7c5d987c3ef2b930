"""Scores of runs and points, and the time to a score."""

import json

import numpy as np
import pytest

from experiments.benchmarking import quality
from w2v_jax import formats
from w2v_jax.evaluation import suites


def way(*scores):
    """Points at 1, 2, ... seconds with (wordsim353, google) each."""
    return [
        {"seconds": float(k), "wordsim353": similar, "google": right}
        for k, (similar, right) in enumerate(scores, 1)
    ]


TARGET = {"wordsim353": 0.6, "google": 0.3}


def test_the_time_to_a_score_is_that_of_the_first_point_at_it_or_above():
    found = quality.seconds_to(way((0.5, 0.2), (0.6, 0.2), (0.7, 0.3)), TARGET)
    assert found == {"wordsim353": 2.0, "google": 3.0, "both": 3.0}


def test_both_must_hold_at_one_point():
    found = quality.seconds_to(way((0.6, 0.1), (0.5, 0.4), (0.6, 0.3)), TARGET)
    assert found == {"wordsim353": 1.0, "google": 2.0, "both": 3.0}


def test_a_score_that_is_never_reached_has_no_time():
    found = quality.seconds_to(way((0.7, 0.1), (0.8, 0.2)), TARGET)
    assert found == {"wordsim353": 1.0, "google": None, "both": None}


@pytest.mark.parametrize("target", [{}, {"wordsim353": None, "google": None}])
def test_without_a_target_there_is_nothing_to_reach(target):
    found = quality.seconds_to(way((0.7, 0.4)), target)
    assert set(found.values()) == {None}


def test_a_point_without_a_score_reaches_nothing():
    found = quality.seconds_to(way((None, 0.5)), TARGET)
    assert found == {"wordsim353": None, "google": 1.0, "both": None}


def test_no_points_no_times():
    assert set(quality.seconds_to([], TARGET).values()) == {None}


def test_one_number_stands_for_each_set_and_none_for_an_absent_one():
    found = {
        "wordsim353": {"spearman": 0.5, "pairs": 353},
        "google": {"accuracy": 0.25},
    }
    expected = {"wordsim353": 0.5, "simlex999": None, "google": 0.25}
    assert quality.values(found) == expected
    assert quality.values({"wordsim353": None}) == dict.fromkeys(quality.SCORES)


def test_points_come_in_order_with_the_scores_of_their_cut(tmp_path):
    folder = tmp_path / "points"
    folder.mkdir()
    for words, score in ((200, 0.4), (100, 0.3)):
        scores = {"30000": {"google": score}, "0": {"google": 0.9}}
        point = {"raw_words": words, "seconds": words / 10, "scores": scores}
        (folder / f"{words:015d}.json").write_text(json.dumps(point))
    found = quality.points(tmp_path, 30000)
    assert found == [
        {"raw_words": 100, "seconds": 10.0, "google": 0.3},
        {"raw_words": 200, "seconds": 20.0, "google": 0.4},
    ]
    assert quality.points(tmp_path, 5) == []  # judged within other words


def test_a_run_without_points_has_none(tmp_path):
    assert quality.points(tmp_path, 0) == []


@pytest.fixture
def vectors():
    """Random vectors for the words of a WordSim-353 that is on this machine."""
    path = suites.find(["wordsim353"])["wordsim353"]
    if path is None:
        pytest.skip("needs WordSim-353")
    from w2v_jax.evaluation import readers

    words = sorted({w.lower() for a, b, *_ in readers.read_pairs(path) for w in (a, b)})
    matrix = np.random.default_rng(0).standard_normal((len(words), 4), np.float32)
    return words, matrix


@pytest.mark.slow
def test_a_run_and_its_points_are_judged_once_and_points_lose_their_vectors(
    tmp_path, vectors
):
    words, matrix = vectors
    formats.write(tmp_path / "vectors.bin", words, matrix)
    points = tmp_path / "points"
    points.mkdir()
    for number, table in ((1, -matrix), (2, matrix)):
        formats.write(points / f"{number:015d}.bin", words, table)
        told = {"raw_words": number, "seconds": float(number)}
        (points / f"{number:015d}.json").write_text(json.dumps(told))
    quality.judge(tmp_path, 0)
    final = quality.final(tmp_path, 0)
    assert list(points.glob("*.bin")) == []
    first, last = quality.points(tmp_path, 0)
    # cosines do not change when every vector turns round
    assert first["wordsim353"] == last["wordsim353"] == final["wordsim353"]
    assert -1 <= final["wordsim353"] <= 1
    stamp = (tmp_path / "scores-0.json").stat().st_mtime_ns
    quality.judge(tmp_path, 0)
    assert (tmp_path / "scores-0.json").stat().st_mtime_ns == stamp
