"""A second opinion: the losses and their gradients in NumPy float64, one at a time.

Nothing here comes from the library. Loops and scalars instead of matrix products,
probabilities instead of residuals, logarithms of probabilities that are computed as
such: slow, plain, and wrong in other places if it is wrong.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def log_logistic(x: float) -> float:
    """log(1 / (1 + exp(-x))); whichever exponential does not overflow."""
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def logistic(x: float) -> float:
    return math.exp(log_logistic(x))


def log_probabilities(scores: ArrayLike) -> Floats:
    """log softmax, every sum exact to the last bit (fsum)."""
    z = np.asarray(scores, np.float64)
    top = max(z)
    return z - (top + math.log(math.fsum(math.exp(x - top) for x in z)))


def softmax_loss(hidden: Floats, output_vectors: Floats, target: int) -> float:
    scores = [math.fsum(u * hidden) for u in output_vectors]
    return float(-log_probabilities(scores)[target])


def softmax_gradient(
    hidden: Floats, output_vectors: Floats, target: int
) -> tuple[Floats, Floats]:
    p = np.exp(log_probabilities([math.fsum(u * hidden) for u in output_vectors]))
    in_hidden, in_output = np.zeros_like(hidden), np.zeros_like(output_vectors)
    for word, u in enumerate(output_vectors):
        if word != target:
            in_hidden += p[word] * (u - output_vectors[target])
            in_output[word] = p[word] * hidden
            in_output[target] -= p[word] * hidden
    return in_hidden, in_output


def negative_sampling_loss(
    hidden: Floats, positive: Floats, negatives: Floats, noise_weight: float = 1.0
) -> float:
    loss = -log_logistic(math.fsum(positive * hidden))
    for u in negatives:
        loss -= noise_weight * log_logistic(-math.fsum(u * hidden))
    return loss


def negative_sampling_gradient(
    hidden: Floats, positive: Floats, negatives: Floats, noise_weight: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    wrong = logistic(-math.fsum(positive * hidden))  # probability of being noise
    in_hidden, in_positive = -wrong * positive, -wrong * hidden
    in_negatives = np.zeros_like(negatives)
    for k, u in enumerate(negatives):
        believed = noise_weight * logistic(math.fsum(u * hidden))
        in_hidden = in_hidden + believed * u
        in_negatives[k] = believed * hidden
    return in_hidden, in_positive, in_negatives


def hierarchical_softmax_loss(
    hidden: Floats, nodes: Floats, codes: Sequence[int], mask: Sequence[bool]
) -> float:
    loss = 0.0
    for u, code, real in zip(nodes, codes, mask, strict=True):
        if real:
            score = math.fsum(u * hidden)
            loss -= log_logistic(score if code == 0 else -score)
    return loss


def hierarchical_softmax_gradient(
    hidden: Floats, nodes: Floats, codes: Sequence[int], mask: Sequence[bool]
) -> tuple[Floats, Floats]:
    in_hidden, in_nodes = np.zeros_like(hidden), np.zeros_like(nodes)
    for j, (u, code, real) in enumerate(zip(nodes, codes, mask, strict=True)):
        if real:
            score = math.fsum(u * hidden)
            pull = -logistic(-score) if code == 0 else logistic(score)
            in_hidden += pull * u
            in_nodes[j] = pull * hidden
    return in_hidden, in_nodes


def cbow_hidden(context: Floats, mask: Sequence[bool], average: bool = True) -> Floats:
    words = [v for v, real in zip(context, mask, strict=True) if real]
    total = sum(words, np.zeros(context.shape[1]))
    return total / len(words) if average and words else total


def cbow_gradient(
    context: Floats, mask: Sequence[bool], cotangent: Floats, average: bool = True
) -> Floats:
    share = 1 / max(sum(mask), 1) if average else 1.0
    return np.array([share * cotangent if real else 0 * cotangent for real in mask])


def differences(
    function: Callable[[Floats], float], at: Floats, step: float = 1e-2
) -> Floats:
    """Central differences in every coordinate, extrapolated to the sixth order.

    The error is about step^6 f^(7) / 140 from the series and 1e-16 |f| / step from
    rounding.
    """
    gradient = np.zeros_like(at)
    for place in itertools.product(*(range(n) for n in at.shape)):

        def slope(width: float, place: tuple[int, ...] = place) -> float:
            shift = np.zeros_like(at)
            shift[place] = width
            return (function(at + shift) - function(at - shift)) / (2 * width)

        gradient[place] = (
            15 * slope(step) - 6 * slope(2 * step) + slope(3 * step)
        ) / 10
    return gradient


def skipgram_pairs(sentence: Sequence[str], window: int) -> list[tuple[str, str]]:
    """(centre, context) at a fixed window, in reading order."""
    return [
        (centre, sentence[j])
        for i, centre in enumerate(sentence)
        for j in range(max(0, i - window), min(len(sentence), i + window + 1))
        if i != j
    ]
