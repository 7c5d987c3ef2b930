"""The loss of cells that train together: each the number that it would log alone."""

import jax
import numpy as np
import pytest

from tests.models import MODELS, config, text, vocabulary
from w2v_jax import together
from w2v_jax.blocks import Sampler, keep_thresholds
from w2v_jax.loss_sample import make_loss_sample
from w2v_jax.step import get_model, initial_tables
from w2v_jax.together_loss import TogetherLoss
from w2v_jax.vocabulary import keep_probabilities

SWEPT = (
    {"seed": 3},
    {"subsample": 0.01, "seed": 4},  # a shorter sample
    {"noise_exponent": 0.0, "negatives": 9},
)


def sampler_of(made, ids):
    counts = vocabulary().counts
    keep = keep_probabilities(
        counts, made.subsample, made.subsample_formula, int(counts.sum())
    )
    return Sampler(
        ids, keep_thresholds(keep), made.seed, made.window, made.dynamic_window
    )


def losses(architecture, objective, ids, swept=SWEPT):
    """(together, one by one) of cells with random tables."""
    cells = [config(architecture, objective, path_room=1.0, **one) for one in swept]
    models = [get_model(cell) for cell in cells]
    samplers = [sampler_of(cell, ids) for cell in cells]
    begun = [initial_tables(model, vocabulary()) for model in models]
    rng = np.random.default_rng(0)
    tables = [
        {n: rng.normal(size=t.shape).astype(np.float32) for n, t in s.tables.items()}
        for s, _ in begun
    ]
    own = [constants for _, constants in begun]
    constants, axes = together.common(own)
    sample = TogetherLoss(models, samplers, own, axes)
    numbers = together.numbers_of(cells)
    stacked = jax.tree.map(jax.numpy.asarray, together.stacked(tables))
    sample.compile(stacked, constants, numbers)
    alone = [
        make_loss_sample(*of_cell).mean(jax.tree.map(jax.numpy.asarray, table), last)
        for *of_cell, last, table in zip(
            models, samplers, own, own, tables, strict=True
        )
    ]
    return sample.means(stacked, constants, numbers), alone, sample


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [MODELS[1], *(pytest.param(*m, marks=pytest.mark.slow) for m in MODELS)],
)
def test_every_cell_has_the_loss_that_it_would_log_alone(architecture, objective):
    found, expected, sample = losses(architecture, objective, text(500))
    # Each loss of a hidden vector is right to 1e-7 or so of itself.
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(set(np.round(expected, 3))) == 3
    shares = sample.blocks.share
    assert min(shares) < max(shares), "a sample is shorter than another"


def test_a_text_without_pairs_has_no_loss():
    lonely = np.tile(np.array([4, -1], np.int32), 50)  # a word, then the sentence ends
    found, expected, _ = losses("skipgram", "hierarchical_softmax", lonely)
    assert found == expected == [None] * 3


def test_one_cell_without_pairs_leaves_the_others_theirs():
    ids = np.tile(np.array([0, 0, -1], np.int32), 50)
    # Of the most frequent word subsampling at 1e-9 keeps next to nothing.
    swept = ({"seed": 1}, {"subsample": 1e-9})
    found, expected, _ = losses("cbow", "hierarchical_softmax", ids, swept)
    assert found[1] is expected[1] is None
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
