"""What runs will cost: from the table, from their model, from their own cell."""

import dataclasses

import numpy as np
import pytest

from experiments.sweeps.estimate import (
    OVERHEAD,
    RATES,
    Estimate,
    Text,
    duration,
    text_key,
    work,
)
from tests.experiments.sweeps.makers import (
    BASE,
    WORDS,
    estimator,
    finish,
    put,
    runs_of,
    text,
)
from w2v_jax.config import ARCHITECTURES, KERNELS, OBJECTIVES
from w2v_jax.defaults import NATIVE_DEFAULTS


def test_the_table_has_a_rate_for_every_model():
    models = {(a, o) for a in ARCHITECTURES for o in OBJECTIVES}
    timed = {"xla": models, "native": set(NATIVE_DEFAULTS), "xla_large": set()}
    for kernel in KERNELS:  # an accelerator's rates are not known
        assert {(a, o) for name, a, o in RATES if name == kernel} == timed[kernel]


def test_before_any_run_the_table_is_asked(tmp_path):
    runs = runs_of(tmp_path)
    rate = RATES["native", "skipgram", "negative_sampling"]
    expected = rate * WORDS * BASE.epochs + OVERHEAD
    known = estimator(runs)
    assert known.cost(runs[0]) == Estimate(expected, "table")
    known.cores = 2.0
    expected = rate * WORDS * BASE.epochs / 2 + OVERHEAD
    assert known.cost(runs[0]) == Estimate(expected, "table")


@pytest.mark.parametrize("field", [{"kernel": "xla"}, {"optimizer": "adam"}])
def test_a_run_that_xla_will_train_has_the_rate_of_xla(tmp_path, field):
    (run, *_) = runs_of(tmp_path)
    other = dataclasses.replace(run, config=run.config.replace(**field))
    known = estimator([other])
    rate = RATES["xla", "skipgram", "negative_sampling"]
    expected = rate * WORDS * BASE.epochs + OVERHEAD
    assert known.cost(other) == Estimate(expected, "table")


def test_finished_runs_of_the_model_and_then_of_the_cell_know_better(tmp_path):
    runs = runs_of(tmp_path)
    of_2, of_5, again_2, _ = runs
    known = estimator(runs)
    finish(of_2, seconds=4.0)
    known.learn(of_2)
    assert known.cost(again_2) == Estimate(4.0 + OVERHEAD, "cell")
    assert known.cost(of_5) == Estimate(4.0 + OVERHEAD, "model")
    finish(of_5, seconds=10.0)
    known.learn(of_5)
    assert known.cost(of_5) == Estimate(10.0 + OVERHEAD, "cell")
    assert known.cost(again_2) == Estimate(4.0 + OVERHEAD, "cell")


def test_the_median_of_the_runs_counts_and_words_times_epochs_scale_it(tmp_path):
    runs = runs_of(tmp_path)
    known = estimator(runs)
    for seconds in (2.0, 3.0, 90.0):
        finish(runs[0], seconds)
        known.learn(runs[0])
    longer = dataclasses.replace(runs[0], config=runs[0].config.replace(epochs=6))
    scale = 6 / BASE.epochs
    expected = pytest.approx(3.0 * scale + OVERHEAD)  # products in another order
    assert known.cost(longer).seconds == expected


def test_another_model_learns_nothing_from_it(tmp_path):
    runs = runs_of(tmp_path)
    known = estimator(runs)
    finish(runs[0])
    known.learn(runs[0])
    config = runs[0].config.replace(objective="hierarchical_softmax")
    other = dataclasses.replace(runs[0], cell="hs", config=config)
    assert known.cost(other).source == "table"


def test_the_full_softmax_costs_words_times_vocabulary():
    softmax = BASE.replace(objective="softmax", min_count=6)
    four = 4  # of counts 500, 300, 190, 6 and 4 those that are at least 6
    assert work(softmax, text()) == WORDS * BASE.epochs * four
    assert work(softmax.replace(min_count=1), text()) == WORDS * BASE.epochs * 5
    assert work(softmax.replace(max_vocabulary=2), text()) == WORDS * BASE.epochs * 2
    assert work(BASE, text()) == WORDS * BASE.epochs


def test_what_is_measured_over_one_vocabulary_scales_to_another(tmp_path):
    runs = runs_of(tmp_path, objective="softmax", min_count=1)
    known = estimator(runs)
    finish(runs[0], seconds=5.0)
    known.learn(runs[0])
    small = dataclasses.replace(runs[1], config=runs[1].config.replace(min_count=100))
    # 3 words of 5 occur 100 times; the seconds are proportional to V
    expected = pytest.approx(5.0 * 3 / 5 + OVERHEAD)
    assert known.cost(small).seconds == expected


@pytest.mark.parametrize("summary", [{}, {"train_seconds": None}, {"train": 3}])
def test_a_summary_without_seconds_teaches_nothing(tmp_path, summary):
    runs = runs_of(tmp_path)
    known = estimator(runs)
    known.learn(runs[0])  # no file at all
    put(runs[0].path / "summary.json", summary)
    known.learn(runs[0])
    assert known.cost(runs[0]).source == "table"


def test_a_text_is_told_by_what_decides_its_encoding():
    same = BASE.replace(window=9, seed=3, min_count=1)
    assert text_key(same) == text_key(BASE)
    for change in (
        {"corpus": "b"},
        {"tokenizer": "characters"},
        {"invalid_utf8": "skip"},
        {"max_words": 5},
    ):
        assert text_key(BASE.replace(**change)) != text_key(BASE)


def test_a_text_without_words_costs_the_overhead(tmp_path):
    runs = runs_of(tmp_path)
    finish(runs[0])
    known = estimator(runs, raw_words=0, counts=())
    known.learn(runs[0])  # no division by nothing
    assert known.cost(runs[1]).seconds == OVERHEAD
    assert Text(0, np.zeros(0, np.int64), "").vocabulary(BASE) == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (600, "10 min"),
        (5369, "89 min"),
        (5400, "1 h 30 min"),
        (36_000, "10 h 0 min"),
    ],
)
def test_durations_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said
