"""Exponents of cost: planted ones come back, and a logarithm looks like one."""

import csv
import dataclasses

import numpy as np
import pytest
import scipy.stats

from experiments.reporting import scaling
from experiments.reporting.tables import comma_separated, markdown
from tests.experiments.reporting.made import make_analysis

SIZES = [1000, 2000, 4000, 8000, 16000]


def make(costs, field="max_vocabulary", seeds=2, kept=1_000_000):
    """An analysis whose cells cost so many microseconds a token: {group: [one a size]}.

    The vocabulary has one word less than was asked for.
    """
    settings, scores, spent = {}, {}, {}
    for group, values in costs.items():
        for size, cost in zip(SIZES, values, strict=True):
            name = f"{group}/{size}"
            settings[name] = {"objective": group, field: size}
            scores[name] = {"google": [0.5] * seeds}
            spent[name] = cost
    if len(costs) == 1:
        for one in settings.values():
            del one["objective"]
    analysis = make_analysis(scores, settings)
    cells = []
    for cell in analysis.grid.cells:
        runs = []
        for run, share in zip(cell.runs, (0.9, 1.1), strict=False):
            summary = {
                "train_seconds": share * spent[cell.name] * kept / 1e6,
                "kept_tokens": kept,
                "vocabulary": cell.settings[field] - 1,
            }
            runs.append(dataclasses.replace(run, summary=summary))
        cells.append(dataclasses.replace(cell, runs=tuple(runs)))
    grid = dataclasses.replace(analysis.grid, cells=tuple(cells))
    return dataclasses.replace(analysis, grid=grid)


def power(exponent, scale=1.0):
    return [scale * (size - 1) ** exponent for size in SIZES]


def test_planted_powers_come_back():
    costs = {"softmax": power(1.0, 0.01), "negative_sampling": power(0.0, 3.0)}
    found = {one.group: one for one in scaling.scalings(make(costs))}
    assert list(found) == ["objective=softmax", "objective=negative_sampling"]
    for group, expected in (("softmax", 1.0), ("negative_sampling", 0.0)):
        one = found[f"objective={group}"]
        assert one.exponent == pytest.approx(expected, abs=1e-9)
        assert one.interval == pytest.approx((expected, expected), abs=1e-6)
        assert one.x.tolist() == [size - 1 for size in SIZES]  # the real sizes
        assert one.seconds.tolist() == pytest.approx(costs[group])  # mean of the seeds


def test_a_logarithm_looks_like_a_small_exponent():
    costs = {"hierarchical_softmax": [np.log2(size) for size in SIZES]}
    (one,) = scaling.scalings(make(costs))
    assert 0.05 < one.exponent < 0.2  # d log log V / d log V = 1 / ln V
    assert one.group == ""


def test_the_interval_is_that_of_the_regression():
    rng = np.random.default_rng(0)
    noisy = [cost * np.exp(0.1 * rng.normal()) for cost in power(0.5)]
    (one,) = scaling.scalings(make({"softmax": noisy}))
    x, y = np.log(np.array(SIZES) - 1.0), np.log(noisy)
    theirs = scipy.stats.linregress(x, y)
    half = scipy.stats.t.ppf(0.975, 3) * theirs.stderr
    assert one.exponent == pytest.approx(theirs.slope)
    assert one.interval == pytest.approx((theirs.slope - half, theirs.slope + half))


def test_other_flags_are_taken_as_they_were_given():
    (one,) = scaling.scalings(make({"softmax": power(1.0)}, field="dim"))
    assert (one.field, one.x.tolist()) == ("dim", SIZES)


@pytest.mark.parametrize("field", ["epochs", "max_words"])
def test_the_length_of_a_training_has_no_exponent(field):
    assert scaling.scalings(make({"softmax": power(1.0)}, field=field)) == []


def test_rates_and_names_have_no_exponent():
    settings = {f"c{i}": {"learning_rate": 0.01 * (i + 1)} for i in range(4)}
    scores = {name: {"google": [0.1]} for name in settings}
    assert scaling.scalings(make_analysis(scores, settings)) == []


def test_runs_that_do_not_say_what_they_cost_have_no_exponent():
    analysis = make({"softmax": power(1.0)}, kept=1)
    silent = [
        dataclasses.replace(
            cell,
            runs=tuple(dataclasses.replace(run, summary={}) for run in cell.runs),
        )
        for cell in analysis.grid.cells[2:]
    ]
    cells = (*analysis.grid.cells[:2], *silent)
    grid = dataclasses.replace(analysis.grid, cells=cells)
    few = dataclasses.replace(analysis, grid=grid)
    assert scaling.scalings(few) == []  # two points have no error
    assert scaling.table([], 0.95) is None
    assert scaling.figure([]) is None


def test_the_table_has_the_exponents_and_the_csv_the_points():
    costs = {"softmax": power(1.0, 0.01), "negative_sampling": power(0.0, 3.0)}
    made = scaling.table(scaling.scalings(make(costs)), 0.95)
    assert [row[4].text for row in made.rows] == ["1.00", "0.00"]
    assert made.rows[0][2].text == "999 to 15,999"
    assert "| --max\\_vocabulary | objective=softmax |" in markdown(made)
    rows = list(csv.DictReader(comma_separated(made).splitlines()))
    assert len(rows) == 2 * len(SIZES)
    assert float(rows[4]["microseconds"]) == pytest.approx(0.01 * 15_999)


def test_the_picture_has_points_and_the_fitted_line():
    costs = {"softmax": power(1.0, 0.01), "negative_sampling": power(0.0, 3.0)}
    figure = scaling.figure(scaling.scalings(make(costs)))
    (axis,) = figure.axes
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    points, fitted, *_ = axis.lines
    np.testing.assert_allclose(points.get_ydata(), fitted.get_ydata(), rtol=1e-9)
    assert points.get_label() == "objective=softmax (1.00)"


def test_two_points_have_a_slope_and_no_interval():
    x, y = np.array([1.0, 4.0]), np.array([3.0, 6.0])
    slope, interval = scaling.fit(x, y, 0.95)
    assert slope == pytest.approx(0.5)  # twice the cost at four times x
    assert interval is None


def test_three_points_have_an_interval_around_the_slope():
    x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.2, 4.0])
    slope, (low, high) = scaling.fit(x, y, 0.95)
    assert low < slope < high
    assert slope == pytest.approx(1.0)  # the bump in the middle is even
