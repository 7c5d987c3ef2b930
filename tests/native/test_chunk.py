"""The native step computes what the pure path computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import config, text, vocabulary
from tests.native import reference
from tests.native.needs import compiler
from w2v_jax.blocks import Chunk
from w2v_jax.native import calls
from w2v_jax.native.build import TARGETS
from w2v_jax.native.engine import Native
from w2v_jax.noise import noise_probabilities
from w2v_jax.position import Position
from w2v_jax.training import Trainer

pytestmark = compiler
MODELS = [(a, o) for a in ("skipgram", "cbow") for o in TARGETS]
# Scores of size 5 are rounded by 3e-7 in another order; ten to a hundred steps that
# build on each other, each with some 30 pairs a row at a rate of .05, add that up to a
# few 1e-6. A pair left out, or counted twice, moves a row by more than 1e-3.
CLOSE = {"rtol": 2e-5, "atol": 1e-5}


def native(architecture, objective, scale=0.5, **changes):
    """A trainer with the native kernel on a small text, and tables far from zero."""
    small = {"epochs": 1, "chunk": 512, "streams": 1, "learning_rate": 0.05}
    asked = {"kernel": "native", "input_rate_scale": 1.5}
    made = config(architecture, objective, **small | asked | changes)
    trainer = Trainer(text(300), vocabulary(), made)
    assert isinstance(trainer.engine, Native)
    state, constants = trainer.start()
    tables = {
        name: scale * jax.random.normal(jax.random.key(place), table.shape)
        for place, (name, table) in enumerate(sorted(state.first().tables.items()))
    }
    return trainer, state.first().replace(tables=tables), constants


def both(built):
    """(what the native chunk makes of the tables, what the pure path makes)."""
    trainer, state, constants = built
    feed, _ = trainer.upcoming(constants, Position())
    after, _ = trainer.engine.run(trainer.place(state), constants, feed)
    expected = reference.trained(
        trainer.model, trainer.capacity, state.tables, constants, feed
    )
    moved = max(
        float(jnp.abs(expected[name] - table).max())
        for name, table in state.tables.items()
    )
    assert moved > 0.05  # the chunk has taught something
    return trainer.host(after).tables, expected


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
@pytest.mark.parametrize(
    "sizes",
    [
        {"dim": 7, "window": 3, "block": 8, "shared_noise": 6},
        {
            "dim": 100,
            "window": 5,
            "block": 32,
            "shared_noise": 24,
            "learning_rate": 0.02,
        },
        {"dim": 33, "window": 1, "block": 1, "shared_noise": 1},
        {
            "dim": 130,
            "window": 19,
            "block": 50,
            "shared_noise": 13,
            "learning_rate": 0.005,
        },
    ],
    ids=["odd", "usual", "least", "wide"],
)
def test_a_chunk_is_that_of_the_pure_path(architecture, objective, sizes):
    ours, theirs = both(native(architecture, objective, **sizes))
    for name, table in theirs.items():
        np.testing.assert_allclose(ours[name], table, **CLOSE)


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
@pytest.mark.parametrize("replicas", [2, 3])
def test_replicas_meet_as_the_formula_says(architecture, objective, replicas):
    sizes = {"replicas": replicas, "block": 4, "exchange_every": 3}
    ours, theirs = both(native(architecture, objective, **sizes))
    for name, table in theirs.items():
        np.testing.assert_allclose(ours[name], table, **CLOSE)


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_the_row_cap_is_that_of_the_pure_path(architecture, objective):
    sizes = {"row_cap": 2.5, "block": 16}
    ours, theirs = both(native(architecture, objective, **sizes))
    free, _ = both(native(architecture, objective, **sizes | {"row_cap": 0.0}))
    for name, table in theirs.items():
        np.testing.assert_allclose(ours[name], table, **CLOSE)
        assert not np.allclose(ours[name], free[name], **CLOSE)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_the_steps_of_a_round_share_a_pool_of_noise(architecture, replicas):
    sizes = {"noise_pool": 5, "block": 4, "exchange_every": 3, "replicas": replicas}
    ours, theirs = both(native(architecture, "negative_sampling", **sizes))
    for name, table in theirs.items():
        np.testing.assert_allclose(ours[name], table, **CLOSE)


@pytest.mark.parametrize("objective", TARGETS)
@pytest.mark.parametrize("hidden", ["average", "sum"])
def test_fixed_windows_and_sums(objective, hidden):
    more = {"cbow_hidden": hidden, "dynamic_window": False, "learning_rate": 0.02}
    ours, theirs = both(native("cbow", objective, **more))
    for name, table in theirs.items():
        np.testing.assert_allclose(ours[name], table, **CLOSE)


@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_a_chunk_without_tokens_changes_nothing(architecture, objective):
    trainer, state, constants = native(architecture, objective, replicas=2)
    nothing = np.zeros(0, np.int32)
    empty = Chunk(nothing, nothing, None, 0)
    feed = trainer.feed(empty, constants, np.ones(2, np.float32), jax.random.key(0))
    after, _ = trainer.engine.run(trainer.place(state), constants, feed)
    for name, table in trainer.host(after).tables.items():
        np.testing.assert_array_equal(table, state.tables[name])


def test_the_native_noise_has_the_distribution_it_should():
    # The reference draws the words that the chunks above were trained with: with any
    # other word the tables would differ.
    trainer, _, constants = native("skipgram", "negative_sampling")
    count = 400_000
    drawn = reference.noise(constants, 2**63 + 11, 0, count)
    share = noise_probabilities(trainer.vocabulary.counts, 0.75)
    found = np.bincount(drawn, minlength=len(share))
    squares = ((found - count * share) ** 2 / (count * share)).sum()
    # Chi-square with 22 degrees of freedom is above 59 once in 30,000 keys.
    assert squares < 59


def test_an_objective_without_a_native_step_is_refused():
    with pytest.raises(TypeError, match="no native step"):
        calls.parts((jax.numpy.zeros(3),))
