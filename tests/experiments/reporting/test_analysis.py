"""From outcomes to numbers: scores, costs, comparisons and who wins."""

import dataclasses

import numpy as np
import pytest

from experiments.reporting.analysis import analyse
from experiments.reporting.cells import make_grid
from experiments.reporting.collect import collect
from experiments.reporting.comparisons import Judged, compare, judge
from experiments.reporting.items import outcomes
from experiments.reporting.measures import Measure
from tests.experiments.reporting.planted import COUNTS, PAIRS, write_sets, write_sweep
from w2v_jax.evaluation import comparison, suites
from w2v_jax.vectors import Vectors

MEASURES = [
    Measure("pairs", "pairs", "similarity"),
    Measure("questions", "questions", "analogy"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three cells of three seeds: good, equally good, and much worse."""
    root = tmp_path_factory.mktemp("sweep")
    pairs, questions = write_sets(root / "sets")
    cells = {
        "good": {"noise": 0.4, "window": 2, "seconds": 10.0},
        "same": {"noise": 0.4, "window": 3, "seconds": 20.0},
        "worse": {"noise": 1.5, "window": 4, "seconds": 30.0},
    }
    grid = make_grid(collect(write_sweep(root / "runs", cells)))
    sets = {"pairs": pairs, "questions": questions}
    found = {
        (cell.name, run.seed): outcomes(run, sets)
        for cell in grid.cells
        for run in cell.runs
    }
    return grid, found, sets


def run(world, **options):
    grid, found, _ = world
    return analyse(grid, MEASURES, found, **options)


@pytest.fixture(scope="module")
def analysis(world):
    return run(world)


def pair(analysis, measure, a, b):
    (one,) = (
        c for c in analysis.comparisons if (c.measure, c.a, c.b) == (measure, a, b)
    )
    return one


def test_scores_are_those_of_the_librarys_evaluation(world, analysis):
    grid, _, sets = world
    for cell in grid.cells:
        loaded = [Vectors.load(run.path / "vectors.bin") for run in cell.runs]
        theirs = [suites.evaluate(vectors, sets) for vectors in loaded]
        rank = [one["similarity"]["pairs"]["spearman"] for one in theirs]
        right = [one["analogy"]["questions"]["accuracy"] for one in theirs]
        for name, expected in (("pairs", rank), ("questions", right)):
            one = analysis.scores[cell.name, name]
            np.testing.assert_allclose(one.scores, expected, rtol=1e-12)
            assert one.mean == pytest.approx(np.mean(expected))
            assert one.interval[0] < one.mean < one.interval[1]
            assert one.coverage == 1


def test_costs_are_those_of_the_summaries(analysis):
    seconds = analysis.costs["good", "train_seconds"]
    assert seconds.scores.tolist() == pytest.approx([10.1, 10.2, 10.3])
    assert analysis.costs["same", "raw_words"].mean == pytest.approx(0.05)  # millions
    assert analysis.costs["same", "peak_memory_bytes"].mean == 102  # MiB
    assert analysis.costs["good", "final_loss"].interval is None  # it has no items


def test_all_pairs_are_compared_on_every_measure(analysis):
    names = [(c.measure, c.a, c.b) for c in analysis.comparisons]
    pairs = [("good", "same"), ("good", "worse"), ("same", "worse")]
    assert names == [(m, *p) for m in ("pairs", "questions") for p in pairs]


def test_a_planted_difference_is_significant_and_a_null_is_not(analysis):
    for measure in ("pairs", "questions"):
        for better in ("good", "same"):
            one = pair(analysis, measure, better, "worse")
            assert analysis.significant(one)
            assert one.difference.interval[0] > 0
            assert one.difference.basis == "seeds and items"
            assert one.d > 1
            assert one.p_seeds == 0.25  # 2 of 2^3 signs
        null = pair(analysis, measure, "good", "same")
        assert not analysis.significant(null)
        assert null.p_holm >= null.difference.p


def test_p_is_corrected_over_the_whole_report(analysis):
    p_values = [one.difference.p for one in analysis.comparisons]
    expected = comparison.holm(p_values)
    assert [one.p_holm for one in analysis.comparisons] == expected
    assert expected != p_values


@pytest.mark.slow
def test_without_correction_p_stays(world):
    found = run(world, corrected=False)
    assert all(one.p_holm == one.difference.p for one in found.comparisons)


def test_nobody_wins_where_two_are_equally_good(analysis):
    assert analysis.winner("pairs") is None
    assert analysis.winner("questions") is None


@pytest.mark.slow
def test_the_best_wins_where_it_beats_every_other(world):
    grid, found, _ = world
    two = dataclasses.replace(grid, cells=(grid.cells[0], grid.cells[2]))
    made = analyse(two, MEASURES, found)
    assert made.winner("pairs") == made.winner("questions") == "good"
    # the same numbers without significance are no victory
    strict = dataclasses.replace(made, level=1.0)
    assert strict.winner("pairs") is None
    alone = dataclasses.replace(grid, cells=grid.cells[:1])
    assert analyse(alone, MEASURES, found).winner("pairs") is None


def test_the_others_are_compared_with_the_baseline_alone(world):
    made = run(world, baseline="same")
    assert [(c.a, c.b) for c in made.comparisons] == [
        ("good", "same"),
        ("worse", "same"),
    ] * 2
    assert pair(made, "pairs", "worse", "same").difference.value < 0
    with pytest.raises(ValueError, match=r"--baseline=god: .*Did you mean good\?"):
        run(world, baseline="god")


@pytest.mark.slow
def test_the_level_sets_intervals_and_significance(world, analysis):
    wide = run(world, level=0.999)
    narrow = analysis.scores["good", "pairs"].interval
    low, high = wide.scores["good", "pairs"].interval
    assert low < narrow[0]
    assert high > narrow[1]
    assert wide.significant(pair(wide, "pairs", "good", "worse")) == (
        pair(wide, "pairs", "good", "worse").p_holm <= 0.001
    )


def test_a_band_takes_the_items_whose_rarest_word_falls_into_it(world):
    grid, found, _ = world
    low, high = 20, 50
    rarest = [min(COUNTS[i], COUNTS[j]) for i, j in PAIRS]
    band = Measure("pairs@20-50", "pairs", "similarity", low, high)
    one = judge(grid.cells[0], band, found)
    assert one.chosen.tolist() == [low <= count <= high for count in rarest]
    above = judge(grid.cells[0], band._replace(high=None), found)
    assert above.chosen.tolist() == [count >= low for count in rarest]
    nothing = Measure("pairs@9999-", "pairs", "similarity", 9999, None)
    assert judge(grid.cells[0], nothing, found) is None
    made = analyse(grid, [band, nothing], found)
    assert ("good", "pairs@20-50") in made.scores
    assert ("good", "pairs@9999-") not in made.scores
    assert {c.measure for c in made.comparisons} == {"pairs@20-50"}


def judged(values, chosen=None, human=None, seeds=(1, 2)):
    values = np.asarray(values, float)
    chosen = np.ones(values.shape[1], bool) if chosen is None else np.array(chosen)
    return Judged(tuple(seeds), chosen, values, human)


def test_only_items_known_to_both_cells_are_compared():
    a = judged([[1, 1, 0], [1, 0, 0]], [True, True, True, False])
    b = judged([[0, 0, 1], [0, 0, 1]], [False, True, True, True])
    one = compare("m", ("a", a), ("b", b), 0.95)
    assert one.items == 2
    # of items 2 and 3 a has 1 0 and 0 0, b has 0 0 and 0 0
    assert one.difference.value == pytest.approx(1 / 4)
    assert one.discordant == (1, 0)


def test_cells_with_nothing_in_common_have_no_difference():
    a = judged([[1], [1]], [True, False])
    b = judged([[1], [1]], [False, True])
    one = compare("m", ("a", a), ("b", b), 0.95)
    assert (one.items, one.difference.p, one.p_items) == (0, None, None)


def test_one_seed_is_judged_over_items_and_says_so():
    rng = np.random.default_rng(0)
    human = rng.normal(size=40)
    a = judged(human + 0.1 * rng.normal(size=(1, 40)), human=human, seeds=[1])
    b = judged(human + 9.0 * rng.normal(size=(1, 40)), human=human, seeds=[1])
    one = compare("m", ("a", a), ("b", b), 0.95)
    assert one.difference.basis == "items"
    assert one.difference.p == one.p_items == 1 / 10_000
    assert (one.p_seeds, one.d) == (None, None)


def test_cells_of_unequal_numbers_of_seeds_are_compared():
    rng = np.random.default_rng(1)
    chance = rng.random(100)
    a = judged(rng.random((4, 100)) < chance, seeds=range(4))
    b = judged(rng.random((2, 100)) < chance, seeds=range(2))
    one = compare("m", ("a", a), ("b", b), 0.95)
    assert one.difference.basis == "seeds and items"
    expected = a.values.mean() - b.values.mean()
    assert one.difference.value == pytest.approx(expected)
    # labels are exchanged in C(6, 2) ways, and the smaller tail is doubled
    assert one.p_seeds * 15 == pytest.approx(round(one.p_seeds * 15))
    assert sum(one.discordant) == int((a.values[:2] != b.values).sum())
