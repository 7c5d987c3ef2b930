"""The rules of `w2v_jax.deviations` as numbers that the native step takes."""

from typing import Any

import numpy as np

from w2v_jax.config import ResolvedConfig
from w2v_jax.deviations import FASTTEXT_LIMIT, RULES, WORD2VEC_LIMIT

EXACT, SATURATES, SKIPS = range(3)  # as in block.h
# What becomes of large scores: in negative sampling, on a path.
_SCORES: dict[str, tuple[tuple[int, float], tuple[int, float]]] = {
    "exact": ((EXACT, 0.0), (EXACT, 0.0)),
    "undivided": ((EXACT, 0.0), (EXACT, 0.0)),
    "word2vec_c": ((SATURATES, WORD2VEC_LIMIT), (SKIPS, WORD2VEC_LIMIT)),
    "gensim": ((SKIPS, WORD2VEC_LIMIT), (SKIPS, WORD2VEC_LIMIT)),
    "fasttext": ((SATURATES, FASTTEXT_LIMIT), (SATURATES, FASTTEXT_LIMIT)),
}


def attributes(config: ResolvedConfig) -> dict[str, Any]:
    """The attributes of the call that say which rule its steps follow.

    Returns:
      beyond and limit: what becomes of scores at the limit and beyond.
      divides: whether each context word of CBOW gets 1 / C of the error.
      drops_targets: whether noise that is the target is left out.
    """
    sampled, path = _SCORES[config.gradient]
    on_paths = config.objective == "hierarchical_softmax"
    beyond, limit = path if on_paths else sampled
    is_average = config.cbow_hidden == "average"
    divides = config.gradient == ("exact" if is_average else "gensim")
    return {
        "beyond": np.int64(beyond),
        "limit": np.float32(limit),
        "divides": np.bool_(divides),
        "drops_targets": np.bool_(RULES[config.gradient].drops_targets),
    }
