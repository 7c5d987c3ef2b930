"""Note 001: logits, logarithms, and the one-pair training by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import closed_form, losses
from w2v_jax.blocks import Block
from w2v_jax.config import Config, resolve
from w2v_jax.step import TrainState, get_model, train_step

V, D, RATE, STEPS, CENTRE, CONTEXT = 10, 3, 0.01, 1000, 2, 3


def start():
    """W1 normal and W2 uniform, both times 0.01, as the note begins."""
    rng = np.random.default_rng(0)
    return 0.01 * rng.standard_normal((V, D)), 0.01 * rng.random((D, V))


def by_hand():
    """dW2 = outer(h, p - y) and dW1 = W2 (p - y), both taken before either moves."""
    first, second = start()
    trajectory = []
    for _ in range(STEPS):
        hidden = first[CENTRE].copy()
        scores = hidden @ second
        shifted = np.exp(scores - scores.max())
        error = shifted / shifted.sum()
        trajectory.append(-math.log(error[CONTEXT]))
        error[CONTEXT] -= 1
        in_hidden = second @ error
        second = second - RATE * np.outer(hidden, error)
        first[CENTRE] -= RATE * in_hidden
    return np.array(trajectory), first, second.T


def test_the_one_pair_training_has_the_same_trajectory_by_autodiff(x64):
    first, second = start()

    def step(tables, _):
        def loss(tables):
            return losses.softmax_loss(tables[0][CENTRE], tables[1], CONTEXT)

        value, slope = jax.value_and_grad(loss)(tables)
        return jax.tree.map(lambda t, g: t - RATE * g, tables, slope), value

    tables = jnp.asarray(first), jnp.asarray(second.T)
    tables, values = jax.lax.scan(step, tables, length=STEPS)
    expected, *moved = by_hand()
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)
    for found, wanted in zip(tables, moved, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_the_training_step_of_the_library_walks_the_same_way(x64):
    made = Config(
        objective="softmax",
        dim=D,
        window=1,
        block=1,
        streams=1,
        replicas=1,
        learning_rate=RATE,
        input_rate_scale=1.0,
        row_cap=0.0,
    )
    model = get_model(resolve(made, 1))
    first, second = start()
    state = TrainState(
        {"input": jnp.asarray(first), "output": jnp.asarray(second.T)},
        {"input": (), "output": ()},
    )
    inner = {n: model.optimizer.transformation.init(t) for n, t in state.tables.items()}
    state = TrainState(state.tables, inner)
    # One centre and one context word to its right; nothing to its left.
    block = Block(jnp.array([[0, CENTRE, CONTEXT]]), jnp.array([[[0.0, 0.0, 1.0]]]))

    def step(state, _):
        return train_step(model, state, block, (), (), jnp.asarray(RATE)), None

    state, _ = jax.lax.scan(step, state, length=STEPS)
    _, *moved = by_hand()
    for name, wanted in zip(("input", "output"), moved, strict=True):
        np.testing.assert_allclose(state.tables[name], wanted, rtol=0, atol=1e-12)


def test_the_loss_of_the_pair_falls_from_log_ten():
    trajectory, *_ = by_hand()
    assert trajectory[0] == pytest.approx(math.log(V), abs=1e-3)
    assert (np.diff(trajectory) < 0).all()


def test_logits_3_1_minus_1_have_the_printed_exponentials_and_their_softmax(x64):
    logits = np.array([3.0, 1.0, -1.0])
    np.testing.assert_allclose(np.exp(logits), [20.1, 2.7, 0.37], rtol=0.01)
    # Each step of 2 divides by e^2: p = (1, e^-2, e^-4) / (1 + e^-2 + e^-4).
    total = 1 + math.exp(-2) + math.exp(-4)
    expected = np.exp([0, -2, -4]) / total
    output = jnp.asarray(logits)[:, None]
    values = [losses.softmax_loss(jnp.ones(1), output, i) for i in range(3)]
    np.testing.assert_allclose(np.exp(-np.array(values)), expected, rtol=1e-14)


def test_softmax_is_hardened_by_larger_scores_and_not_by_itself(x64):
    # "Winner takes all" holds for large scores only: halved ones are less decided.
    p = [float(jax.nn.softmax(k * jnp.array([3.0, 1.0, -1.0]))[0]) for k in (0.1, 1, 5)]
    assert p[0] < 0.42
    assert 0.86 < p[1] < 0.87
    assert p[2] > 0.9999


def test_the_slope_in_the_scores_is_p_minus_y(x64):
    output = jnp.array([[3.0], [1.0], [-1.0]])
    p = jax.nn.softmax(output[:, 0])
    _, in_output = closed_form.softmax_loss_gradient(jnp.ones(1), output, 0)
    np.testing.assert_allclose(in_output[:, 0], p - jnp.array([1.0, 0, 0]), rtol=1e-14)


def test_the_likelihood_of_three_is_the_product_and_the_sum_of_logs():
    product = 0.9 * 0.8 * 0.9
    assert product == pytest.approx(0.648)
    assert math.fsum(map(math.log, (0.9, 0.8, 0.9))) == pytest.approx(math.log(0.648))


def test_09_to_the_1000_is_zero_in_float32_only():
    single = double = 1.0
    for _ in range(1000):
        single = np.float32(single) * np.float32(0.9)
        double *= 0.9
    # 1.7e-46 is below the smallest float32, 1.4e-45, and far above float64's 4.9e-324:
    # a product of factors 0.9 vanishes there after log(4.9e-324) / log(0.9) of them.
    with np.errstate(under="ignore"):
        assert single < 2e-44  # sticks at a subnormal, or is flushed to zero
    assert double == pytest.approx(math.exp(1000 * math.log(0.9)), rel=1e-10)
    assert np.float32(double) == 0
    assert 1000 < math.log(5e-324) / math.log(0.9) < 7100
    assert 0.9**7200 == 0
    assert 7200 * math.log(0.9) == pytest.approx(-758.6, abs=0.1)


def test_the_objective_without_the_logarithm_has_another_minimum(x64):
    # As printed, J is minus the mean probability: one pair can be given up for the
    # other. Seen twice: o = 0 in 60 %, o = 1 in 40 % of the pairs.
    share = jnp.array([0.6, 0.4])

    def printed(z):
        return -(share * jax.nn.softmax(z)).sum()

    def meant(z):
        return -(share * jax.nn.log_softmax(z)).sum()

    at_frequencies = jnp.log(share)
    np.testing.assert_allclose(jax.grad(meant)(at_frequencies), 0, atol=1e-16)
    assert np.abs(jax.grad(printed)(at_frequencies)).max() > 0.04
    assert printed(jnp.array([50.0, 0.0])) < printed(at_frequencies)


def test_an_epsilon_of_1e_10_bounds_the_loss_at_23_nats():
    assert -math.log(0.0 + 1e-10) == pytest.approx(10 * math.log(10))
    scores = jnp.array([[0.0], [1e4]])
    assert losses.softmax_loss(jnp.ones(1), scores, 0) == 1e4
