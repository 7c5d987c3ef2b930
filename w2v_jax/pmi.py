"""Negative sampling as matrix factorisation: what its scores would be, were they free.

Averaged over the pairs of a text and over the noise, the loss of a score z_co is

    L(z) = sum_co p(c, o) softplus(-z_co) + K p(c) q(o) softplus(z_co)

and dL/dz_co = K p(c) q(o) s(z_co) - p(c, o) s(-z_co) vanishes where
z_co = log p(c, o) / (K p(c) q(o)): pointwise mutual information with the noise in
place of the second marginal, less log K (Levy and Goldberg 2014). Word vectors of D
dimensions are the best factorisation V U^T of that matrix in this loss.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array

from w2v_jax.losses import softplus

Floats = npt.NDArray[np.floating[Any]]


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


def factorise(
    pairs: npt.ArrayLike,
    noise: npt.ArrayLike,
    negatives: int,
    dim: int,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Word vectors whose products fit the shifted PMI best, in `expected_loss`.

    L-BFGS over both tables from small random ones, in float64: what training by
    negative sampling approaches with a small rate. The problem is not convex; with
    D = V the shifted PMI itself is reached.

    Args:
      pairs: [V, V], p(c, o).
      noise: [V], q(o).
      negatives: K.
      dim: D.
      seed: of the tables before the first step.

    Returns:
      input and output vectors, each float64 [V, D].
    """
    from scipy.optimize import minimize  # slow to import

    shape = (2, len(np.asarray(noise)), dim)

    @jax.jit
    def value_and_grad(flat: Array) -> tuple[Array, Array]:
        def loss(tables: Array) -> Array:
            scores = tables[0] @ tables[1].T
            return expected_loss(scores, fixed[0], fixed[1], negatives)

        value, slope = jax.value_and_grad(loss)(flat.reshape(shape))
        return value, slope.reshape(-1)

    with jax.enable_x64(True):
        fixed = jnp.asarray(pairs, jnp.float64), jnp.asarray(noise, jnp.float64)
        found = minimize(
            lambda flat: tuple(map(np.asarray, value_and_grad(flat))),
            0.1 * np.random.default_rng(seed).standard_normal(np.prod(shape)),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 0, "gtol": 1e-9},
        )
    tables = found.x.reshape(shape)
    return tables[0], tables[1]


def pair_probabilities(centres: Array, contexts: Array, size: int) -> Array:
    """p(c, o) [V, V], the relative frequencies of pairs of word ids.

    Args:
      centres: integers [n].
      contexts: integers [n].
      size: V.
    """
    counts = jnp.zeros((size, size)).at[centres, contexts].add(1.0)
    return counts / centres.size
