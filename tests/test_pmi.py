import jax
import jax.numpy as jnp
import numpy as np

from tests import oracle
from w2v_jax.pmi import expected_loss, factorise, pair_probabilities, shifted_pmi


def world(seed=0, size=4):
    rng = np.random.default_rng(seed)
    pairs = rng.dirichlet(np.ones(size * size)).reshape(size, size)
    return jnp.asarray(pairs), jnp.asarray(rng.dirichlet(np.ones(size)))


def test_the_expected_loss_is_the_mean_over_pairs_and_noise(x64):
    pairs, noise = world()
    scores = jnp.asarray(np.random.default_rng(1).standard_normal((4, 4)))
    total = 0.0
    for c in range(4):
        for o in range(4):
            total -= pairs[c, o] * oracle.log_logistic(float(scores[c, o]))
            for k in range(4):  # K = 3 words, each drawn from the noise
                chance = 3 * pairs[c, o] * noise[k]
                total -= chance * oracle.log_logistic(-float(scores[c, k]))
    # A few dozen terms of float64.
    np.testing.assert_allclose(
        expected_loss(scores, pairs, noise, 3), total, rtol=1e-13
    )


def test_its_gradient_vanishes_at_the_shifted_pmi_and_it_is_a_minimum(x64):
    pairs, noise = world()
    best = shifted_pmi(pairs, noise, 5)
    slope = jax.grad(expected_loss)(best, pairs, noise, 5)
    np.testing.assert_allclose(slope, 0, atol=1e-16)
    for step in (0.1, -0.1):
        moved = expected_loss(best + step, pairs, noise, 5)
        assert moved > expected_loss(best, pairs, noise, 5)


def test_independent_words_have_a_score_of_minus_log_k(x64):
    share = jnp.array([0.5, 0.3, 0.2])
    found = shifted_pmi(jnp.outer(share, share), share, 5)
    np.testing.assert_allclose(found, -np.log(5), rtol=1e-14)


def test_a_pair_that_never_occurs_has_no_finite_score():
    pairs = jnp.array([[0.0, 0.5], [0.25, 0.25]])
    found = shifted_pmi(pairs, jnp.array([0.5, 0.5]), 1)
    assert found[0, 0] == -jnp.inf
    assert jnp.isfinite(found[1]).all()


def test_pair_probabilities_are_relative_frequencies():
    found = pair_probabilities(jnp.array([0, 0, 1, 0]), jnp.array([1, 1, 0, 2]), 3)
    assert found.tolist() == [[0, 2 / 4, 1 / 4], [1 / 4, 0, 0], [0, 0, 0]]


def test_vectors_of_v_dimensions_factorise_the_shifted_pmi_and_fewer_do_not(x64):
    pairs, noise = world()
    best = shifted_pmi(pairs, noise, 2)
    least = expected_loss(best, pairs, noise, 2)
    excess = {}
    for dim in (1, 4):
        v, u = factorise(pairs, noise, 2, dim)
        assert v.shape == u.shape == (4, dim)
        excess[dim] = float(expected_loss(v @ u.T, pairs, noise, 2) - least)
    # L-BFGS stops at slopes of 1e-9; the loss is flat to their square beyond.
    assert -1e-15 <= excess[4] < 1e-9
    assert excess[1] > 1e-3
