"""Equal tokens, equal time: which trainings to compare when longer ones do better.

A method is a setting without the length of its training (epochs, max_words). At a
budget each method is represented by its longest training that keeps within it; a run
cut off before its end would not do, because the rate has not fallen yet. The default
budget is the smallest that some training of every method keeps within.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.reporting.cells import Cell
from experiments.reporting.intervals import Estimate

LENGTH = ("epochs", "max_words")
TOLERANCE = 1.01  # texts of one length differ by the tail of a sentence


class Chosen(NamedTuple):
    """What a budget leaves.

    Attributes:
      budget: in the unit of the cost.
      stated: whether the user named it.
      cells: one of each method that has one, in order of their places.
      without: methods, by the name of their cheapest cell, that have none.
      alike: whether no method has trainings of several lengths to choose from.
    """

    budget: float
    stated: bool
    cells: tuple[Cell, ...]
    without: tuple[str, ...]
    alike: bool


def within(
    cells: Sequence[Cell],
    costs: Mapping[tuple[str, str], Estimate],
    key: str,
    budget: float | None = None,
) -> Chosen | None:
    """The longest training of each method whose mean cost is within the budget.

    Args:
      cells: of a grid.
      costs: of an analysis.
      key: of the cost: "train_seconds" or "raw_words".
      budget: in the unit of the cost; None: the default, see the module.

    Returns:
      None where no cell says what it cost.
    """
    methods: dict[tuple[Any, ...], list[tuple[float, Cell]]] = {}
    for cell in cells:
        spent = costs.get((cell.name, key))
        if spent is not None:
            methods.setdefault(method(cell), []).append((spent.mean, cell))
    if not methods:
        return None
    stated = budget is not None
    if budget is None:
        budget = max(min(spent for spent, _ in found) for found in methods.values())
    chosen, without = [], []
    for found in methods.values():
        fitting = [(s, cell) for s, cell in found if s <= budget * TOLERANCE]
        if fitting:
            chosen.append(max(fitting, key=lambda one: one[0])[1])
        else:
            without.append(min(found, key=lambda one: one[0])[1].name)
    place = {cell.name: number for number, cell in enumerate(cells)}
    chosen.sort(key=lambda cell: place[cell.name])
    alike = all(len(found) == 1 for found in methods.values())
    return Chosen(budget, stated, tuple(chosen), tuple(without), alike)


def method(cell: Cell) -> tuple[Any, ...]:
    """The settings of a cell without the length of its training."""
    return tuple(item for item in cell.settings.items() if item[0] not in LENGTH)


def pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names whose (cost, quality) no other beats in both, cheapest first.

    A point is beaten by one that costs no more and is at least as good, and better in
    one of the two.
    """
    front: list[str] = []
    best = float("-inf")
    for name, (_, quality) in sorted(
        points.items(), key=lambda item: (item[1][0], -item[1][1])
    ):
        if quality > best:
            front.append(name)
            best = quality
    return front
