"""Stability: do two trainings find the same nearest words?

    overlap of a word = |its k nearest words in A  and  its k nearest words in B| / k

Averaged over words sampled from each band of frequency. Two files are searched within
the words that both hold; by chance alone the overlap is k / V. (Wendlandt et al. 2018,
"Factors influencing the surprising instability of word embeddings", with k = 10.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics
from w2v_jax.evaluation.bands import bands
from w2v_jax.vectors import Vectors

NEAREST = 10
SAMPLED = 1_000  # words of each band
_AT_ONCE = 1_024  # words searched together
Ints = NDArray[np.int32]


def common(tables: Sequence[Vectors]) -> list[Vectors]:
    """The tables cut down to the words that all hold, in the order of the first.

    Raises:
      ValueError: fewer than two tables, or fewer than two words in common.
    """
    if len(tables) < 2:
        raise ValueError("stability needs at least two tables of vectors")
    shared = set(tables[0].words).intersection(*(table.words for table in tables[1:]))
    words = [word for word in tables[0].words if word in shared]
    if len(words) < 2:
        raise ValueError(f"the tables have {len(words)} words in common; needs two")
    return [Vectors(words, t.matrix[[t.row(w) for w in words]]) for t in tables]


def overlaps(a: Vectors, b: Vectors, rows: Ints, k: int = NEAREST) -> NDArray[Any]:
    """Overlap [N] of the k nearest words of each row [N], from 0 to 1.

    Args:
      a, b: vectors of the same words in the same order.
      rows: the words asked about.
      k: at most the number of other words.

    Raises:
      ValueError: other words, or k out of range.
    """
    if a.words != b.words:
        raise ValueError("the tables hold different words; see `common`")
    if not 1 <= k < len(a):
        raise ValueError(f"k={k}: must be at least 1 and below the {len(a)} words")
    found = np.zeros(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        near = [t.search(t.matrix[part], part[:, None], k)[1] for t in (a, b)]
        same = near[0][:, :, None] == near[1][:, None, :]
        found[start : start + _AT_ONCE] = same.any(axis=2).sum(axis=1) / k
    return found


def by_band(
    tables: Sequence[Vectors],
    counts: NDArray[np.int64] | None = None,
    k: int = NEAREST,
    sampled: int = SAMPLED,
) -> dict[str, dict[str, Any]]:
    """Mean overlap over all pairs of tables, by frequency band.

    Args:
      tables: of `common`.
      counts: [V] occurrences of the words; None: bands of rank.
      k: nearest words.
      sampled: at most so many words of a band, drawn with a fixed seed.

    Returns:
      {band: {"overlap", "interval", "words", "chance"}}; the interval is a bootstrap
      over words.
    """
    rng = np.random.default_rng(statistics.SEED)
    everything = np.arange(len(tables[0]), dtype=np.int32)
    report = {}
    for name, inside in bands(everything, counts).items():
        rows = everything[inside]
        if len(rows) > sampled:
            rows = np.sort(rng.choice(rows, sampled, replace=False))
        pairs = [(a, b) for i, a in enumerate(tables) for b in tables[i + 1 :]]
        each = np.mean([overlaps(a, b, rows, k) for a, b in pairs], axis=0)
        draws = each[statistics.resamples(len(each))].mean(axis=1)
        report[name] = {
            "overlap": float(each.mean()),
            "interval": statistics.percentiles(draws),
            "words": len(rows),
            "chance": k / (len(everything) - 1),
        }
    return report
