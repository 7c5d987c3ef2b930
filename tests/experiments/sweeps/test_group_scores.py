"""Trained together or alone: scores differ by less than seeds do, on real text."""

import numpy as np
import pytest

from experiments.sweeps import local
from experiments.sweeps.runs import Judging
from experiments.sweeps.tasks import Setup
from tests.experiments.sweeps.sweeping import read
from tests.experiments.sweeps.test_group_launch import runs_of, together
from tests.experiments.sweeps.test_local import Watcher
from tests.real_runs import small_text

SETS = ("wordsim353", "simlex999")
NEWS = {"min_count": 2, "dim": 24, "epochs": 10, "subsample": 1e-3, "chunk": 2**17}
CELLS = {"low": {"learning_rate": 0.025}, "high": {"learning_rate": 0.05}}


@pytest.mark.soak
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_scores_are_within_the_noise_of_seeds(tmp_path, objective):
    setup = Setup(tmp_path / "cache", 1e9, Judging(SETS, frozenset(SETS)))
    scores = {}
    for name in ("together", "alone"):
        workdir, watcher = tmp_path / name, Watcher()
        runs = runs_of(
            small_text(), workdir, CELLS, (0, 1, 2), objective=objective, **NEWS
        )
        if name == "together":
            together(runs, workdir, setup, watcher)
        else:
            local.carry_out(runs, setup, 1, watcher)
        assert [answer.code for answer in watcher.answers] == [0] * 6
        found = [read(run.path / "eval.json")["similarity"] for run in runs]
        scores[name] = np.array(
            [[one[each]["spearman"] for each in SETS] for one in found]
        ).reshape(3, len(CELLS), len(SETS))  # seeds first
    between_seeds = scores["alone"].std(0, ddof=1)
    assert (between_seeds > 0).all()
    difference = np.abs(scores["together"] - scores["alone"])
    assert (difference.max(0) < between_seeds).all(), (difference, between_seeds)
