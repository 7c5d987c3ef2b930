"""Word similarity: do cosines rank pairs of words as people do?"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics
from w2v_jax.evaluation.lookup import Lookup
from w2v_jax.evaluation.readers import Pair
from w2v_jax.vectors import Vectors


@dataclasses.dataclass(frozen=True)
class SimilarityResult:
    """The scores of every pair of a set, in its order.

    Attributes:
      human: [N] what people said, on the set's own scale.
      cosine: [N] cosines; 0 where a word is missing.
      known: [N] bool, whether both words have vectors.
    """

    human: NDArray[np.float64]
    cosine: NDArray[np.float64]
    known: NDArray[np.bool_]

    def to_dict(self) -> dict[str, Any]:
        """The numbers of a report; correlations are None where they do not exist.

        `spearman` and `pearson` leave pairs with a missing word out; the
        `_missing_as_zero` ones give such pairs cosine 0 (gensim's dummy4unknown).
        `pairs` counts the pairs used, `out_of_vocabulary` those left out.
        """
        human, cosine = self.human[self.known], self.cosine[self.known]
        return {
            "spearman": _number(statistics.spearman, human, cosine),
            "interval": statistics.correlation_interval(human, cosine),
            "pearson": _number(statistics.pearson, human, cosine),
            "pairs": int(self.known.sum()),
            "out_of_vocabulary": int((~self.known).sum()),
            "coverage": float(self.known.mean()),
            "spearman_missing_as_zero": _number(
                statistics.spearman, self.human, self.cosine
            ),
            "pearson_missing_as_zero": _number(
                statistics.pearson, self.human, self.cosine
            ),
        }


def evaluate(
    vectors: Vectors, pairs: Sequence[Pair], restrict: int = 0, fold_case: bool = True
) -> SimilarityResult:
    """Cosines of the pairs; see `Lookup` for what a word of the set stands for.

    Args:
      vectors: the vectors to judge.
      pairs: what people said.
      restrict: words beyond the first so many count as missing; 0: none.
      fold_case: compare upper-case forms, as gensim does.
    """
    lookup = Lookup(vectors.words, restrict, fold_case)
    rows = lookup.rows((pair[:2] for pair in pairs), 2)
    known = np.asarray((rows >= 0).all(axis=1))
    cosine = np.zeros(len(pairs))
    cosine[known] = vectors.similarities(rows[known])
    return SimilarityResult(np.array([p.score for p in pairs]), cosine, known)


def _number(statistic: Any, x: Any, y: Any) -> float | None:
    value = float(statistic(x, y)) if len(x) > 1 else np.nan
    return None if np.isnan(value) else value
