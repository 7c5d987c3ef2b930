"""Which tables a report has, what is bold in them and what their notes admit."""

import csv
import io

import pytest

from experiments.reporting import overview
from experiments.reporting.tables import comma_separated, markdown
from tests.experiments.reporting.made import make_analysis

SCORES = {
    "low": {"wordsim353": [0.5, 0.52], "google": [0.2, 0.21]},
    "mid": {"wordsim353": [0.6, 0.62], "google": [0.3, 0.31]},
    "top": {"wordsim353": [0.7, 0.72], "google": [0.4, 0.41]},
}
SETTINGS = {"low": {"window": 2}, "mid": {"window": 5}, "top": {"window": 10}}
SECONDS = {"low": 10, "mid": 20, "top": 30}


def texts(table, column):
    place = table.columns.index(column)
    return [row[place].text for row in table.rows]


def bold(table):
    return [
        (row[0].text, column)
        for row in table.rows
        for column, field in zip(table.columns, row, strict=True)
        if field.bold
    ]


def plain(table):
    return list(csv.DictReader(io.StringIO(comma_separated(table))))


def test_the_winner_is_bold_where_it_beats_every_other():
    table = overview.scores(make_analysis(SCORES, SETTINGS))
    assert table.columns == (
        "cell",
        "seeds",
        "wordsim353, Spearman × 100",
        "google, % right",
    )
    assert texts(table, "cell") == ["low", "mid", "top"]
    assert texts(table, "google, % right")[0] == "20.5 ± 0.7"
    assert bold(table) == [("top", column) for column in table.columns[2:]]
    assert "Holm" in table.note


def test_nothing_is_bold_without_significance():
    # three pairs on two measures: the least of six p-values is multiplied by six
    for p, expected in ((0.05 / 6 - 1e-6, 2), (0.05 / 6 + 1e-6, 0)):
        table = overview.scores(make_analysis(SCORES, SETTINGS, p=p))
        assert len(bold(table)) == expected


def test_no_row_shows_a_bare_mean():
    for table in (
        overview.scores(make_analysis(SCORES, SETTINGS, SECONDS)),
        overview.costs(make_analysis(SCORES, SETTINGS, SECONDS)),
    ):
        for row in table.rows:
            for field in row[2:]:
                assert "±" in field.text or "1 seed" in field.text or field.text == "–"
                assert field.minor.startswith("[") or field.text == "–"
    alone = {name: {"google": one["google"][:1]} for name, one in SCORES.items()}
    table = overview.scores(make_analysis(alone, SETTINGS))
    assert texts(table, "google, % right")[0] == "20.0 (1 seed)"
    assert "says nothing about other trainings" in table.note


def test_beside_a_baseline_the_better_and_the_worse_are_marked():
    analysis = make_analysis(SCORES, SETTINGS, baseline="mid")
    table = overview.scores(analysis)
    assert texts(table, "cell") == ["low", "mid (baseline)", "top"]
    assert texts(table, "google, % right") == [
        "20.5 ± 0.7 ↓",
        "30.5 ± 0.7",
        "40.5 ± 0.7 ↑",
    ]
    assert {name for name, _ in bold(table)} == {"top"}
    assert "baseline" in table.note
    none = overview.scores(make_analysis(SCORES, SETTINGS, p=0.5, baseline="mid"))
    assert texts(none, "google, % right")[0] == "20.5 ± 0.7"


def test_the_csv_has_the_settings_and_every_number():
    rows = plain(overview.scores(make_analysis(SCORES, SETTINGS)))
    assert [row["window"] for row in rows] == ["2", "5", "10"]
    assert float(rows[2]["google mean"]) == pytest.approx(0.405)
    assert float(rows[2]["google low"]) == pytest.approx(0.405 - 0.0475)


def test_comparisons_show_effects_tests_and_corrections():
    analysis = make_analysis(SCORES, SETTINGS)
    table = overview.comparisons(analysis)
    assert len(table.rows) == 6
    assert {len(row) for row in table.rows} == {len(table.columns)} == {13}
    assert texts(table, "a − b")[:3] == ["-10.0", "-20.0", "-10.0"]
    assert texts(table, "Holm p") == ["0.0060"] * 6
    assert texts(table, "p items") == ["0.0200"] * 6
    assert texts(table, "only a : only b") == ["–"] * 3 + ["30 : 10"] * 3
    assert texts(table, "odds ratio")[-1] == "3.00"
    assert texts(table, "g")[-1] == "+0.250"
    assert len(bold(table)) == 6
    row = plain(table)[-1]
    assert (row["basis"], row["only_a"]) == ("seeds and items", "30")
    assert float(row["p_holm"]) == pytest.approx(0.006)
    assert "(6)" in table.note


def test_without_analogies_there_are_no_columns_for_them():
    scores = {name: {"wordsim353": one["wordsim353"]} for name, one in SCORES.items()}
    table = overview.comparisons(make_analysis(scores, SETTINGS))
    assert {len(row) for row in table.rows} == {len(table.columns)} == {10}


def test_a_comparison_without_items_in_common_is_a_dash():
    analysis = make_analysis(SCORES, SETTINGS)
    none = analysis.comparisons[0].difference._replace(p=None, interval=None)
    first = analysis.comparisons[0]._replace(difference=none, p_holm=None)
    table = overview.comparisons(analysis, [first])
    assert texts(table, "a − b") == ["–"]
    assert plain(table)[0]["difference"] == ""


def test_tests_over_items_alone_are_admitted():
    analysis = make_analysis(SCORES, SETTINGS)
    assert "one seed" not in overview.comparisons(analysis).note
    items = analysis.comparisons[0].difference._replace(basis="items")
    object.__setattr__(
        analysis,
        "comparisons",
        (analysis.comparisons[0]._replace(difference=items),),
    )
    assert "other seeds may turn it round" in overview.comparisons(analysis).note


def test_a_report_without_correction_says_so():
    analysis = make_analysis(SCORES, SETTINGS)
    object.__setattr__(analysis, "corrected", False)
    for table in (overview.scores(analysis), overview.comparisons(analysis)):
        assert "without any correction" in table.note


def test_costs_are_in_the_units_of_their_titles():
    table = overview.costs(make_analysis(SCORES, SETTINGS, SECONDS))
    assert texts(table, "training, s") == ["10.0 ± 0.0", "20.0 ± 0.0", "30.0 ± 0.0"]
    assert texts(table, "loss, nats per pair") == ["–"] * 3  # no summary says
    assert "do not compare" in table.note


EPOCHS = {
    "short": {"objective": "softmax", "epochs": 1},
    "long": {"objective": "softmax", "epochs": 5},
    "other": {"objective": "negative_sampling", "epochs": 2},
}


@pytest.mark.parametrize(
    ("key", "budget", "expected", "said"),
    [
        ("train_seconds", None, ["short", "other"], "within 20.0 s of training (the"),
        (
            "train_seconds",
            30,
            ["long", "other"],
            "within 30.0 s of training (as asked)",
        ),
        ("train_seconds", 15, ["short"], "Over the budget: other"),
        ("raw_words", None, ["short", "other"], "within 2.0 M raw words (the least"),
    ],
)
def test_at_a_budget_every_setting_has_its_longest_training(
    key, budget, expected, said
):
    scores = dict(zip(EPOCHS, SCORES.values(), strict=True))
    seconds = {"short": 10, "long": 30, "other": 20}
    analysis = make_analysis(scores, EPOCHS, seconds)
    table = overview.at_budget(analysis, key, budget)
    assert texts(table, "cell") == expected
    assert said in table.note
    spent = "training, s" if key == "train_seconds" else "raw words, M"
    assert table.columns[2] == spent
    assert bold(table) == []  # significance is that of the whole table
    assert markdown(table).count("±") > 2 * len(expected)


def test_one_length_of_training_admits_that_time_is_not_used():
    analysis = make_analysis(SCORES, SETTINGS, SECONDS)
    table = overview.at_budget(analysis, "train_seconds")
    assert texts(table, "cell") == ["low", "mid", "top"]
    assert "does not use its time" in table.note
    assert overview.at_budget(analysis, "train_seconds", 1) is None
    assert overview.at_budget(make_analysis(SCORES, SETTINGS), "raw_words") is None
