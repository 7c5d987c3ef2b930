"""Words and their vectors: nearest words, similarity, analogies.

    vectors = Vectors.load("runs/demo/vectors.bin")
    vectors.nearest("france", 10)                  # [(word, cosine), ...]
    vectors.analogy("man", "king", "woman", 10)    # man is to king as woman is to ?

Cosines, orders and answers equal those of gensim's KeyedVectors on the same vectors,
to the rounding of float32.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from w2v_jax import formats

Matrix = NDArray[np.float32]
METHODS = ("3cosadd", "3cosmul")
KEPT_BYTES = 1 << 30  # a matrix up to this size stays on the device between queries
_SEARCHED = 50_000  # words looked through for "did you mean"


class UnknownWordError(ValueError, KeyError):
    """A word that has no vector."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the repr


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Vectors:
    """Words and one vector for each; immutable.

    Attributes:
      words: V distinct words, by custom the most frequent first.
      matrix: [V, D] float32, read-only, every value finite.

    Raises:
      ValueError: no words, a word twice, shapes that do not fit, or a value that is
        not finite; the message names the first such word.
    """

    words: tuple[str, ...]
    matrix: Matrix

    def __init__(self, words: Iterable[str], matrix: ArrayLike) -> None:
        words = tuple(words)
        array = np.asarray(matrix, dtype=np.float32)
        if array.flags.writeable:
            array = array.copy()  # whoever holds the original may go on writing to it
            array.flags.writeable = False
        formats.check(words, array)
        self._hold(words, array)

    def _hold(self, words: tuple[str, ...], matrix: Matrix) -> None:
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Self:
        """Reads vectors; the suffix tells the format, see `w2v_jax.formats.read`.

        A large .safetensors or .npz file is memory-mapped, not read.

        Raises:
          ValueError: beginning with the path, then the line or byte and the remedy.
        """
        words, matrix = formats.read(path, **options)  # checked there, with the path
        vectors = cls.__new__(cls)
        vectors._hold(tuple(words), matrix)
        return vectors

    def save(self, path: str | Path, **options: Any) -> None:
        """Writes vectors, bit for bit; the suffix tells the format.

        Raises:
          ValueError: an unknown suffix, or a word the format cannot hold.
        """
        formats.write(path, self.words, self.matrix, **options)

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} words, dim={self.dim})"

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.rows

    def __getitem__(self, word: str) -> Matrix:
        """The vector [D] of a word; raises UnknownWordError."""
        vector: Matrix = self.matrix[self.row(word)]
        return vector

    @property
    def dim(self) -> int:
        """The vector size D."""
        return int(self.matrix.shape[1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    def row(self, word: str) -> int:
        """The row of a word; raises UnknownWordError with the likeliest known word."""
        try:
            return self.rows[word]
        except KeyError:
            raise UnknownWordError(
                f"{word}: not among the {len(self):,} words.{self._hint(word)}"
            ) from None

    def _hint(self, word: str) -> str:
        folded = word.casefold()
        known: dict[str, str] = {}
        for other in self.words[:_SEARCHED]:
            if abs(len(other) - len(word)) <= 2:
                known.setdefault(other.casefold(), other)
        near = difflib.get_close_matches(folded, known, n=1)
        return f" Did you mean {known[near[0]]}?" if near else ""

    def restricted(self, count: int) -> "Vectors":
        """The first `count` words; 0 or more than there are: all of them."""
        if not 0 < count < len(self):
            return self
        part = self.matrix[:count]
        part.flags.writeable = False
        return Vectors(self.words[:count], part)

    @cached_property
    def _slabs(self) -> Any:
        from w2v_jax import search  # jax starts only when something is searched for

        if self.matrix.nbytes <= KEPT_BYTES:
            return list(search.slabs(self.matrix))
        return None

    def search(
        self, queries: Matrix, excluded: ArrayLike, k: int, method: str = "cosine"
    ) -> tuple[Matrix, NDArray[np.int32]]:
        """Scores and rows [B, k] for many queries at once, best first.

        Args:
          queries: [B, D] of any length, or what the method's score takes.
          excluded: [B, X] rows that are never an answer; -1 fills up.
          k: answers wanted; fewer come back when there are fewer words.
          method: one of `search.SCORES`: "cosine", "3cosmul", "lrcos".
        """
        from w2v_jax import search

        score = search.SCORES[method]
        parts = self._slabs or search.slabs(self.matrix)
        barred = np.asarray(excluded, np.int32)
        wanted = min(k, len(self))
        # k is rounded up, so that few programs are compiled
        rounded = min(1 << (wanted - 1).bit_length(), len(self))
        found = search.best_rows(parts, queries, barred, rounded, score)
        return found[0][:, :wanted], found[1][:, :wanted]

    def similarity(self, a: str, b: str) -> float:
        """Cosine of two words, in [-1, 1]; 0 if one of them is the zero vector."""
        return float(self.similarities([(self.row(a), self.row(b))])[0])

    def similarities(self, rows: ArrayLike) -> Matrix:
        """Cosines [B] of pairs of rows [B, 2]."""
        from w2v_jax import search

        pairs = np.asarray(rows)
        left, right = (search.unit(self.matrix[pairs[:, i]]) for i in (0, 1))
        cosines: Matrix = np.einsum("bd,bd->b", left, right)
        return cosines

    def distance(self, a: str, b: str) -> float:
        """Euclidean distance of two words' vectors."""
        return float(np.linalg.norm(self[a] - self[b]))

    def nearest(self, word: str, k: int = 10) -> list[tuple[str, float]]:
        """The k words of highest cosine with `word`, itself left out, best first."""
        row = self.row(word)
        return self._answers(self.matrix[[row]], [row], k)

    def nearest_to(self, vector: ArrayLike, k: int = 10) -> list[tuple[str, float]]:
        """The k words of highest cosine with a vector [D], best first."""
        return self._answers(np.asarray(vector, np.float32)[None], [], k)

    def analogy(
        self, a: str, b: str, c: str, k: int = 10, method: str = "3cosadd"
    ) -> list[tuple[str, float]]:
        """a is to b as c is to ?: the k best answers, the question's words left out.

        "3cosadd" scores with the cosine of a word with b - a + c, all taken at length
        one (Mikolov et al. 2013c; Levy and Goldberg 2014, eq. 2); "3cosmul" with
        s(b) s(c) / (s(a) + 1e-6), s = (1 + cosine) / 2 (the same, eq. 4).
        """
        from w2v_jax import search

        rows = [self.row(word) for word in (a, b, c)]
        unit = search.unit(self.matrix[rows])
        if method == "3cosmul":
            return self._answers(unit[:, None], rows, k, method)
        if method != "3cosadd":
            raise ValueError(f"method={method}: must be one of {', '.join(METHODS)}.")
        return self._answers((unit[1] - unit[0] + unit[2])[None], rows, k)

    def relation(
        self,
        pairs: Iterable[tuple[str, str]],
        word: str,
        k: int = 10,
        method: str = "3cosavg",
    ) -> list[tuple[str, float]]:
        """What is to `word` as b is to a in all the pairs (a, b): the k best answers.

        "3cosavg" or "lrcos", see `w2v_jax.pair_sets`; the scores are theirs. The word
        itself and the words of the pairs are no answers.
        """
        from w2v_jax import pair_sets, search

        rows = [(self.row(a), self.row(b)) for a, b in pairs]
        if not rows:
            raise ValueError("relation: needs at least one pair.")
        asked = self.row(word)
        sources, targets = search.unit(self.matrix[np.array(rows)]).swapaxes(0, 1)
        query, score = pair_sets.queries(
            method,
            search.unit(self.matrix[[asked]]),
            sources,
            targets,
            np.ones((1, len(rows)), np.float32),
            self.matrix,
        )
        barred = [asked, *(row for pair in rows for row in pair)]
        return self._answers(query, barred, k, score)

    def _answers(
        self, query: Matrix, excluded: Sequence[int], k: int, method: str = "cosine"
    ) -> list[tuple[str, float]]:
        if k < 1:
            raise ValueError(f"k={k}: must be at least 1.")
        barred = np.asarray([list(excluded)], np.int32)
        scores, rows = self.search(query, barred, k, method)
        return [
            (self.words[row], float(score))
            for score, row in zip(scores[0], rows[0], strict=True)
            if score > -np.inf
        ]

    def centroid(self, words: Iterable[str]) -> Matrix:
        """The mean [D] of the words' vectors, each first scaled to length one."""
        from w2v_jax import search

        rows = [self.row(word) for word in words]
        if not rows:
            raise ValueError("centroid: needs at least one word.")
        mean: Matrix = search.unit(self.matrix[rows]).mean(axis=0)
        return mean

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word of lowest cosine with the centroid of all the words given."""
        from w2v_jax import search

        rows = [self.row(word) for word in words]
        cosines = search.unit(self.matrix[rows]) @ self.centroid(words)
        return words[int(np.argmin(cosines))]
