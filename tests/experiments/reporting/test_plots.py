"""What is drawn is what the tables say: read back from the figures."""

import itertools
import json
import struct

import numpy as np
import pytest

from experiments import drawing
from experiments.reporting import curves, plots
from experiments.reporting.collect import Run, collect
from tests.experiments.reporting.made import make_analysis, make_cell
from tests.experiments.reporting.planted import write_run

WINDOWS = {"a": {"window": 10}, "b": {"window": 2}, "c": {"window": 5}}
SCORES = {
    "a": {"wordsim353": [0.7, 0.72], "google": [0.4, 0.42]},
    "b": {"wordsim353": [0.5, 0.52], "google": [0.2, 0.22]},
    "c": {"wordsim353": [0.6, 0.62], "google": [0.3, 0.32]},
}


def crossed(**fields):
    """A full grid of settings with scores .1, .2, ... of one measure."""
    names = list(fields)
    made = [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*fields.values())
    ]
    settings = {"/".join(map(str, one.values())): one for one in made}
    scores = {
        name: {"google": [(place + 1) / 10]} for place, name in enumerate(settings)
    }
    return make_analysis(scores, settings)


def band(axis):
    """x, low and high of a filled band."""
    (filled,) = axis.collections
    points = np.unique(filled.get_paths()[0].vertices, axis=0)
    x = np.unique(points[:, 0])
    ends = [points[points[:, 0] == one, 1] for one in x]
    return x, [e.min() for e in ends], [e.max() for e in ends]


def test_quality_against_a_number_is_a_line_with_its_band():
    figure = plots.against_flag(make_analysis(SCORES, WINDOWS), "window")
    first, second = figure.axes[:2]
    (line,) = first.lines
    assert line.get_xdata().tolist() == [2, 5, 10]
    assert line.get_ydata().tolist() == pytest.approx([51, 61, 71])
    x, low, high = band(first)
    assert x.tolist() == [2, 5, 10]
    # the interval is the central .95 of the mean +- 5 points
    assert low == pytest.approx([51 - 4.75, 61 - 4.75, 71 - 4.75])
    assert high == pytest.approx([51 + 4.75, 61 + 4.75, 71 + 4.75])
    assert first.get_xlabel() == "--window"
    assert second.get_ylabel() == "google, % right"
    assert first.get_xscale() == "linear"


def test_numbers_over_a_wide_range_are_on_a_logarithmic_axis():
    analysis = crossed(learning_rate=[0.001, 0.01, 0.1])
    assert plots.against_flag(analysis, "learning_rate").axes[0].get_xscale() == "log"
    axis = plots.against_flag(crossed(subsample=[0.0, 1e-5, 1e-3]), "subsample").axes[0]
    assert axis.get_xscale() == "symlog"  # 0, which turns it off, has its place
    x = axis.transScale.transform([(v, 1) for v in (0.0, 1e-5, 1e-4, 1e-3)])[:, 0]
    assert np.diff(x) == pytest.approx(np.diff(x)[0], rel=0.3)


def test_other_swept_flags_give_a_line_each():
    analysis = crossed(objective=["softmax", "negative_sampling"], window=[2, 5])
    figure = plots.against_flag(analysis, "window")
    (axis,) = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in axis.lines}
    assert drawn == {
        "objective=softmax": pytest.approx([10, 20]),
        "objective=negative_sampling": pytest.approx([30, 40]),
    }
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == list(drawn)


def test_names_are_bars_beside_each_other():
    analysis = crossed(objective=["softmax", "negative_sampling"], window=[2, 5])
    (axis,) = plots.against_flag(analysis, "objective").axes
    heights = [bar.get_height() for bar in axis.patches]
    assert heights == pytest.approx([10, 30, 20, 40])  # window 2, then window 5
    places = [bar.get_x() + bar.get_width() / 2 for bar in axis.patches]
    assert [round(x) for x in places] == [0, 1, 0, 1]
    ticks = [label.get_text() for label in axis.get_xticklabels()]
    assert ticks == ["softmax", "negative_sampling"]


def test_a_yes_or_no_is_a_name():
    analysis = crossed(dynamic_window=[False, True])
    (axis,) = plots.against_flag(analysis, "dynamic_window").axes
    assert len(axis.patches) == 2


def test_more_settings_than_can_be_told_apart_are_thinned():
    analysis = crossed(dim=list(range(10, 30)), window=[2, 5])
    (axis,) = plots.against_flag(analysis, "window").axes
    assert len(axis.lines) == plots.LINES


def test_random_draws_are_points():
    names = [f"c{i}" for i in range(6)]
    settings = {
        name: {"learning_rate": 0.01 * (i + 1), "window": 2 + i}
        for i, name in enumerate(names)
    }
    scores = {name: {"google": [i / 10]} for i, name in enumerate(names)}
    figure = plots.against_flag(make_analysis(scores, settings), "learning_rate")
    (line,) = (one for one in figure.axes[0].lines if len(one.get_xdata()) == 6)
    assert line.get_ydata().tolist() == pytest.approx([0, 10, 20, 30, 40, 50])


def test_cells_without_a_score_are_left_out():
    scores = {**SCORES, "c": {"wordsim353": [0.6]}}
    figure = plots.against_flag(make_analysis(scores, WINDOWS), "window")
    assert figure.axes[0].lines[0].get_xdata().tolist() == [2, 5, 10]
    assert figure.axes[1].lines[0].get_xdata().tolist() == [2, 10]


def test_the_cells_that_no_other_beats_are_joined():
    seconds = {"a": 30, "b": 10, "c": 40}  # c is slower than a and worse
    figure = plots.against_time(make_analysis(SCORES, WINDOWS, seconds))
    for axis, points in zip(
        figure.axes, ([(10, 51), (30, 71)], [(10, 21), (30, 41)]), strict=False
    ):
        joined = axis.lines[-1]
        assert list(zip(*joined.get_data(), strict=True)) == [
            pytest.approx(one) for one in points
        ]
        numbers = {text.get_text(): text.xy for text in axis.texts}
        assert sorted(numbers) == ["1", "2", "3"]
        assert numbers["2"][0] == 10  # b, the second cell
    assert plots.against_time(make_analysis(SCORES, WINDOWS)) is None


def test_two_flags_of_which_all_pairs_were_run_are_a_map():
    analysis = crossed(objective=["softmax", "negative_sampling"], window=[10, 2, 5])
    (name,) = maps = plots.two_way(analysis)
    assert name == "objective_window"
    axis = maps[name].axes[0]
    shown = np.asarray(axis.images[0].get_array())
    # columns in order of the number: windows 2, 5, 10 came second, third, first
    np.testing.assert_allclose(shown, [[20, 30, 10], [50, 60, 40]])
    assert [t.get_text() for t in axis.get_xticklabels()] == ["2", "5", "10"]
    assert axis.get_xlabel() == "--window"
    assert sorted(t.get_text() for t in axis.texts) == [
        "10.0", "20.0", "30.0", "40.0", "50.0", "60.0",
    ]  # fmt: skip


def test_a_map_of_three_flags_shows_means():
    analysis = crossed(window=[2, 5], dim=[10, 20], epochs=[1, 2])
    maps = plots.two_way(analysis)
    assert sorted(maps) == ["dim_epochs", "window_dim", "window_epochs"]
    shown = np.asarray(maps["window_dim"].axes[0].images[0].get_array())
    np.testing.assert_allclose(shown, [[15, 35], [55, 75]])


def test_a_list_of_cells_is_no_map():
    settings = {"a": {"window": 2, "dim": 10}, "b": {"window": 5, "dim": 20}}
    scores = {name: {"google": [0.1]} for name in settings}
    assert plots.two_way(make_analysis(scores, settings)) == {}


def log(path, points):
    path.mkdir(parents=True)
    lines = [json.dumps({"raw_words": w, "loss": loss}) for w, loss in points]
    (path / "metrics.jsonl").write_text("".join(line + "\n" for line in lines))
    return Run(path, None, {}, {})


def test_curves_of_seeds_are_put_on_one_grid(tmp_path):
    first = log(tmp_path / "1", [(0, 4.0), (100, 2.0)])
    second = log(tmp_path / "2", [(50, 4.0), (150, 2.0), (160, None)])
    words, losses = curves.together([first, second])
    assert (words[0], words[-1]) == (50, 100)  # what both cover
    np.testing.assert_allclose(losses[0], 4 - words / 50)
    np.testing.assert_allclose(losses[1], 5 - words / 50)
    assert curves.together([log(tmp_path / "3", [])]) is None
    apart = log(tmp_path / "4", [(500, 1.0), (600, 1.0)])
    assert curves.together([first, apart]) is None
    assert curves.together([log(tmp_path / "5", [(7, 1.0)])])[0].tolist() == [7]


def test_learning_curves_have_a_line_a_cell_and_a_band_over_seeds(tmp_path):
    cells = []
    for name, noise in (("a", 0.1), ("b", 1.0)):
        for seed in (1, 2):
            write_run(tmp_path / name / str(seed), seed, noise)
        runs = tuple(collect(tmp_path / name).runs)
        cells.append(make_cell(name).__class__(name, {}, runs))
    twice = cells[0].__class__("a, average", {}, cells[0].runs, "average")
    figure = curves.learning_curves([*cells, twice])
    (axis,) = figure.axes
    assert [line.get_label() for line in axis.lines] == ["a", "b"]
    line = axis.lines[0]
    # seeds 1 and 2: the mean of 4 / tenth + noise + .01 seed at the last tenth
    assert line.get_ydata()[-1] == pytest.approx(0.4 + 0.1 + 0.015)
    assert line.get_xdata()[-1] == pytest.approx(0.05)  # millions
    filled = axis.collections[0].get_paths()[0].vertices
    assert np.ptp(filled[filled[:, 0] == line.get_xdata()[-1], 1]) == (
        pytest.approx(0.01)
    )
    assert curves.learning_curves([make_cell("none")]) is None


@pytest.mark.slow
def test_a_figure_is_the_same_bytes_each_time_and_names_what_it_cannot_draw():
    figure = plots.against_flag(make_analysis(SCORES, WINDOWS), "window")
    png, svg, missing = drawing.rendered(figure)
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    assert missing == ""
    assert drawing.rendered(figure)[:2] == (png, svg)
    figure.axes[0].set_title("\U000e0001")  # no font has this tag
    assert drawing.rendered(figure)[2] == "\U000e0001"


def test_chinese_names_are_drawn_in_a_font_that_has_them(tmp_path, monkeypatch):
    settings = {"语料甲": {"window": 2}, "语料乙": {"window": 5}}
    scores = {name: {"google": [0.1, 0.2]} for name in settings}
    analysis = make_analysis(scores, settings)
    figure = plots.against_flag(analysis, "window")
    figure.axes[0].set_title("语料甲")
    assert {"语料甲", "--window", "google, % right"} <= set(drawing.texts(figure))
    asked = []

    def families(texts, font=None):
        asked.append((set(texts), font))
        return ["DejaVu Sans"], "甲"

    monkeypatch.setattr(drawing.fonts, "families", families)
    _, svg, missing = drawing.rendered(figure, "some.ttf")
    ((written, font),) = asked
    assert "语料甲" in written
    assert (font, missing) == ("some.ttf", "甲")
    assert svg.startswith(b"<?xml")


def test_a_legend_wider_than_its_figure_is_not_cut_off():
    long = "a" * 150  # characters, in a panel with room for some fifty
    settings = {"x": {"window": 2}, "y": {"window": 5}}
    scores = {name: {"google": [0.1]} for name in settings}
    figure = plots.against_flag(make_analysis(scores, settings), "window")
    narrow = struct.unpack(">I", drawing.rendered(figure)[0][16:20])
    figure.legend([figure.axes[0].lines[0]], [long], loc="outside lower center")
    wide = struct.unpack(">I", drawing.rendered(figure)[0][16:20])  # of the PNG
    assert wide > narrow
