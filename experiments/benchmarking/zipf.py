"""Text of any vocabulary size: words drawn at random by Zipf's law.

    count of the word of rank r  =  FEWEST V / r,  to the next whole number

so that the rarest word occurs FEWEST times, the smallest number the default
--min_count keeps, and everything but V stays alike. No text of a language has exactly
10,000 and exactly 400,000 words; what a step costs depends on ids alone.
"""

import numpy as np
import numpy.typing as npt

from w2v_jax.vocabulary import Vocabulary

FEWEST = 5


def vocabulary(size: int) -> Vocabulary:
    """V words whose counts follow Zipf's law.

    Raises:
      ValueError: fewer than two words.
    """
    if size < 2:
        raise ValueError(f"vocabulary={size}: must be at least 2.")
    ranks = np.arange(1, size + 1)
    counts = -(-FEWEST * size // ranks)
    return Vocabulary(tuple(f"w{rank}" for rank in ranks.tolist()), counts)


def text(words: Vocabulary, length: int, seed: int = 0) -> npt.NDArray[np.int32]:
    """int32 [length] ids, each drawn by the counts, on its own; no sentence ends."""
    edges = np.cumsum(words.counts)
    drawn = np.random.default_rng(seed).integers(0, edges[-1], length)
    return np.searchsorted(edges, drawn, side="right").astype(np.int32)
