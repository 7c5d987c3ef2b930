import numpy as np
import pytest

from tests.evaluation.test_finished_run import write_run
from w2v_jax.evaluation import finished_run, held_out, held_out_scores


def test_the_mean_is_over_pairs_and_the_interval_over_segments():
    rng = np.random.default_rng(0)
    pairs = rng.integers(1, 10, 5000).astype(np.float64)
    nats = pairs * rng.normal(3, 1, 5000)
    found = held_out_scores.mean_by_segment(nats, pairs)
    assert found["mean"] == pytest.approx(nats.sum() / pairs.sum(), rel=1e-12)
    low, high = found["interval"]
    # windows are independent here: 1.96 deviations of a weighted mean, to a quarter,
    # since fifty segments know their deviation to a tenth
    half = 1.96 * np.sqrt((pairs**2).sum()) / pairs.sum()
    assert (high - low) / 2 == pytest.approx(half, rel=0.25)


def test_neighbours_that_agree_widen_the_interval():
    pairs = np.ones(5000)
    each = np.random.default_rng(0).normal(size=50)
    low, high = held_out_scores.mean_by_segment(np.repeat(each, 100), pairs)["interval"]
    # a hundred equal windows are one observation
    assert (high - low) / 2 == pytest.approx(1.96 / np.sqrt(50), rel=0.25)


def test_a_run_without_training_knows_as_much_as_its_parts_say(tmp_path):
    run = finished_run.load(write_run(tmp_path / "a", "softmax", subsample=0.0))
    run = run._replace(outputs=np.zeros_like(run.outputs))
    ids = np.array([0, 1, 0, 2, 0, 1, -1, 1, 0] * 30, np.int32)
    windows = held_out.make_windows(ids, run.vocabulary, 2, dynamic=False)
    found = held_out_scores.evaluate(run, windows, windows)
    nats = {name: one["mean"] for name, one in found["nats_per_pair"].items()}
    assert set(nats) == {"own", "distribution", "fresh_layer", "unigram"}
    # zero output vectors: every one of three words is as likely
    assert nats["own"] == nats["distribution"] == pytest.approx(np.log(3), rel=1e-5)
    targets = windows.context[windows.mask]
    assert found["pairs"] == len(targets)
    log_p = np.log(np.array([9, 5, 1]) / 15)
    assert nats["unigram"] == pytest.approx(-log_p[targets].mean(), rel=1e-5)
    assert nats["fresh_layer"] < nats["unigram"]


def test_empty_windows_that_fill_a_batch_are_no_segments(tmp_path):
    run = finished_run.load(write_run(tmp_path / "a", subsample=0.0))
    ids = np.array([0, 1, 0] * 50, np.int32)  # 150 windows, in a batch of 256
    windows = held_out.make_windows(ids, run.vocabulary, 2, dynamic=False)
    for one in held_out_scores.evaluate(run, windows)["nats_per_pair"].values():
        # a resample of empty segments alone would be zero; one in 27 if they counted
        assert one["interval"][0] > 0.5 * one["mean"]
    few = held_out_scores.evaluate(run, windows.part(0, 90))["nats_per_pair"]
    assert few["own"]["interval"] is None  # a single segment tells no spread


def test_a_text_without_pairs_is_refused(tmp_path):
    run = finished_run.load(write_run(tmp_path / "a"))
    nothing = held_out.make_windows(np.array([-1], np.int32), run.vocabulary, 2)
    with pytest.raises(ValueError, match="no pair of known words"):
        held_out_scores.evaluate(run, nothing)
