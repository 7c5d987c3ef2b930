"""Every number of a report: scores and costs of all cells, and all comparisons."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.reporting import intervals
from experiments.reporting.cells import Grid
from experiments.reporting.comparisons import Comparison, Found, Judged, compare, judge
from experiments.reporting.intervals import Estimate
from experiments.reporting.measures import COSTS, Measure, cost
from w2v_jax.config_fields import did_you_mean
from w2v_jax.evaluation import comparison, statistics

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Analysis:
    """All of it.

    Attributes:
      grid: the cells.
      measures: in the order of the tables.
      scores: by (cell, measure); no entry where there is no score.
      costs: by (cell, key of a cost); no entry where the summaries do not say.
      comparisons: of all pairs, or of all cells with the baseline.
      baseline: name of a cell; None: all pairs are compared.
      level: of intervals and of significance.
      corrected: whether `p_holm` is corrected; else it is p.
    """

    grid: Grid
    measures: tuple[Measure, ...]
    scores: Mapping[tuple[str, str], Estimate]
    costs: Mapping[tuple[str, str], Estimate]
    comparisons: tuple[Comparison, ...]
    baseline: str | None = None
    level: float = statistics.LEVEL
    corrected: bool = True

    def significant(self, one: Comparison) -> bool:
        """Whether the corrected p is at most 1 - level."""
        return one.p_holm is not None and one.p_holm <= 1 - self.level + 1e-12

    def winner(self, measure: str) -> str | None:
        """The cell that is significantly better than every cell it was compared with.

        With all pairs compared, that is every other cell; with a baseline it must have
        the best score too. None where no cell is.
        """
        scored = [c.name for c in self.grid.cells if (c.name, measure) in self.scores]
        if len(scored) < 2:
            return None
        best = max(scored, key=lambda name: self.scores[name, measure].mean)
        met = [
            one
            for one in self.comparisons
            if one.measure == measure and best in (one.a, one.b)
        ]
        ahead = all(
            self.significant(one) and (one.difference.value > 0) == (one.a == best)
            for one in met
        )
        expected = 1 if self.baseline else len(scored) - 1
        return best if ahead and len(met) >= expected else None


def analyse(
    grid: Grid,
    measures: Sequence[Measure],
    found: Found,
    baseline: str | None = None,
    level: float = statistics.LEVEL,
    corrected: bool = True,
    progress: Progress = lambda task, done, total: None,
) -> Analysis:
    """Scores and comparisons of every cell.

    Args:
      grid: the cells.
      measures: what to score.
      found: the outcomes by (cell, seed) and set.
      baseline: name of the cell that the others are compared with; None: all pairs.
      level: of intervals and of significance.
      corrected: by Holm over all comparisons.
      progress: called with the comparisons done and their number.

    Raises:
      ValueError: no cell has the name of the baseline.
    """
    names = [cell.name for cell in grid.cells]
    if baseline is not None and baseline not in names:
        raise ValueError(
            f"--baseline={baseline}: no such cell; they are {'; '.join(names)}."
            f"{did_you_mean(baseline, names)}"
        )
    judged = {}
    for cell in grid.cells:
        for measure in measures:
            one = judge(cell, measure, found)
            if one is not None:
                judged[cell.name, measure.name] = one
    scores = {key: _estimate(one, level) for key, one in judged.items()}
    pairs = [
        (a, b)
        for place, a in enumerate(names)
        for b in names[place + 1 :]
        if baseline is None or baseline in (a, b)
    ]
    # the baseline comes second: a difference above 0 is a gain
    pairs = [(b, a) if a == baseline else (a, b) for a, b in pairs]
    made = []
    asked = [(one.name, *pair) for one in measures for pair in pairs]
    for done, (name, a, b) in enumerate(asked, 1):
        if (a, name) in judged and (b, name) in judged:
            both = (a, judged[a, name]), (b, judged[b, name])
            made.append(compare(name, *both, level))
        progress("comparing", done, len(asked))
    p_values = [one.difference.p for one in made]
    final = comparison.holm(p_values) if corrected else p_values
    compared = (one._replace(p_holm=p) for one, p in zip(made, final, strict=True))
    return Analysis(
        grid,
        tuple(measures),
        scores,
        _costs(grid, level),
        tuple(compared),
        baseline,
        level,
        corrected,
    )


def _estimate(one: Judged, level: float) -> Estimate:
    return intervals.estimate(
        intervals.score(one.human, one.values),
        intervals.two_level_draws(one.human, one.values),
        int(one.chosen.sum()),
        len(one.chosen),
        level,
    )


def _costs(grid: Grid, level: float) -> dict[tuple[str, str], Estimate]:
    made = {}
    for cell in grid.cells:
        for one in COSTS:
            values = [cost(run, one) for run in cell.runs]
            if None not in values:
                scores = np.array(values, np.float64)
                made[cell.name, one.key] = intervals.estimate(scores, level=level)
    return made
