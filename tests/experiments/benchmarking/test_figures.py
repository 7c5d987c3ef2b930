"""The benchmark's pictures, and their files."""

import pytest

from experiments.benchmarking import figures
from experiments.benchmarking.scaling import fitted
from tests.experiments.benchmarking.test_tables import FULL, RUN

POINTS = [
    {"seconds": 1.0, "wordsim353": 0.2, "google": 0.1},
    {"seconds": 2.0, "wordsim353": 0.5, "google": None},
]
OURS = FULL | {"points": POINTS, "train_seconds": 2.0}
PEER = RUN | {"trainer": "gensim", "train_seconds": 8.0}
SHARE = {"model": "skipgram-softmax", "max_vocabulary": 10_000, "share": 0.5}
SCALED = [
    {"model": "m-n", "flag": "dim", "value": x, "microseconds": [float(x)]}
    for x in (1, 2, 4)
]


def axes_of(figure):
    return [axis for axis in figure.axes if axis.axison]


def test_every_table_has_its_picture():
    drawn = figures.draw([OURS, PEER], [SHARE], fitted(SCALED))
    assert all(figure is not None for figure in drawn.values())
    assert set(drawn) == {
        *("speed", "quality", "costs", "time_to_quality", "softmax", "scaling")
    }


def test_what_was_not_measured_has_no_picture():
    drawn = figures.draw([RUN, PEER], [], [])
    nothing = {name for name, figure in drawn.items() if figure is None}
    assert nothing == {"costs", "time_to_quality", "softmax", "scaling"}


def test_no_run_at_all_is_no_picture():
    assert set(figures.draw([], [], []).values()) == {None}


def test_bars_stand_at_the_medians_in_readable_units():
    runs = [RUN | {"words_per_second": speed} for speed in (1e6, 5e6, 2e6)]
    (axis,) = axes_of(figures.speed(runs))
    (bar,) = axis.containers[1] if len(axis.containers) > 1 else axis.containers[0]
    assert bar.get_height() == pytest.approx(2.0)
    assert axis.get_ylabel() == "raw words/s, M"


def test_a_panel_that_only_ours_tell_shows_ours_alone():
    panels = axes_of(figures.speed([OURS, PEER]))
    assert [axis.get_ylabel() for axis in panels] == [
        *("raw words/s, M", "kept words/s, M", "pairs/s, M")
    ]
    names = [text.get_text() for text in panels[2].get_legend().get_texts()]
    assert names == ["w2v_jax"]


def test_the_race_draws_our_way_and_the_peers_end():
    similar, right = axes_of(figures.race([OURS, PEER]))
    ours = similar.lines[0]
    assert list(ours.get_xdata()) == [1.0, 2.0]
    assert list(ours.get_ydata()) == [20.0, 50.0]
    assert list(right.lines[0].get_xdata()) == [1.0]  # a point without that score
    ends = [line for line in similar.lines if line.get_marker() == "s"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in ends] == [(8.0, 50.0)]


def test_scores_that_are_missing_leave_the_others():
    panels = axes_of(figures.quality([RUN | {"google": None}]))
    labels = [axis.get_xlabel() for axis in panels]
    assert labels == ["WordSim-353 × 100", "SimLex-999 × 100"]


def test_the_shares_of_softmax_are_in_percent():
    (axis,) = axes_of(figures.softmax([SHARE]))
    assert axis.patches[0].get_height() == 50.0


def test_the_parts_of_a_step_are_sorted_and_the_whole_is_told():
    one = {"of_step": True, "flop": 0, "bytes": 0}
    found = {
        "parts": [
            one | {"name": "slow", "microseconds": 3.0},
            one | {"name": "fast", "microseconds": 1.0},
            one | {"name": "whole step", "microseconds": 5.0, "of_step": False},
        ]
    }
    (axis,) = axes_of(figures.step_parts(found))
    assert [bar.get_width() for bar in axis.patches] == [1.0, 3.0]
    assert "5" in axis.get_xlabel()


def test_files_are_pictures_and_the_same_each_time(tmp_path):
    first = figures.save({"a": figures.softmax([SHARE]), "b": None}, tmp_path / "new")
    assert [path.name for path in first] == ["a.png", "a.svg"]
    png, svg = (path.read_bytes() for path in first)
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    figures.save({"a": figures.softmax([SHARE])}, tmp_path / "new")
    assert [path.read_bytes() for path in first] == [png, svg]


def test_every_model_and_trainer_has_a_line_of_scores():
    runs = [RUN, RUN | {"google": 0.6}, PEER]
    *_, google = axes = axes_of(figures.quality(runs))
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names == [f"cbow,\nnegative_sampling, {t}" for t in ("w2v_jax", "gensim")]
    points = [
        tuple(line.get_xydata()[0]) for line in google.lines if line.get_marker() == "o"
    ]
    # means over the seeds, in points, one line below the other, all lines shown
    assert google.get_ylim() == (1.5, -0.5)
    assert points == [(pytest.approx(50.0), 0.0), (pytest.approx(40.0), 1.0)]
