"""Analyses with given scores, for tables and pictures whose numbers are known."""

from pathlib import Path

import numpy as np

from experiments.reporting.analysis import Analysis
from experiments.reporting.cells import Cell, Grid
from experiments.reporting.collect import Run
from experiments.reporting.comparisons import Comparison
from experiments.reporting.intervals import estimate
from experiments.reporting.measures import Measure
from experiments.reporting.significance import Difference, Discordant
from w2v_jax.config import Config, resolve
from w2v_jax.evaluation import comparison


def make_run(path, seed, environment=(), **fields):
    """A run without files: what tables and pages read of it is given here."""
    config = resolve(Config(seed=seed, **fields), 1)
    return Run(Path(path) / f"seed-{seed}", config, {}, dict(environment))


def make_cell(name, seeds=(1, 2), environment=(), **settings):
    """A cell whose settings are fields of the config."""
    runs = tuple(make_run(name, seed, environment, **settings) for seed in seeds)
    return Cell(name, settings, runs)


def make_analysis(scores, settings, seconds=None, p=0.001, baseline=None, **options):
    """An analysis of one or two measures.

    Args:
      scores: {cell: {measure: [one a seed]}}; intervals are the mean +- .05.
      settings: {cell: {field: value}}.
      seconds: {cell: training seconds}.
      p: of every comparison, before correction.
      baseline: a cell's name.
      options: of `make_cell`.
    """
    cells, estimates, costs = [], {}, {}
    for name, by_measure in scores.items():
        count = max(map(len, by_measure.values()))
        seeds = tuple(range(1, count + 1))
        cells.append(make_cell(name, seeds, **options, **settings[name]))
        for measure, values in by_measure.items():
            mean = np.mean(values)
            draws = np.linspace(mean - 0.05, mean + 0.05, 1001)
            estimates[name, measure] = estimate(np.array(values), draws, 9, 10)
        if seconds:
            spent = np.full(count, float(seconds[name]))
            costs[name, "train_seconds"] = estimate(spent)
            costs[name, "raw_words"] = estimate(spent / 10)
    names = list(dict.fromkeys(m for found in scores.values() for m in found))
    fields = tuple(dict.fromkeys(f for found in settings.values() for f in found))
    measures = tuple(Measure(m, m, _kind(m)) for m in names)
    made = [
        _compared(measure, a.name, b.name, estimates, p)
        for measure in names
        for a in cells
        for b in cells
        if (a.name, measure) in estimates and (b.name, measure) in estimates
        if (b.name == baseline and a is not b if baseline else a.name < b.name)
    ]
    final = comparison.holm([one.difference.p for one in made])
    compared = tuple(one._replace(p_holm=q) for one, q in zip(made, final, strict=True))
    grid = Grid(tuple(cells), fields, fields)
    return Analysis(grid, measures, estimates, costs, compared, baseline)


def _kind(measure):
    return "analogy" if measure == "google" else "similarity"


def _compared(measure, a, b, estimates, p):
    gap = estimates[a, measure].mean - estimates[b, measure].mean
    difference = Difference(gap, (gap - 0.01, gap + 0.01), p, "seeds and items")
    only = Discordant(30, 10) if measure == "google" else None
    return Comparison(measure, a, b, 9, difference, None, 0.02, 0.25, 1.5, only)
