"""Every loss once, for one example: the formula and nothing else.

No function here has a batch axis: `jax.vmap` adds it, `jax.grad` differentiates.
All losses are in nats. All of them are finite, with finite derivatives, for scores
up to 1e4 in size and beyond, because nothing is exponentiated that is above zero;
no epsilon is added anywhere, so that each function is exactly the loss it states.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """log(1 + exp(x)) = -log s(-x), of any shape, in nats.

    Every sigmoid loss is written with it: -log s(x) = softplus(-x). It behaves like
    max(x, 0) far from zero. The derivative s(x) is the logistic itself, not a
    quotient of exponentials, so that a gradient step costs one logistic and the
    value of the loss is dead code in it; the rule can be differentiated again.

    Complex x is let through for complex-step differentiation: along the real axis
    both branches below are the same analytic function.
    """
    above = jnp.real(x) > 0
    return jnp.where(above, x, 0) + jnp.log1p(jnp.exp(jnp.where(above, -x, x)))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return softplus(x), _logistic(x) * dx


@jax.custom_jvp
def _logistic(x: Array) -> Array:
    """s(x); s'(x) = s(x) s(-x) does not vanish early, as s(x) (1 - s(x)) does."""
    return jax.nn.sigmoid(x)


@_logistic.defjvp
def _logistic_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return _logistic(x), _logistic(x) * _logistic(-x) * dx


def softmax_loss(hidden: Array, output_vectors: Array, target: ArrayLike) -> Array:
    """-log P(target | hidden) under the full softmax, in nats.

        log sum_w exp(u_w . h) - u_target . h
            = softplus(log sum_{w != target} exp((u_w - u_target) . h))

    The second line is how it is computed: the target against all the rest. There
    the first one's difference of two large numbers is gone, and a prediction that
    is nearly certain keeps its small loss and its small gradient to full precision.

    Args:
      hidden: [D], h; the centre's vector v_c, or CBOW's average.
      output_vectors: [V, D], one u_w a row.
      target: [] integer, the id of the word to be predicted.

    Returns:
      [], at least 0.

    Source: note 000, "Probability"; note 003, skip-gram, training. The notes'
    programs add an epsilon inside the logarithm; in log space none is needed.
    """
    chex.assert_rank([hidden, output_vectors, target], [1, 2, 0])
    chex.assert_equal_shape_suffix([hidden, output_vectors], 1)
    scores = output_vectors @ hidden
    rest = ~jax.nn.one_hot(target, len(scores), dtype=bool)
    return softplus(jax.nn.logsumexp(scores - scores[target], where=rest))


def negative_sampling_loss(
    hidden: Array, positive: Array, negatives: Array, noise_weight: ArrayLike = 1.0
) -> Array:
    """The loss of one pair told from noise words by logistic regression, in nats.

        -log s(u_o . h) - noise_weight * sum_k log s(-u_k . h)

    Args:
      hidden: [D], h.
      positive: [D], u_o, the output vector of the word observed.
      negatives: [K, D], u_k, those of the noise words; K may be zero.
      noise_weight: [], 1 for the loss of the paper; K / S where S shared rows stand
        for K negatives per pair.

    Returns:
      [], at least 0.

    Source: Mikolov et al. 2013b, eq. 4, with its sign turned; note 000, negative
    sampling. A noise word equal to the target stays, as in the paper; word2vec.c
    drops it, see `w2v_jax.deviations`.
    """
    chex.assert_rank([hidden, positive, negatives, noise_weight], [1, 1, 2, 0])
    chex.assert_equal_shape_suffix([hidden, positive, negatives], 1)
    noise = softplus(negatives @ hidden).sum()
    return softplus(-(positive @ hidden)) + _cast(noise_weight, hidden) * noise


def hierarchical_softmax_loss(
    hidden: Array, nodes: Array, codes: Array, mask: Array
) -> Array:
    """-log of the probability of one leaf of a binary tree, in nats.

        sum over j in the path of -log s((1 - 2 code_j) u_j . h)

    Args:
      hidden: [D], h.
      nodes: [L, D], u_j, the vectors of the inner nodes from the root to the leaf.
      codes: [L] integers 0 or 1, the branch taken at each node.
      mask: [L] bool, true where the path has a node; the rest is padding and does
        not count, whatever finite values it holds.

    Returns:
      [], at least 0. The losses of all leaves of a tree are those of a normalised
      distribution: their exp(-loss) sum to 1.

    Source: Mikolov et al. 2013b, section 2.1; note 004, section 3. The probability
    of code 0 is s(u_j . h), as in word2vec.c (the paper leaves the choice open).
    """
    chex.assert_rank([hidden, nodes, codes, mask], [1, 2, 1, 1])
    chex.assert_equal_shape_suffix([hidden, nodes], 1)
    chex.assert_equal_shape_prefix([nodes, codes, mask], 1)
    sign = 1 - 2 * _cast(codes, hidden)
    return softplus(-sign * (nodes @ hidden)).sum(where=mask)


def cbow_hidden(context: Array, mask: Array) -> Array:
    """CBOW's hidden vector: the average of the context's input vectors.

        h = (1 / 2m) (v_o1 + ... + v_o2m)        2m = the unmasked slots

    Args:
      context: [C, D], one v_o a row.
      mask: [C] bool, true where the slot holds a word (windows are cut short at the
        ends of a sentence).

    Returns:
      [D]; zero where no slot is unmasked.

    Source: note 003, CBOW. word2vec.c computes the same but does not propagate the
    factor 1/2m to the context's vectors, see `w2v_jax.deviations`.
    """
    words = jnp.maximum(_cast(mask, context).sum(), 1)
    return cbow_hidden_sum(context, mask) / words


def cbow_hidden_sum(context: Array, mask: Array) -> Array:
    """CBOW's hidden vector in its sum variant: v_o1 + ... + v_o2m.

    Args:
      context: [C, D], one v_o a row.
      mask: [C] bool, true where the slot holds a word.

    Returns:
      [D]; zero where no slot is unmasked.

    Source: note 004, section 2c. word2vec.c has no such variant; gensim's
    cbow_mean=0 computes it, with another gradient.
    """
    chex.assert_rank([context, mask], [2, 1])
    chex.assert_equal_shape_prefix([context, mask], 1)
    return jnp.where(mask[:, None], context, 0).sum(axis=0)


def _cast(weights: ArrayLike, like: Array) -> Array:
    """Weights, codes or masks in the float type of the vectors they multiply."""
    return jnp.asarray(weights).astype(like.dtype)
