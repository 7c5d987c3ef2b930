"""Note 004: its log-likelihood, cross-entropy, the Huffman tree, negative sampling."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import losses
from w2v_jax.huffman import build_huffman


def test_the_worked_log_likelihood_is_minus_2_29():
    p = {"猫|追": 0.6, "老鼠|追": 0.3, "追|猫": 0.7, "追|老鼠": 0.8}
    printed = [-0.51, -1.20, -0.36, -0.22]
    np.testing.assert_allclose(np.log(list(p.values())), printed, atol=0.005)
    total = math.log(0.6 * 0.3 * 0.7 * 0.8)
    assert math.fsum(map(math.log, p.values())) == pytest.approx(total, rel=1e-14)
    assert total == pytest.approx(-2.29, abs=0.005)


def test_the_losses_reproduce_that_likelihood_from_logits(x64):
    # Scores log p over (猫, 追, 老鼠), what is left of the mass on the third word.
    rows = {"追": ([0.6, 0.1, 0.3], [0, 2]), "猫": ([0.1, 0.7, 0.2], [1])}
    rows["老鼠"] = ([0.1, 0.8, 0.1], [1])
    total = 0.0
    for p, contexts in rows.values():
        output = jnp.log(jnp.array(p))[:, None]
        total -= sum(
            float(losses.softmax_loss(jnp.ones(1), output, o)) for o in contexts
        )
    assert total == pytest.approx(math.log(0.6 * 0.3 * 0.7 * 0.8), rel=1e-14)


def test_likelihood_sums_over_the_text_and_not_over_the_vocabulary():
    # Printed as a sum over w in the vocabulary: each word would count once. A word
    # seen three times must weigh three times, or the maximum is not the frequency.
    seen = ["a", "a", "a", "b"]
    grid = np.linspace(0.01, 0.99, 99)
    over_text = sum(np.log(grid if w == "a" else 1 - grid) for w in seen)
    over_words = sum(np.log(grid if w == "a" else 1 - grid) for w in set(seen))
    assert grid[over_text.argmax()] == pytest.approx(3 / 4)
    assert grid[over_words.argmax()] == pytest.approx(1 / 2)


def test_squared_error_goes_flat_far_from_the_optimum_and_cross_entropy_does_not(x64):
    def squared(z):
        return (jax.nn.sigmoid(z) - 1) ** 2

    def cross_entropy(z):
        return losses.softplus(-z)

    far, near = -10.0, 3.0
    # d/dz: 2 (p - 1) p (1 - p) against p - 1.
    p = 1 / (1 + math.exp(10))
    assert float(jax.grad(squared)(far)) == pytest.approx(-2 * p * (1 - p) ** 2)
    assert float(jax.grad(cross_entropy)(far)) == pytest.approx(p - 1)
    assert jax.grad(cross_entropy)(far) / jax.grad(squared)(far) > 1e4
    assert abs(jax.grad(cross_entropy)(near)) < 0.05  # near the optimum both are small


def test_the_slope_in_the_score_is_bounded_and_that_in_p_is_inverse(x64):
    # "Inversely proportional" is dL/dp = -1/p; what moves vectors is dL/dz = p - 1.
    for p in (0.9, 0.1, 1e-6):
        assert float(jax.grad(lambda p: -jnp.log(p))(p)) == pytest.approx(-1 / p)
        z = math.log(p / (1 - p))
        slope = float(jax.grad(lambda z: losses.softplus(-z))(z))
        assert slope == pytest.approx(p - 1, rel=1e-9)
        assert abs(slope) < 1


def test_huffman_paths_of_equal_counts_obey_the_printed_bound():
    tree = build_huffman(np.full(16, 5))
    assert set(tree.lengths) == {4}  # log2 16


@pytest.mark.parametrize("words", [4, 10, 40])
def test_huffman_paths_of_skewed_counts_are_as_long_as_v_minus_1(words):
    # The bound log N does not hold: powers of two merge one after the other.
    tree = build_huffman(2 ** np.arange(words, 0, -1))
    assert tree.lengths.max() == words - 1
    assert words - 1 > math.log2(words)


def test_huffmans_mean_path_is_within_a_bit_of_the_entropy():
    counts = 100_000 // np.arange(1, 1001)
    p = counts / counts.sum()
    entropy = -(p * np.log2(p)).sum()
    mean = p @ build_huffman(counts).lengths
    assert entropy <= mean < entropy + 1


def test_frequent_words_are_nearer_to_the_root():
    lengths = build_huffman(100_000 // np.arange(1, 1001)).lengths
    assert (np.diff(lengths) >= 0).all()


def test_the_product_along_the_path_is_a_probability_over_all_words(x64):
    tree = build_huffman(np.array([9, 5, 4, 2, 1]))
    rng = np.random.default_rng(0)
    hidden, nodes = jnp.asarray(rng.standard_normal(3)), rng.standard_normal((4, 3))
    leaf = jax.vmap(losses.hierarchical_softmax_loss, (None, 0, 0, 0))
    loss = leaf(
        hidden,
        jnp.asarray(nodes[tree.paths]),
        jnp.asarray(tree.codes),
        jnp.asarray(tree.mask),
    )
    np.testing.assert_allclose(jnp.exp(-loss).sum(), 1, rtol=1e-14)


def test_negative_samples_need_a_minus_sign(x64):
    # Printed as log s(negative): raising every score then lowers the loss for ever.
    hidden, words = jnp.ones(1), jnp.array([[1.0], [1.0]])

    def printed(scale):
        s = jax.nn.sigmoid(scale * words[:, 0])
        return -jnp.log(s).sum()

    def meant(scale):
        return losses.negative_sampling_loss(scale * hidden, words[0], words[1:])

    slopes = [float(jax.grad(printed)(x)) for x in (-5.0, 0.0, 5.0)]
    assert all(slope < 0 for slope in slopes)
    assert jax.grad(meant)(0.0) == 0  # one pulls, one pushes
    assert jax.grad(meant)(5.0) > 0.9


def test_sum_and_average_of_a_context_differ_by_2m_in_value_and_gradient(x64):
    context = jnp.asarray(np.random.default_rng(0).standard_normal((4, 3)))
    mask = jnp.array([True, True, True, False])
    total, pull_total = jax.vjp(lambda c: losses.cbow_hidden_sum(c, mask), context)
    mean, pull_mean = jax.vjp(lambda c: losses.cbow_hidden(c, mask), context)
    np.testing.assert_allclose(total, 3 * mean, rtol=1e-14)
    ones = jnp.ones(3)
    np.testing.assert_allclose(pull_total(ones)[0], 3 * pull_mean(ones)[0], rtol=1e-14)


def test_the_hidden_layer_is_a_column_k_and_not_a_row(x64):
    # h = W1^T x has K entries in one column, K x 1; 1 x K is x^T W1.
    weights, one_hot = jnp.ones((5, 3)), jnp.zeros((5, 1)).at[2].set(1)
    assert (weights.T @ one_hot).shape == (3, 1)
    assert (one_hot.T @ weights).shape == (1, 3)


def test_the_nearest_vector_need_not_have_the_largest_score():
    centre, near, far = np.array([1.0, 0]), np.array([0.6, 0.8]), np.array([3.0, 0])
    assert np.linalg.norm(centre - near) < np.linalg.norm(centre - far)
    assert centre @ near < centre @ far
    cosine = centre @ near / np.linalg.norm(near), centre @ far / np.linalg.norm(far)
    assert cosine[0] < cosine[1] == 1  # nor the largest cosine
