"""A sweep in short: what a terminal shows, and what is committed."""

import dataclasses
from pathlib import Path

import pytest

from experiments.reporting import overview, report, study
from experiments.reporting.collect import Collection, LeftOut
from experiments.reporting.report import Asked, Report
from tests.experiments.reporting.made import make_analysis


def make_report(cells, sweep=None, left_out=(), notes=(), p=1e-6, **fields):
    """A report of so many cells that differ by the fields' values, one a cell."""
    fields = fields or {"dim": list(range(10, 10 + cells))}
    settings = {
        f"c{i}": {name: values[i] for name, values in fields.items()}
        for i in range(cells)
    }
    scores = {name: {"google": [0.01 * i, 0.01 * i]} for i, name in enumerate(settings)}
    analysis = make_analysis(
        scores, settings, p=p, environment={"cpu": "x", "jax": "1"}
    )
    runs = [run for cell in analysis.grid.cells for run in cell.runs]
    collection = Collection(Path("/somewhere/runs"), runs, list(left_out), sweep or {})
    made = (overview.scores(analysis), overview.comparisons(analysis))
    asked = Asked(Path("/somewhere/runs"))
    return Report(asked, collection, analysis, made, tuple(left_out), tuple(notes))


def table_rows(text, heading):
    """Rows of the table that follows a bold title."""
    after = text.partition(f"**{heading}**")[2].partition("\n\n")[2]
    return after.partition("\n\n")[0].splitlines()[2:]


def test_few_comparisons_are_shown_and_many_are_counted():
    few = make_report(3)
    assert len(table_rows(few.text(), "Comparisons")) == 3
    cells = 10  # 45 pairs
    assert cells * (cells - 1) // 2 > report.SHOWN
    many = make_report(cells).text()
    assert "45 of 45 comparisons are significant." in many
    assert "**Comparisons**" not in many
    assert "0 of 45 comparisons" in make_report(cells, p=0.5).text()


def test_a_study_shows_the_surest_comparisons_and_says_how_many_there_are():
    few = study.markdown(make_report(4))
    assert "Significant: 6 of 6 comparisons.\n" in few
    assert len(table_rows(few, "Comparisons")) == 6
    many = study.markdown(make_report(10))
    assert f"Significant: 45 of 45 comparisons; the {study.SHOWN} surest:" in many
    assert len(table_rows(many, "Comparisons")) == study.SHOWN
    none = study.markdown(make_report(4, p=0.9))
    assert "Significant: 0 of 6 comparisons.\n" in none
    assert "**Comparisons**" not in none


def test_a_study_says_where_it_comes_from():
    lost = [LeftOut(Path("/somewhere/runs/x"), "failed: diverged")]
    text = study.markdown(make_report(2, left_out=lost, notes=["A note."]))
    last = text.rstrip().splitlines()[-1]
    assert last == (
        "4 runs; cpu x; cores None; jax 1; git_commit None. "
        "Failed or left out: 1. A note."
    )
    assert "/somewhere" not in text


def test_the_picture_of_a_study_is_the_map_of_two_flags_or_the_first_flag():
    one = study.main_figure(make_report(3))
    assert one.axes[0].get_xlabel() == "--dim"
    assert len(one.axes[0].lines) == 1
    crossed = {"dim": [10, 10, 20, 20], "window": [2, 5, 2, 5]}
    two = study.main_figure(make_report(4, **crossed))
    assert len(two.axes[0].images) == 1
    assert study.main_figure(make_report(1)) is None


@pytest.mark.parametrize("cells", [1, 3])
def test_a_study_has_a_picture_where_something_was_swept(tmp_path, cells):
    written = study.write_study(make_report(cells), tmp_path / "studies" / "dims")
    names = sorted(path.name for path in written)
    assert names == ["dims.csv", "dims.md"] + ["dims.png"] * (cells > 1)
    text = (tmp_path / "studies" / "dims.md").read_text()
    assert ("![Quality](studies/dims.png)" in text) == (cells > 1)


def test_a_question_in_sweep_json_is_the_title():
    assert make_report(2).title == "runs"
    assert make_report(2, {"question": "Which?"}).title == "Which?"
    unknown = make_report(2, {"preset": "nobody's"})
    assert (unknown.title, unknown.about) == ("runs", {"preset": "nobody's"})


def test_the_surest_comparison_comes_first():
    made = make_report(4)
    falling = tuple(
        one._replace(difference=one.difference._replace(p=10.0 ** -(place + 1)))
        for place, one in enumerate(made.analysis.comparisons)
    )
    analysis = dataclasses.replace(made.analysis, comparisons=falling)
    text = study.markdown(dataclasses.replace(made, analysis=analysis))
    shown = [row.split("|")[7].strip() for row in table_rows(text, "Comparisons")]
    # six of them: 1e-6 first, which is below what four places show
    assert shown == [r"\<0.0001"] * 2 + ["0.0001", "0.0010", "0.0100", "0.1000"]
