"""Counts and ids, min_count, the probability of keeping a word, and vocabulary files.

A vocabulary is the head of the corpus's own order: most frequent first, equal counts
by first appearance, so that the id of a word in the corpus is its id here. (word2vec.c
leaves the order of equal counts to qsort, and puts </s> first.)
"""

import dataclasses
import functools
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from w2v_jax import durable

Counts = npt.NDArray[np.int64]


class Corpus(Protocol):
    """What a vocabulary is built from: `w2v_jax.corpus.EncodedCorpus`, say."""

    @property
    def words(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def counts(self) -> Counts: ...  # noqa: D102
    @property
    def path(self) -> Path: ...  # noqa: D102


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The V words that have vectors.

    words: the word of each id, most frequent first.
    counts: int64 [V], occurrences in the corpus, never increasing.
    """

    words: tuple[str, ...]
    counts: Counts

    def __len__(self) -> int:
        return len(self.words)

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {word: id for id, word in enumerate(self.words)}

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def index(self, word: str) -> int:
        """The id of a word.

        Raises:
          ValueError: the word is not in the vocabulary.
        """
        if word not in self._ids:
            raise ValueError(f"{word!r}: not among the {len(self)} words known.")
        return self._ids[word]

    def save_tsv(self, path: str | Path) -> None:
        """Writes `word TAB count` lines in UTF-8, most frequent first, or nothing."""
        with durable.whole_file(Path(path)) as file:
            for word, count in zip(self.words, self.counts.tolist(), strict=True):
                file.write(f"{word}\t{count}\n".encode())

    @classmethod
    def load_tsv(cls, path: str | Path) -> "Vocabulary":
        """Reads what `save_tsv` writes; CRLF line ends are accepted.

        Raises:
          OSError: the file cannot be read.
          ValueError: names file and line of what is not UTF-8, has no tab, an empty
            or repeated word, a count that is not a whole number of at least 1, or a
            count above that of the line before; or the file is empty.
        """
        counts: dict[str, int] = {}
        previous = 0
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    word, count = _parse(line)
                    if word in counts:
                        raise ValueError(f"{word!r} stands twice; remove one")
                    if counts and count > previous:
                        raise ValueError(
                            f"count {count} is above the line before; sort by count"
                        )
                except ValueError as error:
                    raise ValueError(f"{path}: line {number}: {error}") from None
                counts[word] = previous = count
        if not counts:
            raise ValueError(f"{path}: empty; it should hold lines of word TAB count")
        return cls(tuple(counts), np.array(list(counts.values()), np.int64))


def _parse(line: bytes) -> tuple[str, int]:
    """The word and the count of a line; ValueError says what is wrong."""
    try:
        text = line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; convert it") from None
    word, tab, count = text.partition("\t")
    if not tab:
        raise ValueError("no tab; it should be word TAB count")
    if not word or word.split() != [word]:
        raise ValueError("the word is empty or holds white space; mend or remove it")
    if not (count.isascii() and count.isdigit() and 1 <= len(count) <= 18):
        raise ValueError(f"{count[:40]!r} is not a count of at least 1; mend it")
    if int(count) == 0:
        raise ValueError("the count is 0; remove the word")
    return word, int(count)


def build_vocabulary(
    corpus: Corpus, min_count: int, max_vocabulary: int = 0
) -> Vocabulary:
    """The words that occur at least `min_count` times.

    Args:
      corpus: an encoded corpus; its counts never increase.
      min_count: the rarest word kept, in occurrences.
      max_vocabulary: keep only the most frequent so many of them; 0: all.

    Raises:
      ValueError: fewer than two words are left, too few for any objective.
    """
    size = int(np.count_nonzero(corpus.counts >= min_count))
    if max_vocabulary:
        size = min(size, max_vocabulary)
    if size < 2:
        raise ValueError(
            f"{corpus.path}: {size} of its {len(corpus.words)} different words "
            f"left by min_count={min_count} and max_vocabulary={max_vocabulary}, and "
            "training needs 2; lower min_count, raise max_vocabulary, or give more text"
        )
    return Vocabulary(corpus.words[:size], corpus.counts[:size])


def keep_probabilities(
    counts: Counts, threshold: float, formula: str, total: int | None = None
) -> npt.NDArray[np.float64]:
    """How likely subsampling keeps one occurrence of each word, float64 [V], at most 1.

    With the relative frequency f = count / total:

        word2vec    min(1, sqrt(t / f) + t / f)      word2vec.c -sample
        paper       min(1, sqrt(t / f))              Mikolov et al. 2013b, eq. 5

    Args:
      counts: int64 [V], occurrences of each word.
      threshold: t, a relative frequency; 0 keeps everything.
      formula: "word2vec" or "paper".
      total: what f is relative to; None: the sum of `counts`, that is, the words of
        the corpus that are in the vocabulary, which is what word2vec.c divides by
        (its train_words, without the </s> it adds for each line). Give raw_words to
        count the rare words too.

    Raises:
      ValueError: an unknown formula, a negative threshold or no positive total.
    """
    if formula not in ("word2vec", "paper"):
        raise ValueError(f"subsample_formula={formula}: must be word2vec or paper.")
    if not threshold >= 0:
        raise ValueError(f"subsample={threshold}: must be at least 0.")
    total = int(counts.sum()) if total is None else total
    if total <= 0:
        raise ValueError(f"total={total}: must be above 0.")
    if threshold == 0:
        return np.ones(counts.shape, np.float64)
    ratio = threshold * total / counts.astype(np.float64)  # t / f
    keep = np.sqrt(ratio)
    if formula == "word2vec":
        keep += ratio
    return np.minimum(keep, 1.0)
