"""What word2vec.c, gensim and fastText propagate, pair by pair in NumPy float64.

Written from their sources and with nothing of the library: where a score is beyond a
limit, whether CBOW's error is divided, whether noise equal to the target is dropped.
All pairs are taken at the same old tables, as the block form does.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tests.oracle import Floats, log_probabilities, logistic

Residuals = list[tuple[int, float]]  # (output row, p - y), times the weight
Example = tuple[Sequence[int], Callable[[Floats, Floats], Residuals]]


class Rule(NamedTuple):
    """One implementation: (what happens beyond a limit, the limit) for both losses."""

    sampled: tuple[str, float]
    path: tuple[str, float]
    divides_average: bool
    divides_sum: bool
    drops: bool


EXACT = ("keep", math.inf)
RULES = {
    "exact": Rule(EXACT, EXACT, True, False, False),
    "undivided": Rule(EXACT, EXACT, False, False, False),
    "word2vec_c": Rule(("saturate", 6), ("skip", 6), False, False, True),
    "gensim": Rule(("skip", 6), ("skip", 6), False, True, True),
    "fasttext": Rule(("saturate", 8), ("saturate", 8), False, False, False),
}


def residual(score: float, label: int, beyond: tuple[str, float]) -> float:
    """p - y as an implementation computes it from one score."""
    kind, limit = beyond
    if kind == "skip" and abs(score) >= limit:
        return 0.0
    if kind == "saturate" and abs(score) > limit:
        return (1.0 if score > 0 else 0.0) - label
    return logistic(score) - label


def sampled(
    rule: Rule, target: int, noise: Sequence[int], weight: float
) -> Callable[[Floats, Floats], Residuals]:
    """Residuals of one pair of negative sampling, given h and the output table."""

    def of(hidden: Floats, outputs: Floats) -> Residuals:
        found = [(target, residual(outputs[target] @ hidden, 1, rule.sampled))]
        for word in noise:
            if not (rule.drops and word == target):
                score = outputs[word] @ hidden
                found.append((word, weight * residual(score, 0, rule.sampled)))
        return found

    return of


def on_path(
    rule: Rule, nodes: Sequence[int], codes: Sequence[int]
) -> Callable[[Floats, Floats], Residuals]:
    """Residuals along one path; code 0 has probability s(z)."""

    def of(hidden: Floats, outputs: Floats) -> Residuals:
        return [
            (node, residual(outputs[node] @ hidden, 1 - code, rule.path))
            for node, code in zip(nodes, codes, strict=True)
        ]

    return of


def softmax(target: int) -> Callable[[Floats, Floats], Residuals]:
    """Residuals of the full softmax, the same under every rule."""

    def of(hidden: Floats, outputs: Floats) -> Residuals:
        p = np.exp(log_probabilities(outputs @ hidden))
        return [(word, p[word] - (word == target)) for word in range(len(outputs))]

    return of


def propagated(
    rule: Rule, combine: str, tables: dict[str, Floats], examples: Iterable[Example]
) -> dict[str, Floats]:
    """What the rule propagates to both tables, summed over the examples.

    Args:
      rule: of `RULES`.
      combine: average or sum of the input rows; for skip-gram there is one.
      tables: input and output.
      examples: (input rows, residuals given h and the output table).
    """
    inputs, outputs = tables["input"], tables["output"]
    moved = {name: np.zeros_like(table) for name, table in tables.items()}
    divides = rule.divides_average if combine == "average" else rule.divides_sum
    for slots, residuals in examples:
        rows = inputs[list(slots)]
        hidden = rows.mean(0) if combine == "average" else rows.sum(0)
        error = np.zeros_like(hidden)
        for row, slope in residuals(hidden, outputs):
            error += slope * outputs[row]
            moved["output"][row] += slope * hidden
        for slot in slots:
            moved["input"][slot] += error / len(slots) if divides else error
    return moved
