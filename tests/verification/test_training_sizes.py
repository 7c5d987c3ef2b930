import dataclasses

import numpy as np
import pytest

from w2v_jax.verification import training_path, training_sizes
from w2v_jax.verification.comparison import in_float64
from w2v_jax.verification.inputs import SCORES

make_world = in_float64(training_path.make_world)
at_size = in_float64(training_sizes.at_size)
scores_of = in_float64(training_sizes._scores)


def world(architecture="cbow", objective="negative_sampling", seed=0):
    return make_world(architecture, objective, np.random.default_rng(seed))


def rng(seed=1):
    return np.random.default_rng(seed)


def failures(comparisons):
    return [one for one in comparisons if not one.passed]


@pytest.mark.parametrize("size", SCORES)
def test_the_largest_score_is_of_the_size_asked_for(size):
    sized = at_size(world(), size)
    # The input table is rounded to float32: 2^-24 of each number.
    top = np.abs(scores_of(sized)).max()
    assert top == pytest.approx(SCORES[size], rel=1e-5)


def test_both_float_types_start_from_the_same_numbers():
    for table in at_size(world(), "ordinary").state.tables.values():
        wide = np.asarray(table)
        assert wide.dtype == np.float64
        np.testing.assert_array_equal(wide, wide.astype(np.float32))


def test_a_world_holds_every_special_case():
    given = world("skipgram")
    window = np.asarray(given.block.window) > 0
    tokens, noise = np.asarray(given.block.tokens), np.asarray(given.noise)
    assert not window.any(-1).all()  # an empty context
    assert 0 < window.sum() < window.size  # masked slots
    trained = [
        (int(centre), int(context))
        for b, i, j in np.argwhere(window)
        for centre, context in [(given.block.centres[b, i], tokens[b, j])]
    ]
    assert len(set(trained)) < len(trained)  # repeated words
    assert any(context in noise for _, context in trained)  # noise = target
    assert any(centre in noise for centre, _ in trained)  # for CBOW
    paths = np.asarray(world("cbow", "hierarchical_softmax").constants.mask)
    assert 1 in paths.sum(axis=1)
    assert 0 in tokens  # the word whose path has one node


@pytest.mark.slow
def test_a_step_is_the_dense_step_at_every_size_in_both_float_types():
    # All nine models: tests/experiments/test_verify_gradients.py.
    found = training_sizes.compare(world(), rng())
    assert not failures(found)
    # Sizes, float types, optimizers, tables.
    assert len(found) == 3 * 2 * 2 * 2
    assert {one.inputs.split(",")[0] for one in found} == set(SCORES)
    assert {one.check.split()[5] for one in found} == {"float64", "float32"}


def test_the_float32_tolerance_leaves_room_for_roundings_only():
    found = training_sizes.compare(world(), rng(), ("sgd",), ("ordinary",))
    for one in found:
        assert one.tolerance < (1e-3 if "float32" in one.check else 1e-11)


def test_a_forgotten_noise_weight_turns_both_float_types_red():
    given = world()
    right = given.model.objective.block_loss

    def wrong(hidden, rows, pairs, targets, noise, constants, config):
        every = config.replace(negatives=config.negatives + 1)
        return right(hidden, rows, pairs, targets, noise, constants, every)

    objective = given.model.objective._replace(block_loss=wrong)
    model = given.model._replace(objective=objective)
    found = training_sizes.compare(
        dataclasses.replace(given, model=model), rng(), ("sgd",), ("ordinary",)
    )
    assert {one.check.split()[5] for one in failures(found)} == {"float64", "float32"}
