import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from w2v_jax import losses

# Both sides compute a sum of a few dozen products and one logarithm or exponential:
# a few hundred roundings of 2^-53 at most.
CLOSE = {"rtol": 1e-13, "atol": 1e-14}

sizes = st.sampled_from([1, 3])  # each new shape is compiled anew
seeds = st.integers(0, 2**32 - 1)


def normal(rng, *shape, scale=1.0):
    return scale * rng.standard_normal(shape)


@given(seeds, sizes, sizes, st.sampled_from([0.1, 1.0, 5.0]))
def test_softmax_loss_is_minus_the_log_probability_of_the_target(seed, V, D, scale):
    rng = np.random.default_rng(seed)
    hidden, output, target = normal(rng, D, scale=scale), normal(rng, V, D), V // 2
    with jax.enable_x64(True):
        loss = jax.jit(losses.softmax_loss)(hidden, output, target)
    np.testing.assert_allclose(
        loss, oracle.softmax_loss(hidden, output, target), **CLOSE
    )


@given(seeds, st.sampled_from([0, 2]), sizes, st.sampled_from([0.0, 0.25]))
def test_negative_sampling_loss_weighs_the_noise_words(seed, K, D, weight):
    rng = np.random.default_rng(seed)
    vectors = normal(rng, D), normal(rng, D), normal(rng, K, D)
    with jax.enable_x64(True):
        loss = jax.jit(losses.negative_sampling_loss)(*vectors, weight)
    np.testing.assert_allclose(
        loss, oracle.negative_sampling_loss(*vectors, weight), **CLOSE
    )


@given(seeds, sizes, sizes)
def test_hierarchical_softmax_loss_follows_the_path(seed, L, D):
    rng = np.random.default_rng(seed)
    hidden, nodes = normal(rng, D), normal(rng, L, D)
    codes, mask = rng.integers(0, 2, L), rng.random(L) < 0.7
    arguments = hidden, nodes, codes, mask
    with jax.enable_x64(True):
        loss = jax.jit(losses.hierarchical_softmax_loss)(*arguments)
    np.testing.assert_allclose(
        loss, oracle.hierarchical_softmax_loss(*arguments), **CLOSE
    )


@given(seeds, sizes, sizes, st.booleans())
def test_cbow_hidden_averages_or_sums_the_words_that_are_there(seed, C, D, average):
    rng = np.random.default_rng(seed)
    context, mask = normal(rng, C, D), rng.random(C) < 0.7
    combine = losses.cbow_hidden if average else losses.cbow_hidden_sum
    with jax.enable_x64(True):
        hidden = jax.jit(combine)(context, mask)
    expected = oracle.cbow_hidden(context, mask, average)
    np.testing.assert_allclose(hidden, expected, **CLOSE)


def example(dtype, scale=1.0):
    """One example of each loss: name -> (loss, arguments)."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return jnp.asarray(normal(rng, *shape), dtype)

    hidden = scale * draw(4)
    path = draw(3, 4), jnp.array([0, 1, 1]), jnp.array([True, True, False])
    return {
        "softmax": (losses.softmax_loss, (hidden, draw(5, 4), jnp.int32(2))),
        "negative": (losses.negative_sampling_loss, (hidden, draw(4), draw(3, 4))),
        "hierarchical": (losses.hierarchical_softmax_loss, (hidden, *path)),
    }


NAMES = tuple(example(jnp.float32))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_losses_are_scalars_of_the_float_type_of_the_hidden_vector(name, dtype, x64):
    loss, arguments = example(dtype)[name]
    value = loss(*arguments)
    assert value.shape == ()
    assert value.dtype == dtype
    for derivative in (jax.jit(loss), jax.grad(loss), jax.hessian(loss)):
        assert jax.eval_shape(derivative, *arguments).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_vmap_equals_a_loop(name, x64):
    loss, (hidden, *rest) = example(jnp.float64)[name]
    hiddens = jnp.stack([hidden, -hidden, 3 * hidden])
    together = jax.jit(jax.vmap(lambda h: loss(h, *rest)))(hiddens)
    one_by_one = [jax.jit(loss)(h, *rest) for h in hiddens]
    np.testing.assert_allclose(together, one_by_one, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_losses_and_two_derivatives_are_finite_for_huge_scores(name, dtype, x64):
    loss, arguments = example(dtype, scale=1e4)[name]
    for derivative in (loss, jax.grad(loss), jax.hessian(loss)):
        assert np.isfinite(jax.jit(derivative)(*arguments)).all()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_softplus_has_the_limits_of_max_with_zero(dtype, x64):
    x = jnp.array([-jnp.inf, -1e4, 1e4, jnp.inf], dtype)
    assert losses.softplus(x).tolist() == [0, 0, 1e4, jnp.inf]
    assert jax.vmap(jax.grad(losses.softplus))(x).tolist() == [0, 0, 1, 1]
    assert jax.vmap(jax.grad(jax.grad(losses.softplus)))(x).tolist() == [0, 0, 0, 0]


@jax.jit
def softplus_and_derivatives(x):
    f = losses.softplus
    return f(x), jax.grad(f)(x), jax.grad(jax.grad(f))(x)


@given(st.floats(-40, 40))
def test_softplus_and_its_derivatives_are_precise_in_both_tails(x):
    s = oracle.logistic(x)
    # 1 - s as s(-x), so that nothing cancels in what is expected either.
    expected = -oracle.log_logistic(-x), s, s * oracle.logistic(-x)
    with jax.enable_x64(True):
        found = softplus_and_derivatives(x)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_the_gradient_of_softplus_costs_one_exponential_and_no_logarithm():
    compiled = jax.jit(jax.grad(losses.softplus)).lower(1.0).compile().as_text()
    assert compiled.count(" exponential(") + compiled.count(" logistic(") == 1
    assert " log(" not in compiled
    assert " log-plus-one(" not in compiled


@pytest.mark.parametrize("name", NAMES)
def test_losses_take_a_complex_step(name, x64):
    loss, (hidden, *rest) = example(jnp.float64)[name]
    moved = _complex(hidden) + jnp.full(hidden.shape, 1e-30j)
    slope = jax.jit(loss)(moved, *(_complex(x) for x in rest)).imag / 1e-30
    expected = jax.jit(jax.grad(loss))(hidden, *rest).sum()
    np.testing.assert_allclose(slope, expected, **CLOSE)


def _complex(x):
    return x.astype(jnp.complex128) if jnp.issubdtype(x.dtype, jnp.floating) else x


def test_a_nearly_certain_prediction_keeps_its_small_loss(x64):
    output, hidden = jnp.array([[50.0], [0.0]]), jnp.ones(1)
    loss, gradient = jax.jit(jax.value_and_grad(losses.softmax_loss))(hidden, output, 0)
    # log(1 + exp(-50)), whose derivative is -50 s(-50); log(exp(50) / ...) gives 0.
    np.testing.assert_allclose(loss, math.log1p(math.exp(-50)), rtol=1e-14)
    np.testing.assert_allclose(gradient, [-50 * oracle.logistic(-50.0)], rtol=1e-14)


def test_a_vocabulary_of_one_word_is_certain():
    loss, gradient = jax.jit(jax.value_and_grad(losses.softmax_loss))(
        jnp.ones(3), jnp.full((1, 3), 2.0), 0
    )
    assert loss == 0
    assert not gradient.any()


def test_softmax_does_not_change_when_every_output_vector_moves_alike(x64):
    loss, (hidden, output, target) = example(jnp.float64)["softmax"]
    moved = output + jnp.arange(4.0)[None, :]
    np.testing.assert_allclose(
        loss(hidden, moved, target), loss(hidden, output, target), **CLOSE
    )


def test_the_leaves_of_a_tree_share_a_probability_of_one(x64):
    hidden, nodes = jnp.array([0.3, -2.0]), jnp.array([[1.0, 0.5], [-0.7, 1.1]])
    # Leaves: 0; 1 0; 1 1. The first path ends after one node.
    codes = jnp.array([[0, 0], [1, 0], [1, 1]])
    mask = jnp.array([[True, False], [True, True], [True, True]])
    leaf = jax.vmap(losses.hierarchical_softmax_loss, (None, None, 0, 0))
    total = jnp.exp(-leaf(hidden, nodes, codes, mask)).sum()
    np.testing.assert_allclose(total, 1, rtol=1e-15)


def test_a_path_of_one_node_is_a_pair_without_noise(x64):
    hidden, node = jnp.array([0.3, -2.0]), jnp.array([1.0, 0.5])
    path = losses.hierarchical_softmax_loss(
        hidden, node[None], jnp.array([0]), jnp.array([True])
    )
    assert path == losses.negative_sampling_loss(hidden, node, jnp.zeros((0, 2)))


def test_padding_of_a_path_changes_neither_loss_nor_gradient():
    loss, (hidden, nodes, codes, mask) = example(jnp.float32)["hierarchical"]
    garbage = jnp.where(mask[:, None], nodes, 1e30)
    value = jax.jit(jax.value_and_grad(loss, (0, 1)))
    clean = value(hidden, nodes, codes, mask)
    padded = value(hidden, garbage, codes, mask)
    assert padded[0] == clean[0]
    assert (padded[1][0] == clean[1][0]).all()
    assert not padded[1][1][~mask].any()


@pytest.mark.parametrize("combine", [losses.cbow_hidden, losses.cbow_hidden_sum])
def test_an_empty_context_gives_zero_and_a_zero_gradient(combine):
    context, mask = jnp.full((3, 2), jnp.nan), jnp.zeros(3, bool)
    hidden, pull = jax.vjp(lambda c: combine(c, mask), context)
    assert hidden.tolist() == [0, 0]
    assert not pull(jnp.ones(2))[0].any()


def test_a_word_twice_in_the_context_counts_twice():
    v, w = jnp.array([3.0, 0.0]), jnp.array([0.0, 6.0])
    mean = losses.cbow_hidden(jnp.stack([v, w, v]), jnp.ones(3, bool))
    assert mean.tolist() == [(3 + 3) / 3, 6 / 3]


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.softmax_loss(jnp.ones(2), jnp.ones((4, 3)), 0),
        lambda: losses.softmax_loss(jnp.ones((1, 2)), jnp.ones((4, 2)), 0),
        lambda: losses.negative_sampling_loss(jnp.ones(2), jnp.ones(2), jnp.ones(2)),
        lambda: losses.negative_sampling_loss(
            jnp.ones(2), jnp.ones(1), jnp.ones((4, 2))
        ),
        lambda: losses.hierarchical_softmax_loss(
            jnp.ones(2), jnp.ones((3, 2)), jnp.ones(2, int), jnp.ones(3, bool)
        ),
        lambda: losses.cbow_hidden(jnp.ones((3, 2)), jnp.ones(2, bool)),
    ],
)
def test_wrong_shapes_are_refused(call):
    with pytest.raises(AssertionError, match=r"shape|rank"):
        call()
