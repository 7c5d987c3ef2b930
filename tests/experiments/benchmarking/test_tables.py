"""The Markdown tables of records, with and without what later versions record."""

import pytest

from experiments.benchmarking import tables
from experiments.benchmarking.scaling import fitted

RUN = {
    "trainer": "w2v_jax",
    "model": "cbow-negative_sampling",
    "words_per_second": 2e6,
    "wordsim353": 0.5,
    "simlex999": 0.25,
    "google": 0.4,
}
FULL = RUN | {
    "kept_words_per_second": 1.5e6,
    "pairs_per_second": 9e6,
    "memory_bytes": 250e6,
    "memory_bound_bytes": 400e6,
    "first_step_seconds": 3.21,
    "first_step_seconds_cold": 20.04,
    "seconds_to_quality": {"of": "gensim", "its_seconds": 90.0, "both": 30.0},
}


def rows(text):
    """The cells of each row below the heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_set_that_is_not_on_the_machine_is_a_dash():
    (row,) = rows(tables.table([RUN | {"simlex999": None}]))
    assert row[4:] == ["0.500", "–", "40.0 %"]


def test_a_mean_over_seeds_leaves_out_what_is_missing():
    assert tables.spread([0.1, None, 0.3], 100, 1, " %") == "20.0 ± 14.1 %"
    assert tables.spread([None], 1, 3) == "–"
    assert tables.spread([0.5], 1, 3) == "0.500"


def test_costs_are_medians_in_readable_units():
    (row,) = rows(tables.costs([FULL, FULL | {"memory_bytes": 900e6}, FULL]))
    assert row == [
        *("cbow, negative_sampling", "w2v_jax", "1.50 M", "9.00 M", "250", "400"),
        *("3.2", "20.0", "30 (gensim 90)"),
    ]


def test_old_records_have_dashes_for_costs():
    (row,) = rows(tables.costs([RUN]))
    assert row[2:] == ["–"] * 7


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([30.0, 10.0, 20.0], "20 (gensim 90)"),
        ([30.0, None, 10.0], "20, 2 of 3 seeds (gensim 90)"),
        ([None, None, None], "never (gensim 90)"),
    ],
)
def test_seeds_that_never_reach_the_score_are_told(times, expected):
    of = FULL["seconds_to_quality"]
    made = [FULL | {"seconds_to_quality": of | {"both": one}} for one in times]
    assert rows(tables.costs(made))[0][-1] == expected


def test_the_heading_and_every_row_have_as_many_cells():
    text = tables.costs([FULL])
    counts = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(counts) == 1


def test_softmax_stands_beside_the_machines_own_rate():
    found = {
        "model": "skipgram-softmax",
        "max_vocabulary": 70_000,
        "dim": 100,
        "hidden_vectors_per_second": 3571.6,
        "flop_per_second": 150e9,
        "product_flop_per_second": 200e9,
        "share": 0.75,
    }
    (row,) = rows(tables.softmax([found]))
    assert row == [
        *("skipgram, softmax", "70,000", "100", "3,572", "150", "200", "75 %"),
    ]


def test_scaling_has_exponent_interval_and_change():
    points = [
        {"model": "skipgram-softmax", "flag": "dim", "value": x, "microseconds": [x]}
        for x in (50, 100, 200)
    ]
    (row,) = rows(tables.scaling(fitted(points)))
    assert row[:5] == [
        *("`--dim`", "skipgram, softmax", "50 to 200", "50 to 200"),
        "1.00 [1.00, 1.00]",  # cost in proportion, without noise
    ]
    assert row[6] == "-75 %"  # four times as dear


def test_two_values_have_an_exponent_without_an_interval():
    points = [
        {"model": "m-n", "flag": "replicas", "value": x, "microseconds": [8.0 / x]}
        for x in (1, 2)
    ]
    (row,) = rows(tables.scaling(fitted(points)))
    assert row[4:] == ["-1.00", "", "+100 %"]


def test_groups_keep_the_order_of_the_runs():
    other = RUN | {"trainer": "gensim"}
    found = [(m, t, len(same)) for m, t, same in tables.groups([RUN, other, RUN])]
    model = RUN["model"]
    assert found == [(model, "w2v_jax", 2), (model, "gensim", 1)]
