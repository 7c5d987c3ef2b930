"""How often words occurred, from the vocabulary.tsv of a run directory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from w2v_jax.formats.checks import shown


def counts_beside(path: Path, words: Sequence[str]) -> NDArray[np.int64] | None:
    """Occurrences [V] of the words of a vector file, from vocabulary.tsv beside it.

    None where there is no such file, or it is that of another vocabulary.

    Raises:
      ValueError: naming the line that is not a word, a tab and a count.
    """
    beside = path.parent / "vocabulary.tsv"
    if not beside.is_file():
        return None
    counts = read_counts(beside)
    found = [counts.get(word) for word in words]
    if any(count is None for count in found):
        return None
    return np.array(found, np.int64)


def read_counts(path: Path) -> dict[str, int]:
    """Words and counts of a file of lines 'word TAB count'."""
    counts: dict[str, int] = {}
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            word, _, count = raw.rstrip(b"\r\n").rpartition(b"\t")
            if not word or not count.isdigit() or len(count) > 18:
                raise ValueError(
                    f"{path}: line {number}: expected a word, a tab and a count, not "
                    f"{shown(raw)}"
                )
            try:
                counts[word.decode()] = int(count)
            except UnicodeDecodeError:
                raise ValueError(
                    f"{path}: line {number}: the word is not UTF-8"
                ) from None
    return counts
