"""Words of an evaluation set to rows of the vectors, with case folded as gensim does.

gensim compares words by their upper-case form; of several spellings in the vocabulary
the first, which is the most frequent, lends its vector.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

MISSING = -1


class Lookup:
    """Rows by folded word.

    Args:
      words: the vocabulary, most frequent first.
      restrict: only the first so many words count; 0: all.
      fold_case: compare upper-case forms.
    """

    def __init__(
        self, words: Sequence[str], restrict: int = 0, fold_case: bool = True
    ) -> None:
        self.fold_case = fold_case
        self._rows: dict[str, list[int]] = {}
        for row, word in enumerate(words[: restrict or None]):
            self._rows.setdefault(self.folded(word), []).append(row)
        self.spellings = max(map(len, self._rows.values()), default=1)

    def folded(self, word: str) -> str:
        """The form in which words are compared."""
        return word.upper() if self.fold_case else word

    def row(self, word: str) -> int:
        """The row that lends its vector, or MISSING."""
        return self._rows.get(self.folded(word), [MISSING])[0]

    def rows(self, words: Iterable[Iterable[str]], size: int) -> NDArray[np.int32]:
        """Rows [N, size] of N groups of so many words; MISSING where unknown."""
        table = [[self.row(word) for word in group] for group in words]
        return np.asarray(table, np.int32).reshape(-1, size)

    def known_rows(self, words: Iterable[str]) -> list[int]:
        """The rows of those words that are known, in order."""
        return [row for row in map(self.row, words) if row != MISSING]

    def all_spellings(self, words: Sequence[str]) -> list[int]:
        """Every row of every spelling of the words, filled up with MISSING.

        The length is the same for the same number of words.
        """
        found = [row for word in words for row in self._rows[self.folded(word)]]
        return found + [MISSING] * (len(words) * self.spellings - len(found))
