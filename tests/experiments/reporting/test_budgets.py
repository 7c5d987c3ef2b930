"""At a budget each method is its longest training within it."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.reporting.budgets import method, pareto, within


def cell(name, **settings):
    return SimpleNamespace(name=name, settings=settings)


def spent(**seconds):
    return {
        (name, "train_seconds"): SimpleNamespace(mean=float(mean))
        for name, mean in seconds.items()
    }


CELLS = [
    cell("fast1", objective="ns", epochs=1),
    cell("fast5", objective="ns", epochs=5),
    cell("slow1", objective="hs", epochs=1),
    cell("slow5", objective="hs", epochs=5),
]
COSTS = spent(fast1=10, fast5=50, slow1=30, slow5=150)


def names(chosen):
    return [one.name for one in chosen.cells]


def test_the_length_of_a_training_is_no_part_of_its_method():
    assert method(CELLS[0]) == method(CELLS[1]) == (("objective", "ns"),)
    assert method(cell("x", max_words=5, epochs=2)) == ()


def test_the_default_budget_is_the_least_that_every_method_keeps_within():
    chosen = within(CELLS, COSTS, "train_seconds")
    assert (chosen.budget, chosen.stated) == (30, False)
    assert names(chosen) == ["fast1", "slow1"]
    assert (chosen.without, chosen.alike) == ((), False)


def test_each_method_takes_the_longest_training_within_a_budget():
    assert names(within(CELLS, COSTS, "train_seconds", 60)) == ["fast5", "slow1"]
    assert names(within(CELLS, COSTS, "train_seconds", 150)) == ["fast5", "slow5"]
    short = within(CELLS, COSTS, "train_seconds", 20)
    assert (names(short), short.without, short.stated) == (["fast1"], ("slow1",), True)
    assert names(within(CELLS, COSTS, "train_seconds", 1)) == []


def test_the_tail_of_a_sentence_does_not_break_a_budget():
    costs = spent(fast1=10, fast5=50, slow1=30, slow5=60.3)
    assert names(within(CELLS, costs, "train_seconds", 60)) == ["fast5", "slow5"]
    costs = spent(fast1=10, fast5=50, slow1=30, slow5=61)
    assert names(within(CELLS, costs, "train_seconds", 60)) == ["fast5", "slow1"]


def test_methods_of_one_length_say_that_they_are():
    chosen = within(CELLS[::2], COSTS, "train_seconds")
    assert (names(chosen), chosen.alike) == (["fast1", "slow1"], True)


def test_cells_without_the_cost_are_passed_over():
    assert within(CELLS, {}, "train_seconds") is None
    assert names(within(CELLS, spent(fast5=50), "train_seconds")) == ["fast5"]


def test_nobody_on_the_front_is_beaten_and_everybody_off_it_is():
    rng = np.random.default_rng(0)
    points = {str(i): (i, int(rng.integers(0, 99))) for i in range(40)}
    front = pareto(points)

    def beats(a, b):
        (ca, qa), (cb, qb) = points[a], points[b]
        return ca <= cb and qa >= qb and (ca < cb or qa > qb)

    assert front == sorted(front, key=lambda name: points[name][0])
    for name in points:
        beaten = any(beats(other, name) for other in points)
        assert (name in front) == (not beaten)


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ({}, []),
        ({"a": (1, 1)}, ["a"]),
        ({"a": (1, 1), "b": (2, 2), "c": (3, 1)}, ["a", "b"]),
        ({"a": (1, 1), "b": (1, 2)}, ["b"]),
    ],
)
def test_small_fronts(points, front):
    assert pareto(points) == front
