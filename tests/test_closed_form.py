import ast
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from w2v_jax import closed_form, losses

# Relative to the largest entry: both sides sum a few dozen products of numbers that
# carry a rounding of 2^-53 each, and exp doubles the error of a score of size 30.
ROUNDING = 1e-13

sizes = st.sampled_from([1, 3])  # each new shape is compiled anew
seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-3, 1.0, 10.0])


def assert_equal_gradients(found, expected, tolerance=ROUNDING):
    for a, b in zip(found, expected, strict=True):
        largest = np.abs(b).max(initial=0)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * largest)


@functools.cache
def gradients(name, places):
    """The closed form and autodiff of one loss, both compiled."""
    loss = getattr(losses, name)
    by_hand = getattr(closed_form, f"{name}_gradient")
    return jax.jit(by_hand), jax.jit(jax.grad(loss, tuple(range(places))))


@given(seeds, sizes, sizes, scales)
def test_softmax_gradient_is_expected_minus_observed(seed, V, D, scale):
    rng = np.random.default_rng(seed)
    hidden, output = scale * rng.standard_normal(D), rng.standard_normal((V, D))
    expected = oracle.softmax_gradient(hidden, output, V // 2)
    with jax.enable_x64(True):
        for gradient in gradients("softmax_loss", 2):
            assert_equal_gradients(gradient(hidden, output, V // 2), expected)


@given(seeds, st.sampled_from([0, 2]), sizes, scales, st.sampled_from([1.0, 0.25]))
def test_negative_sampling_gradient_is_p_minus_y_for_each_word(seed, K, D, scale, w):
    rng = np.random.default_rng(seed)
    hidden, positive = scale * rng.standard_normal((2, D))
    negatives = rng.standard_normal((K, D))
    expected = oracle.negative_sampling_gradient(hidden, positive, negatives, w)
    with jax.enable_x64(True):
        for gradient in gradients("negative_sampling_loss", 3):
            found = gradient(hidden, positive, negatives, w)
            assert_equal_gradients(found, expected)


@given(seeds, sizes, sizes, scales)
def test_hierarchical_softmax_gradient_is_p_minus_y_along_the_path(seed, L, D, scale):
    rng = np.random.default_rng(seed)
    hidden, nodes = scale * rng.standard_normal(D), rng.standard_normal((L, D))
    path = nodes, rng.integers(0, 2, L), rng.random(L) < 0.7
    expected = oracle.hierarchical_softmax_gradient(hidden, *path)
    with jax.enable_x64(True):
        for gradient in gradients("hierarchical_softmax_loss", 2):
            assert_equal_gradients(gradient(hidden, *path), expected)


@given(seeds, sizes, sizes, st.booleans())
def test_context_vectors_share_the_gradient_of_the_hidden_vector(seed, C, D, average):
    rng = np.random.default_rng(seed)
    context, cotangent = rng.standard_normal((C, D)), rng.standard_normal(D)
    mask = rng.random(C) < 0.7
    name = "cbow_hidden" if average else "cbow_hidden_sum"
    by_hand = jax.jit(getattr(closed_form, f"{name}_gradient"))
    expected = [oracle.cbow_gradient(context, mask, cotangent, average)]
    with jax.enable_x64(True):
        assert_equal_gradients([by_hand(context, mask, cotangent)], expected)
        pulled = _pull_back(getattr(losses, name), context, mask, cotangent)
        assert_equal_gradients(pulled, expected)


@jax.jit(static_argnums=0)
def _pull_back(combine, context, mask, cotangent):
    return jax.vjp(lambda c: combine(c, mask), context)[1](cotangent)


def test_the_average_divides_the_gradient_of_the_sum_by_2m():
    context, cotangent = jnp.ones((5, 2)), jnp.array([8.0, -4.0])
    mask = jnp.array([True, True, False, True, True])  # 2m = 4
    average = closed_form.cbow_hidden_gradient(context, mask, cotangent)
    total = closed_form.cbow_hidden_sum_gradient(context, mask, cotangent)
    assert (average == total / 4).all()
    assert total[2].tolist() == [0, 0]


def test_an_empty_context_receives_nothing():
    context, mask = jnp.ones((3, 2)), jnp.zeros(3, bool)
    assert not closed_form.cbow_hidden_gradient(context, mask, jnp.ones(2)).any()


HESSIANS = {
    "softmax_loss": lambda rng, D: (rng.standard_normal((5, D)), 2),
    "negative_sampling_loss": lambda rng, D: (
        rng.standard_normal(D),
        rng.standard_normal((4, D)),
        0.5,
    ),
    "hierarchical_softmax_loss": lambda rng, D: (
        rng.standard_normal((4, D)),
        rng.integers(0, 2, 4),
        rng.random(4) < 0.7,
    ),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_the_hessian_is_the_second_derivative_and_has_no_negative_curvature(name, x64):
    rng = np.random.default_rng(3)
    by_hand = jax.jit(getattr(closed_form, f"{name}_hessian"))
    by_jax = jax.jit(jax.hessian(getattr(losses, name)))
    for _ in range(20):
        hidden, rest = 2 * rng.standard_normal(3), HESSIANS[name](rng, 3)
        found, expected = by_hand(hidden, *rest), by_jax(hidden, *rest)
        # A covariance loses a digit or two where one word has almost all weight.
        assert_equal_gradients([found], [expected], tolerance=1e-11)
        assert_equal_gradients([found], [found.T])
        assert np.linalg.eigvalsh(found).min() >= -ROUNDING * np.abs(found).max()


@pytest.mark.parametrize("name", HESSIANS)
def test_the_hessian_is_the_difference_quotient_of_the_gradient(name, x64):
    rng = np.random.default_rng(4)
    hidden, rest = rng.standard_normal(3), HESSIANS[name](rng, 3)
    gradient = jax.jit(getattr(closed_form, f"{name}_gradient"))
    rows = [
        oracle.differences(lambda h, i=i: float(gradient(h, *rest)[0][i]), hidden)
        for i in range(3)
    ]
    found = getattr(closed_form, f"{name}_hessian")(
        jnp.asarray(hidden), *map(jnp.asarray, rest)
    )
    # Sixth order with step 1e-2: 1e-12 / 140 times a seventh derivative of some 10s.
    assert_equal_gradients([found], [np.array(rows)], tolerance=1e-10)


def test_the_softmax_hessian_is_the_covariance_of_the_output_vectors(x64):
    # Scores 0 and log 3: p = 1/4, 3/4, and u is 0 or 2, so the variance is
    # 1/4 * 3/4 * 2^2 = 3/4.
    hidden, output = jnp.array([np.log(3) / 2]), jnp.array([[0.0], [2.0]])
    found = closed_form.softmax_loss_hessian(hidden, output, 0)
    np.testing.assert_allclose(found, [[3 / 4]], rtol=1e-15)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_closed_forms_keep_the_float_type(dtype, x64):
    rng = np.random.default_rng(0)
    for name, draw in HESSIANS.items():
        arguments = [rng.standard_normal(3), *draw(rng, 3)]
        cast = [
            jnp.asarray(x, dtype) if np.ndim(x) and np.asarray(x).dtype == float else x
            for x in arguments
        ]
        for part in ("gradient", "hessian"):
            function = getattr(closed_form, f"{name}_{part}")
            found = jax.tree.leaves(jax.eval_shape(function, *cast))
            assert {x.dtype for x in found} == {jnp.dtype(dtype)}


@pytest.mark.parametrize("name", ["oracle", "deviating_oracle"])
def test_the_oracles_import_nothing_from_the_library(name):
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
    froms = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    plain = [
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    ]
    roots = {module.split(".")[0] for module in (*froms, *plain)}
    assert "numpy" in roots
    assert not roots & {"w2v_jax", "experiments", "jax"}
