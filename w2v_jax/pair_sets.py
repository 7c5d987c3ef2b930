"""Analogies from a whole set of pairs: 3CosAvg and LRCos.

One pair shows a relation badly; fifty show it well. For pairs (a_i, b_i) and a word c:

    3CosAvg   the word of highest cosine with c + mean(b_i) - mean(a_i)
    LRCos     the word of highest P(word is a b) cosine(word, c), P from a logistic
              regression that tells the b_i from the a_i and from random words

Drozd, Gladkova and Matsuoka 2016, "Word embeddings, analogies, and machine learning:
beyond king - man + woman = queen", section 3. All vectors are taken at length one.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
METHODS = ("3cosavg", "lrcos")
PENALTY = 1.0  # of |w|^2 / 2 against the summed log loss
NEWTON_STEPS = 20  # the loss is convex; it settles in about eight
SEED = 2016


def average_queries(
    words: Matrix, sources: Matrix, targets: Matrix, kept: Matrix
) -> Matrix:
    """3CosAvg's query [B, D] for each word: the word plus the mean offset.

    Args:
      words: [B, D] unit vectors of the words asked about.
      sources: [P, D] unit vectors of the a_i.
      targets: [P, D] unit vectors of the b_i.
      kept: [B, P], 1 for the pairs that a word's answer may rest on, at least one.
    """
    offsets = kept @ (targets - sources) / kept.sum(axis=1, keepdims=True)
    queries: Matrix = words + offsets
    return queries


def classifier_queries(
    words: Matrix, sources: Matrix, targets: Matrix, random: Matrix, kept: Matrix
) -> Matrix:
    """LRCos's queries [3, B, D] for `search.class_times_cosine`, arguments as above.

    One regression for each word, over the pairs it keeps.

    Args:
      random: [R, D] unit vectors of words drawn from the vocabulary.
    """
    examples = np.concatenate([targets, sources, random])
    labels = np.zeros(len(examples), np.float32)
    labels[: len(targets)] = 1
    drawn = np.ones((len(words), len(random)), np.float32)
    weights = np.concatenate([kept, kept, drawn], axis=1)
    fitted = np.asarray(_fit_all(examples, labels, weights))
    bias = np.broadcast_to(fitted[:, :1], words.shape)
    return np.stack([words, fitted[:, 1:], bias])


@jax.jit
def _fit_all(examples: Array, labels: Array, kept: Array) -> Array:
    return jax.lax.map(partial(fit_classifier, examples, labels), kept)


def fit_classifier(examples: Array, labels: Array, kept: Array) -> Array:
    """Bias and weights [1 + D] of a logistic regression, by Newton's method.

    Minimises PENALTY |w|^2 / 2 + sum_n c_n log loss_n over the examples kept; c_n
    gives both classes the same total weight. The bias is not penalised.

    Args:
      examples: [N, D].
      labels: [N], 1 or 0.
      kept: [N], 1 or 0.
    """
    count = kept.sum()
    ones = (kept * labels).sum()
    balance = jnp.where(labels > 0, count / (2 * ones), count / (2 * (count - ones)))
    weight = kept * balance
    design = jnp.concatenate([jnp.ones_like(examples[:, :1]), examples], axis=1)
    penalty = jnp.full(design.shape[1], PENALTY).at[0].set(1e-6)

    def step(_: Array, w: Array) -> Array:
        chance = jax.nn.sigmoid(jnp.matmul(design, w, precision="highest"))
        gradient = (weight * (chance - labels)) @ design + penalty * w
        curvature = (weight * chance * (1 - chance))[:, None] * design
        hessian = jnp.matmul(design.T, curvature, precision="highest")
        return w - jnp.linalg.solve(hessian + jnp.diag(penalty), gradient)

    return jax.lax.fori_loop(0, NEWTON_STEPS, step, jnp.zeros(design.shape[1]))


def queries(
    method: str,
    words: Matrix,
    sources: Matrix,
    targets: Matrix,
    kept: Matrix,
    vocabulary: Matrix,
) -> tuple[Matrix, str]:
    """Queries for B words, and the score of `search.SCORES` that they are for.

    Args:
      method: "3cosavg" or "lrcos".
      words, sources, targets, kept: see `average_queries`.
      vocabulary: [V, D], where random words are drawn from, as many as pairs.

    Raises:
      ValueError: an unknown method.
    """
    from w2v_jax import search

    if method not in METHODS:
        raise ValueError(f"method={method}: must be one of {', '.join(METHODS)}.")
    if method == "3cosavg":
        return average_queries(words, sources, targets, kept), "cosine"
    rows = np.random.default_rng(SEED).integers(len(vocabulary), size=len(sources))
    random = search.unit(np.asarray(vocabulary[rows]))
    return classifier_queries(words, sources, targets, random, kept), "lrcos"
