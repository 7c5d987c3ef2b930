"""Negative sampling as matrix factorisation: what its scores would be, were they free.

Averaged over the pairs of a text and over the noise, the loss of a score z_co is

    L(z) = sum_co p(c, o) softplus(-z_co) + K p(c) q(o) softplus(z_co)

and dL/dz_co = K p(c) q(o) s(z_co) - p(c, o) s(-z_co) vanishes where
z_co = log p(c, o) / (K p(c) q(o)): pointwise mutual information with the noise in
place of the second marginal, less log K (Levy and Goldberg 2014). Word vectors of D
dimensions are the best factorisation V U^T of that matrix in this loss.
"""

import jax.numpy as jnp
from jax import Array

from w2v_jax.losses import softplus


def expected_loss(scores: Array, pairs: Array, noise: Array, negatives: int) -> Array:
    """Negative sampling's loss of a pair, averaged over pairs and noise, in nats.

    Args:
      scores: [V, V], z_co of centre c and context o.
      pairs: [V, V], p(c, o), summing to 1.
      noise: [V], q(o), summing to 1.
      negatives: K.

    Returns:
      [].

    Source: note 000, negative sampling, with the sampling summed out.
    """
    repelled = negatives * jnp.outer(pairs.sum(axis=1), noise)
    return (pairs * softplus(-scores) + repelled * softplus(scores)).sum()


def shifted_pmi(pairs: Array, noise: Array, negatives: int) -> Array:
    """The scores that minimise `expected_loss`: log p(c, o) / (K p(c) q(o)).

    Args:
      pairs: [V, V], p(c, o); a pair that never occurs has a score of minus infinity.
      noise: [V], q(o).
      negatives: K.

    Returns:
      [V, V]; with q the second marginal, the PMI less log K.
    """
    repelled = negatives * jnp.outer(pairs.sum(axis=1), noise)
    return jnp.log(pairs) - jnp.log(repelled)


def pair_probabilities(centres: Array, contexts: Array, size: int) -> Array:
    """p(c, o) [V, V], the relative frequencies of pairs of word ids.

    Args:
      centres: integers [n].
      contexts: integers [n].
      size: V.
    """
    counts = jnp.zeros((size, size)).at[centres, contexts].add(1.0)
    return counts / centres.size
