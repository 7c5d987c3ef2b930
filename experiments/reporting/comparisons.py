"""One cell on one measure, item by item, and two such cells compared."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.reporting import intervals, significance
from experiments.reporting.cells import Cell
from experiments.reporting.items import Outcomes
from experiments.reporting.measures import Measure

Floats = NDArray[np.float64]
Found = Mapping[tuple[str, int], Mapping[str, Outcomes]]


class Judged(NamedTuple):
    """A cell on one measure, item by item.

    Attributes:
      seeds: of the n runs.
      chosen: [Q] bool, the items of the set that count for this cell.
      values: [n, Q]; see `Outcomes`.
      human: [Q], or None for analogies.
    """

    seeds: tuple[int, ...]
    chosen: NDArray[np.bool_]
    values: Floats
    human: Floats | None


class Comparison(NamedTuple):
    """Cell a against cell b on one measure, on the items known to both.

    Attributes:
      measure: its name.
      a, b: names of the cells.
      items: how many items count.
      difference: a less b; its p is the one that is corrected.
      p_holm: that p by Holm's correction over all comparisons of the report.
      p_items, p_seeds: permutation tests, see `significance`; not corrected.
      d: Cohen's d over seeds.
      discordant: for analogies, questions that one alone answers.
    """

    measure: str
    a: str
    b: str
    items: int
    difference: significance.Difference
    p_holm: float | None
    p_items: float | None
    p_seeds: float | None
    d: float | None
    discordant: significance.Discordant | None


def judge(
    cell: Cell,
    measure: Measure,
    found: Found,
) -> Judged | None:
    """A cell's runs on one measure; None where its score would not exist."""
    runs = [found[cell.name, seed][measure.set] for seed in cell.seeds]
    chosen = np.logical_and.reduce([run.known for run in runs])
    if measure.low is not None:
        rarest = runs[0].rarest
        chosen &= (rarest >= measure.low) & (rarest >= 0)
        if measure.high is not None:
            chosen &= rarest <= measure.high
    human = runs[0].human
    one = Judged(
        cell.seeds,
        chosen,
        np.stack([run.values[chosen] for run in runs]),
        None if human is None else human[chosen],
    )
    return one if _scorable(one.human, one.values) else None


def _scorable(human: Floats | None, values: Floats) -> bool:
    """Whether there are items, and correlations exist."""
    if human is None:
        return values.shape[1] > 0
    if len(human) < 3:
        return False
    varied = np.ptp(human) > 0 and (np.ptp(values, axis=1) > 0).all()
    return bool(varied)


def compare(
    measure: str, a: tuple[str, Judged], b: tuple[str, Judged], level: float
) -> Comparison:
    """Two judged cells by name; `p_holm` is left open."""
    (name_a, one), (name_b, other) = a, b
    both = one.chosen & other.chosen
    va = one.values[:, both[one.chosen]]
    vb = other.values[:, both[other.chosen]]
    human = None if one.human is None else one.human[both[one.chosen]]
    items = int(both.sum())
    if not (_scorable(human, va) and _scorable(human, vb)):
        none = significance.Difference(float("nan"), None, None, "nothing in common")
        return Comparison(
            measure, name_a, name_b, items, none, None, None, None, None, None
        )
    difference = significance.difference(
        significance.contributions(human, va),
        significance.contributions(human, vb),
        level,
    )
    sa, sb = intervals.score(human, va), intervals.score(human, vb)
    n = min(len(va), len(vb))
    p_items = significance.by_items(human, va[:n], vb[:n])
    if difference.basis == "items":  # one training: the exact test needs no formula
        difference = difference._replace(p=p_items)
    paired = one.seeds == other.seeds
    return Comparison(
        measure,
        name_a,
        name_b,
        items,
        difference,
        None,
        p_items,
        significance.by_seeds(sa, sb, paired),
        significance.cohens_d(sa, sb),
        significance.discordant(va[:n], vb[:n]) if human is None else None,
    )
