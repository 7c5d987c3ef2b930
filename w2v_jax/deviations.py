"""Where word2vec.c, gensim and fastText leave the gradient of their stated loss.

Each function here has the value of its exact counterpart and, by `jax.custom_vjp`,
another derivative, *not the gradient of any of our losses*. `RULES` gathers them by
implementation; `--gradient` chooses one for training.

                            word2vec.c       gensim           fastText
    CBOW's average          undivided error  undivided error  undivided error
    CBOW's sum              no such variant  divided error    no such variant
    large scores, NS        saturate at 6    skipped at 6     saturate at 8
    large scores, HS        skipped at 6     skipped at 6     saturate at 8
    noise equal to target   dropped          dropped          redrawn

`undivided` is the first row alone, the exact gradient elsewhere: SGD whose rate on the
input table is C times as large for an example of C context words.

Read in word2vec.c (TrainModelThread), gensim 4.4 (word2vec_inner.pyx) and fastText
(loss.cc, model.cc). Not imitated: their tables of s(x), off by at most 0.01; updates
pair after pair; the redrawing. Full softmax deviates in CBOW's average and sum alone.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from w2v_jax import losses

if TYPE_CHECKING:  # architectures take their averages from here
    from w2v_jax.architectures import Pairs

WORD2VEC_LIMIT = 6.0  # MAX_EXP
FASTTEXT_LIMIT = 8.0  # MAX_SIGMOID


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def saturated_softplus(x: Array, limit: float = WORD2VEC_LIMIT) -> Array:
    """softplus(x), whose derivative is 0 below -limit and 1 above the limit.

    Between them it is s(x), as it should be; the jump at the limit is s(-limit),
    0.0025 at 6. Scores beyond are pulled back at full strength, or no longer.

    Source: word2vec.c, negative sampling (6); fastText (8).
    """
    return losses.softplus(x)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def skipping_softplus(x: Array, limit: float = WORD2VEC_LIMIT) -> Array:
    """softplus(x), whose derivative is 0 wherever |x| >= limit.

    A term predicted badly enough is given up, where its gradient is largest: the
    slope drops from s(limit), 0.9975 at 6, to nothing.

    Source: word2vec.c, hierarchical softmax; gensim, both objectives.
    """
    return losses.softplus(x)


def _saturated_slope(x: Array, limit: float) -> Array:
    return jnp.where(x > limit, 1, jnp.where(x < -limit, 0, jax.nn.sigmoid(x)))


def _skipping_slope(x: Array, limit: float) -> Array:
    return jnp.where(jnp.abs(x) >= limit, 0, jax.nn.sigmoid(x))


def _with_slope(
    function: "jax.custom_vjp[Array]", slope: Callable[[Array, float], Array]
) -> None:
    """Gives softplus another derivative: slope(x, limit)."""

    def forward(x: Array, limit: float) -> tuple[Array, Array]:
        return losses.softplus(x), x

    def backward(limit: float, x: Array, cotangent: Array) -> tuple[Array]:
        return (slope(x, limit) * cotangent,)

    function.defvjp(forward, backward)


_with_slope(saturated_softplus, _saturated_slope)
_with_slope(skipping_softplus, _skipping_slope)


@jax.custom_vjp
def mismatched_product(forward: Array, backward: Array, rows: Array) -> Array:
    """forward . rows, whose derivative in the rows is that of backward . rows.

    Args:
      forward: [..., N, C], the matrix of the value.
      backward: [..., N, C], the one whose transpose carries the gradient; neither
        matrix receives a gradient itself.
      rows: [..., C, D].

    Returns:
      [..., N, D].
    """
    return forward @ rows


def _product_forward(
    forward: Array, backward: Array, rows: Array
) -> tuple[Array, Array]:
    return forward @ rows, backward


def _product_backward(backward: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    nothing = jnp.zeros_like(backward)
    return nothing, nothing, jnp.swapaxes(backward, -1, -2) @ cotangent


mismatched_product.defvjp(_product_forward, _product_backward)


def average_undivided(window: Array, rows: Array) -> Array:
    """CBOW's averages, each context vector receiving the whole error, not 1/2m of it.

    The step of the input table is thus 2m times the gradient's, which differs from
    a larger learning rate in that 2m varies from centre to centre.

    Args:
      window: [..., N, C] of ones and zeros, the context words of each centre.
      rows: [..., C, D], their input vectors.

    Returns:
      [..., N, D], as `losses.cbow_hidden` for each centre.

    Source: word2vec.c, gensim (cbow_mean=1) and fastText; note 003, CBOW, gradient
    has the factor 1/2m that they leave out.
    """
    return mismatched_product(window / _words(window), window, rows)


def sum_divided(window: Array, rows: Array) -> Array:
    """CBOW's sums, each context vector receiving 1/2m of its gradient.

    Args:
      window: [..., N, C] of ones and zeros.
      rows: [..., C, D].

    Returns:
      [..., N, D], as `losses.cbow_hidden_sum` for each centre.

    Source: gensim (cbow_mean=0).
    """
    return mismatched_product(window, window / _words(window), rows)


def _words(window: Array) -> Array:
    """2m of each centre, at least 1: [..., N, 1]."""
    return jnp.maximum(window.sum(axis=-1, keepdims=True), 1)


def noise_without_targets(pairs: "Pairs", targets: Array, noise: Array) -> Array:
    """How many pairs of each hidden vector each noise row counts for, targets dropped.

        n_is = sum_j M_ij [noise_s != target_j]

    in place of n_i = sum_j M_ij for every s.

    Args:
      pairs: M.
      targets: integers [B, J].
      noise: integers [B, S], the ids that each block shares.

    Returns:
      [B, N, S] in pairs.

    Source: word2vec.c and gensim, which skip such a draw and do not draw again: the
    target repels itself less, by (K / S) s(z) for each drop.
    """
    equal = (targets[:, :, None] == noise[:, None, :]).astype(pairs.weights.dtype)
    return pairs.per_hidden()[:, :, None] - pairs.spread(equal)


@jax.custom_vjp
def valued_as(exact: Array, followed: Array) -> Array:
    """The value of the first, the derivative of the second: runs report one loss."""
    return exact


valued_as.defvjp(
    lambda exact, followed: (exact, None),
    lambda _, cotangent: (jnp.zeros_like(cotangent), cotangent),
)


def noise_redrawn(probabilities: Array, target: ArrayLike) -> Array:
    """The noise distribution that redrawing amounts to: q_w / (1 - q_target), or 0.

    Args:
      probabilities: [V], q.
      target: [] integer.

    Returns:
      [V], summing to 1. This one is a loss of its own, not a false gradient.

    Source: fastText (NegativeSamplingLoss::getNegative).
    """
    is_target = jax.nn.one_hot(target, len(probabilities), dtype=bool)
    rest = jnp.where(is_target, 0, probabilities)
    return rest / rest.sum()


class GradientRule(NamedTuple):
    """What an implementation propagates in place of the gradient.

    Attributes:
      sampled: softplus in negative sampling.
      path: softplus in hierarchical softmax.
      average: (window [..., N, C], rows [..., C, D]) -> CBOW's averages [..., N, D].
      sum: the same for the sum variant.
      drops_targets: whether noise equal to the target gets no gradient.
    """

    sampled: Callable[[Array], Array]
    path: Callable[[Array], Array]
    average: Callable[[Array, Array], Array]
    sum: Callable[[Array, Array], Array]
    drops_targets: bool


def _average(window: Array, rows: Array) -> Array:
    return (window / _words(window)) @ rows


def _fasttext_softplus(x: Array) -> Array:
    return saturated_softplus(x, FASTTEXT_LIMIT)


RULES = {
    "exact": GradientRule(
        losses.softplus, losses.softplus, _average, jnp.matmul, False
    ),
    "undivided": GradientRule(
        losses.softplus, losses.softplus, average_undivided, jnp.matmul, False
    ),
    "word2vec_c": GradientRule(
        saturated_softplus, skipping_softplus, average_undivided, jnp.matmul, True
    ),
    "gensim": GradientRule(
        skipping_softplus, skipping_softplus, average_undivided, sum_divided, True
    ),
    "fasttext": GradientRule(
        _fasttext_softplus, _fasttext_softplus, average_undivided, jnp.matmul, False
    ),
}


def negative_sampling_loss(
    hidden: Array,
    positive: Array,
    negatives: Array,
    is_target: Array,
    noise_weight: ArrayLike = 1.0,
    rule: GradientRule = RULES["word2vec_c"],
) -> Array:
    """One pair of negative sampling, differentiated by the rule of an implementation.

    The value is that of `losses.negative_sampling_loss`, whatever the rule.

    Args:
      hidden: [D]; positive: [D]; negatives: [K, D]; noise_weight: [], as for
        `losses.negative_sampling_loss`.
      is_target: [K] bool, true for noise words that are the word observed; they get
        their gradient unless the rule drops them.
      rule: of `RULES`.

    Returns:
      [], in nats.
    """
    weight = jnp.asarray(noise_weight).astype(hidden.dtype)
    terms = rule.sampled(negatives @ hidden)
    noise = terms.sum()
    if rule.drops_targets:
        noise = valued_as(noise, terms.sum(where=~is_target))
    return rule.sampled(-(positive @ hidden)) + weight * noise


def hierarchical_softmax_loss(
    hidden: Array,
    nodes: Array,
    codes: Array,
    mask: Array,
    rule: GradientRule = RULES["word2vec_c"],
) -> Array:
    """One path, differentiated by the rule of an implementation.

    Args:
      hidden: [D]; nodes: [L, D]; codes: [L]; mask: [L] bool, as for
        `losses.hierarchical_softmax_loss`, whose value [] in nats it has.
      rule: of `RULES`.
    """
    sign = 1 - 2 * codes.astype(hidden.dtype)
    return rule.path(-sign * (nodes @ hidden)).sum(where=mask)
