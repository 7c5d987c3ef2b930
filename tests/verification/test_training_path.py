import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax.rowwise import OPTIMIZERS
from w2v_jax.verification import gathered_rows, training_path
from w2v_jax.verification.comparison import in_float64
from w2v_jax.verification.spec import SPECS
from w2v_jax.verification.suite import check_model

make_world = in_float64(training_path.make_world)


def rng(seed=0):
    return np.random.default_rng(seed)


def failures(comparisons):
    return [one for one in comparisons if not one.passed]


def changed(world, **fields):
    """The world with another config or another objective."""
    objective = world.model.objective._replace(**fields.pop("objective", {}))
    config = world.model.config.replace(**fields)
    model = world.model._replace(config=config, objective=objective)
    return dataclasses.replace(world, model=model)


@pytest.mark.slow
def test_a_step_of_a_model_under_every_exact_optimizer_is_the_dense_step():
    # All nine models: tests/experiments/test_verify_gradients.py.
    found = list(check_model("cbow", "sum", "hierarchical_softmax", rng()))
    assert not failures(found)
    assert {one.quantity for one in found} == {"input table", "output table"}
    assert {one.check.split()[3] for one in found} == set(training_path.EXACT)
    assert {one.inputs.split(",")[0] for one in found} == {
        "tiny",
        "ordinary",
        "extreme",
    }


def test_exact_optimizers_are_those_that_claim_it():
    assert set(training_path.EXACT) == {n for n, o in OPTIMIZERS.items() if o.exact}
    assert "adam" not in training_path.EXACT


def test_the_block_has_repeated_words_sentence_ends_and_slots_beyond_the_text():
    world = make_world("skipgram", "negative_sampling", rng())
    window, tokens = np.asarray(world.block.window), np.asarray(world.block.tokens)
    assert window.dtype == np.float64
    assert (window.sum(axis=2) == 0).any()  # a centre without any context
    assert (window.sum(axis=2) > 0).any()
    assert any(len(set(row)) < len(row) for row in tokens.tolist())


def test_a_step_of_skipgram_with_negative_sampling_is_the_dense_step():
    found = training_path.compare(make_world("skipgram", "negative_sampling", rng()))
    assert {one.quantity for one in found} == {"input table", "output table"}
    assert not failures(found)


def test_the_row_cap_is_not_a_gradient():
    world = make_world("skipgram", "negative_sampling", rng())
    found = training_path.compare(changed(world, row_cap=1.0))
    assert [one.quantity for one in failures(found)] == ["output table"]


def test_damping_is_not_a_gradient():
    world = make_world("skipgram", "negative_sampling", rng())
    found = training_path.compare(changed(world, damping=1e-9))
    assert {one.quantity for one in failures(found)} == {"input table", "output table"}


def test_noise_counted_once_for_each_pair_and_row_turns_red():
    world = make_world("skipgram", "negative_sampling", rng())
    right = world.model.objective.block_loss

    def forgotten_weight(hidden, rows, pairs, targets, noise, constants, config):
        every = config.replace(negatives=config.shared_noise)  # K / S = 1
        return right(hidden, rows, pairs, targets, noise, constants, every)

    wrong = changed(world, objective={"block_loss": forgotten_weight})
    assert failures(training_path.compare(wrong))


def test_equal_rows_that_are_not_summed_before_adagrad_turn_red(monkeypatch):
    world = make_world("skipgram", "negative_sampling", rng(), "adagrad")
    assert not failures(training_path.compare(world))
    monkeypatch.setattr(
        "w2v_jax.step.rowwise.sum_equal_rows",
        lambda ids, gradients, size: (ids, gradients),
    )
    assert failures(training_path.compare(world))


def test_a_table_that_does_not_move_is_no_evidence():
    still = jnp.zeros((3, 2))
    found = training_path.movement("loss", "check", "table", "", still, still)
    assert not found.passed


@pytest.mark.parametrize("optimizer", training_path.EXACT)
def test_gathered_rows_of_any_loss_move_their_tables_as_dense_training_does(optimizer):
    spec = SPECS["negative_sampling, cbow_average"]
    found = gathered_rows.compare(spec, rng(), optimizer)
    assert [one.quantity for one in found] == ["context", "positive", "negatives"]
    assert not failures(found)


@pytest.mark.slow
def test_gathered_rows_under_lazy_adam_do_not():
    spec = SPECS["softmax, skipgram"]
    found = []
    for seed in range(3):  # each row of a table of five is drawn or not
        found += gathered_rows.compare(spec, rng(seed), "adam")
    assert failures(found)


def test_the_world_is_a_function_of_the_generator():
    one, two = (make_world("cbow", "softmax", rng(5)) for _ in range(2))
    for a, b in zip(
        jax.tree.leaves(one.state), jax.tree.leaves(two.state), strict=True
    ):
        np.testing.assert_array_equal(a, b)
