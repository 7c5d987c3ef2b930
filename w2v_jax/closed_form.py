"""The gradients of `w2v_jax.losses`, derived by hand and written without autodiff.

Each `<loss>_gradient` takes the arguments of its loss and returns the tuple of the
gradients of its vector arguments, in their order. Each `<loss>_hessian` returns the
second derivative in the hidden vector. One residual rules them all: for every score
z = u . h, dL/dz is p - y, what the model expects less what was observed, and by the
chain rule

    dL/dh = sum_w (p_w - y_w) u_w            dL/du_w = (p_w - y_w) h

Training does not call this module: it is what `jax.grad` is checked against. The
notes differentiate log P, so their signs are the opposite of those of a loss.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.typing import ArrayLike


def softmax_loss_gradient(
    hidden: Array, output_vectors: Array, target: ArrayLike
) -> tuple[Array, Array]:
    """The gradient of `losses.softmax_loss`: E[u] - u_o, and outer(p - y, h).

    With z_w = u_w . h the loss is log sum_w exp(z_w) - z_o, so

        dL/dz_w = exp(z_w) / sum_x exp(z_x) - [w = o] = p_w - y_w
        dL/dh   = sum_w p_w u_w - u_o = E_{w ~ p}[u_w] - u_o
        dL/du_w = (p_w - y_w) h

    Note 000 prints dL/dh with the opposite sign, u_o - E[u], for log P: observed
    less expected. It leaves dL/du to the reader.

    Args:
      hidden: [D]; output_vectors: [V, D]; target: [] integer, as for the loss.

    Returns:
      dL/dh [D] and dL/dU [V, D], in nats per unit of the vectors.

    Source: note 000, gradient; note 003, skip-gram, gradient; note 001, section 2.1
    (dJ/dz = p - y, dW2 = outer(h, e), dW1 = W2 e).
    """
    residual = _softmax_residual(output_vectors @ hidden, target)  # p - y
    expected_minus_observed = residual @ output_vectors  # E[u] - u_o
    return expected_minus_observed, jnp.outer(residual, hidden)


def negative_sampling_loss_gradient(
    hidden: Array, positive: Array, negatives: Array, noise_weight: ArrayLike = 1.0
) -> tuple[Array, Array, Array]:
    """The gradient of `losses.negative_sampling_loss`.

    From d log s(x) / dx = 1 - s(x) = s(-x), with y = 1 for the observed word and
    y = 0 for noise, both derivatives are p - y with p = s(z):

        d(-log s(z_o)) / dz_o  = s(z_o) - 1        d(-log s(-z_k)) / dz_k = s(z_k)
        dL/dh   = (s(z_o) - 1) u_o + noise_weight * sum_k s(z_k) u_k
        dL/du_o = (s(z_o) - 1) h         dL/du_k = noise_weight * s(z_k) h

    Args:
      hidden: [D]; positive: [D]; negatives: [K, D]; noise_weight: [], as for the
        loss.

    Returns:
      dL/dh [D], dL/du_o [D] and dL/du_k [K, D].

    Source: Mikolov et al. 2013b, eq. 4; note 000, negative sampling (the loss; the
    notes do not derive its gradient). word2vec.c computes the same with s read from
    a table that ends at 6, and drops a noise word equal to the target.
    """
    weight = jnp.asarray(noise_weight).astype(hidden.dtype)
    observed = -sigmoid(-(positive @ hidden))  # p - 1, without its cancellation
    noise = weight * sigmoid(negatives @ hidden)  # p - 0
    return (
        observed * positive + noise @ negatives,
        observed * hidden,
        jnp.outer(noise, hidden),
    )


def hierarchical_softmax_loss_gradient(
    hidden: Array, nodes: Array, codes: Array, mask: Array
) -> tuple[Array, Array]:
    """The gradient of `losses.hierarchical_softmax_loss`.

    At each inner node of the path p_j = s(z_j) is the probability of code 0, and
    y_j = 1 - code_j says whether it was taken. With t_j = 1 - 2 code_j = +-1

        d(-log s(t_j z_j)) / dz_j = -t_j s(-t_j z_j) = s(z_j) - (1 - code_j) = p_j - y_j
        dL/dh   = sum_j (p_j - y_j) u_j        dL/du_j = (p_j - y_j) h

    and nothing for the slots that the mask leaves out.

    Args:
      hidden: [D]; nodes: [L, D]; codes: [L] in {0, 1}; mask: [L] bool, as for the
        loss.

    Returns:
      dL/dh [D] and dL/du_j [L, D].

    Source: Mikolov et al. 2013b, section 2.1; note 004, section 3 (the tree; the
    notes do not derive its gradient). word2vec.c skips the term where |z_j| >= 6.
    """
    residual = _path_residual(nodes @ hidden, codes, mask)  # p - y
    return residual @ nodes, jnp.outer(residual, hidden)


def cbow_hidden_gradient(context: Array, mask: Array, cotangent: Array) -> Array:
    """The gradient that each context vector receives through CBOW's average.

    h = (1 / 2m) sum_i v_i is linear, so dh/dv_i = (1 / 2m) I and

        dL/dv_i = (1 / 2m) dL/dh

    Args:
      context: [C, D], of which only the shape is used: the map is linear.
      mask: [C] bool, true for the 2m slots that hold a word.
      cotangent: [D], dL/dh.

    Returns:
      [C, D]; zero in masked slots, and everywhere if all are masked. A word that
      stands in two slots receives the sum of their two rows.

    Source: note 003, CBOW, gradient. word2vec.c and gensim leave 1/2m out.
    """
    two_m = mask.sum().astype(cotangent.dtype)
    return cbow_hidden_sum_gradient(context, mask, cotangent) / jnp.maximum(two_m, 1)


def cbow_hidden_sum_gradient(context: Array, mask: Array, cotangent: Array) -> Array:
    """The gradient that each context vector receives through CBOW's sum: dL/dh.

    Args:
      context: [C, D]; mask: [C] bool; cotangent: [D], as `cbow_hidden_gradient`.

    Returns:
      [C, D]; zero in masked slots.

    Source: note 004, section 2c, by the argument of note 003, CBOW, gradient.
    gensim (cbow_mean=0) divides here by the number of words, and should not.
    """
    chex.assert_rank([context, mask, cotangent], [2, 1, 1])
    return jnp.outer(mask.astype(cotangent.dtype), cotangent)


def softmax_loss_hessian(
    hidden: Array, output_vectors: Array, target: ArrayLike
) -> Array:
    """d2L/dh2 of the full softmax: the covariance of the output vectors under p.

        d/dh (E[u] - u_o) = E[u u^T] - E[u] E[u]^T = Cov_{w ~ p}(u_w)

    by dp_w/dh = p_w (u_w - E[u]). It does not depend on the target, and as a
    covariance it is positive semidefinite: the loss is convex in h.

    Args:
      hidden: [D]; output_vectors: [V, D]; target: [], as for the loss.

    Returns:
      [D, D], symmetric.

    Source: derived here; the notes stop at the first derivative.
    """
    del target
    p = jax.nn.softmax(output_vectors @ hidden)
    centred = output_vectors - (p @ output_vectors)[None, :]  # u_w - E[u]
    return centred.T @ (p[:, None] * centred)


def negative_sampling_loss_hessian(
    hidden: Array, positive: Array, negatives: Array, noise_weight: ArrayLike = 1.0
) -> Array:
    """d2L/dh2 of negative sampling: the logistic's slope weighs each outer product.

        s'(z_o) u_o u_o^T + noise_weight * sum_k s'(z_k) u_k u_k^T

    with s'(z) = s(z) s(-z), at most 1/4; positive semidefinite.

    Args:
      hidden: [D]; positive: [D]; negatives: [K, D]; noise_weight: [], as for the
        loss.

    Returns:
      [D, D], symmetric.

    Source: derived here from `negative_sampling_loss_gradient`.
    """
    weight = jnp.asarray(noise_weight).astype(hidden.dtype)
    noise = weight * _slope(negatives @ hidden)
    observed = _slope(positive @ hidden) * jnp.outer(positive, positive)
    return observed + negatives.T @ (noise[:, None] * negatives)


def hierarchical_softmax_loss_hessian(
    hidden: Array, nodes: Array, codes: Array, mask: Array
) -> Array:
    """d2L/dh2 of hierarchical softmax: sum_j s'(z_j) u_j u_j^T over the path.

    The codes drop out, because s' is even: s'(z) = s(z) s(-z) = s'(-z).

    Args:
      hidden: [D]; nodes: [L, D]; codes: [L]; mask: [L] bool, as for the loss.

    Returns:
      [D, D], symmetric, positive semidefinite.

    Source: derived here from `hierarchical_softmax_loss_gradient`.
    """
    del codes
    slopes = jnp.where(mask, _slope(nodes @ hidden), 0)
    return nodes.T @ (slopes[:, None] * nodes)


def _softmax_residual(scores: Array, target: ArrayLike) -> Array:
    """p - y [V]; the target's p_o - 1 as minus all the rest, which is more precise."""
    p = jax.nn.softmax(scores)
    y = jax.nn.one_hot(target, len(scores), dtype=bool)
    return jnp.where(y, -p.sum(where=~y), p)


def _path_residual(scores: Array, codes: Array, mask: Array) -> Array:
    """p - y [L] as -t s(-t z), which has no cancellation; zero outside the mask."""
    t = 1 - 2 * codes.astype(scores.dtype)
    return jnp.where(mask, -t * sigmoid(-t * scores), 0)


def _slope(scores: Array) -> Array:
    """s'(z) = s(z) s(-z), of the shape of the scores."""
    return sigmoid(scores) * sigmoid(-scores)
