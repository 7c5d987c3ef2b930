"""Layer c, continued: identities of expectations, by exact summation.

For small vocabularies an expectation over noise words or over targets is a finite
sum, so what sampling approximates can be written out and compared to all digits.
"""

import itertools

import jax
import numpy as np

from w2v_jax.verification.comparison import (
    Comparison,
    Floats,
    error_map,
    in_float64,
    largest,
)
from w2v_jax.verification.identities import TOLERANCE
from w2v_jax.verification.spec import LossSpec


def _comparison(
    spec: LossSpec, quantity: str, found: Floats, expected: Floats, scale: float
) -> Comparison:
    errors = error_map(found, expected, scale)
    return Comparison(
        layer="identities",
        loss=spec.label,
        check="expectation by exact summation",
        quantity=quantity,
        inputs="ordinary",
        error=largest(errors),
        tolerance=TOLERANCE,
        map=errors,
    )


def _logistic(scores: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -scores)))


@in_float64
def negative_sampling(spec: LossSpec, rng: np.random.Generator) -> list[Comparison]:
    """The gradient of negative sampling, averaged over every draw of noise words.

    With K words drawn from q, all V^K draws weighted by their probabilities,

        E[dL/dh] = (s(z_o) - 1) u_o + K sum_w q_w s(z_w) u_w

    and the same where S shared rows stand for K, each with weight K/S. Averaged over
    targets from p it is sum_w (K q_w s(z_w) - p_w s(-z_w)) u_w, which vanishes where
    z_w = log p_w / (K q_w), the shifted PMI (Levy and Goldberg 2014).

    Args:
      spec: a skip-gram spec with the arguments of negative sampling.
      rng: consumed.
    """
    V, D, K, S = 4, 3, 2, 3
    q, p = rng.dirichlet(np.ones(V)), rng.dirichlet(np.ones(V))
    hidden, output = rng.standard_normal(D), rng.standard_normal((V, D))

    gradient = jax.jit(jax.vmap(jax.grad(spec.loss), (None, None, 0, None)))

    def average(target: int, draws: int, weight: float) -> Floats:
        """The exact mean of dL/dh over all draws of so many noise words."""
        words = np.array(list(itertools.product(range(V), repeat=draws)))
        chances = q[words].prod(axis=1)
        each = gradient(hidden, output[target], output[words], weight)
        return np.asarray(chances @ np.asarray(each))

    scores = output @ hidden
    repelled = K * (q * _logistic(scores)) @ output
    expected = repelled - _logistic(-scores[0]) * output[0]
    made = [
        _comparison(spec, name, average(0, n, weight), expected, largest(output))
        for name, n, weight in (
            ("K fresh noise words", K, 1.0),
            ("S shared noise words of weight K/S", S, K / S),
        )
    ]
    total = sum(p[o] * average(o, K, 1.0) for o in range(V))
    drift = repelled - (p * _logistic(-scores)) @ output
    made.append(_comparison(spec, "over targets", total, drift, largest(output)))
    # Output vectors e_w make the score of each word free: h is the shifted PMI.
    output, hidden = np.eye(V), np.log(p / (K * q))
    total = sum(p[o] * average(o, K, 1.0) for o in range(V))
    made.append(_comparison(spec, "zero at log p/(Kq)", total, np.zeros(V), 1.0))
    return made


@in_float64
def softmax(spec: LossSpec, rng: np.random.Generator) -> list[Comparison]:
    """The expected gradient under the model's own distribution is zero.

    sum_o p_o dL_o/dh = E[u] - E[u]; and the probabilities exp(-L_o) sum to 1.
    """
    V, D = 6, 3
    hidden, output = rng.standard_normal(D), rng.standard_normal((V, D))
    value = jax.jit(jax.vmap(jax.value_and_grad(spec.loss), (None, None, 0)))
    losses, each = value(hidden, output, np.arange(V))
    return _score_function(spec, np.asarray(losses), np.asarray(each), largest(output))


@in_float64
def hierarchical_softmax(spec: LossSpec, rng: np.random.Generator) -> list[Comparison]:
    """The same over the leaves of a tree: 0, 10, 110 and 111."""
    D = 3
    hidden, nodes = rng.standard_normal(D), rng.standard_normal((3, D))
    codes = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], np.int32)
    mask = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]], bool)
    value = jax.jit(jax.vmap(jax.value_and_grad(spec.loss), (None, None, 0, 0)))
    losses, each = value(hidden, nodes, codes, mask)
    return _score_function(spec, np.asarray(losses), np.asarray(each), largest(nodes))


def _score_function(
    spec: LossSpec, losses: Floats, gradients: Floats, scale: float
) -> list[Comparison]:
    p = np.exp(-losses)
    zero = np.zeros(gradients.shape[-1])
    return [
        _comparison(spec, "probabilities sum to 1", p.sum(), np.ones(()), 1.0),
        _comparison(spec, "expected gradient is 0", p @ gradients, zero, scale),
    ]


EXPECTATIONS = {
    "softmax": softmax,
    "negative_sampling": negative_sampling,
    "hierarchical_softmax": hierarchical_softmax,
}
