"""Held-out text as windows: which words predict which, for models of one vocabulary.

Words without a vector are dropped, frequent ones subsampled and windows drawn as in
training, but with draws that depend on the position in the text alone: models with one
vocabulary, window and subsampling threshold are judged on the same pairs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2v_jax.blocks import Sampler, keep_thresholds
from w2v_jax.vocabulary import Vocabulary, keep_probabilities

Ids = NDArray[np.int32]
SEED = 20130907  # of the draws; the same whatever the seed of training was


class Windows(NamedTuple):
    """Centres and the words around them, in the order of the text.

    Attributes:
      centres: int32 [P].
      context: int32 [P, 2 m]; 0 where there is no word.
      mask: bool [P, 2 m], where there is one; every window holds at least one.
    """

    centres: Ids
    context: Ids
    mask: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.centres)

    def part(self, start: int, stop: int) -> "Windows":
        """The windows from `start` to `stop`."""
        at = slice(start, stop)
        return Windows(self.centres[at], self.context[at], self.mask[at])

    def shuffled(self, seed: int = SEED) -> "Windows":
        """The same windows in an order that depends on the seed alone."""
        at = np.random.default_rng(seed).permutation(len(self))
        return Windows(self.centres[at], self.context[at], self.mask[at])

    def batches(self, size: int) -> Iterator["Windows"]:
        """The windows `size` at a time; the last batch is filled up with empty ones."""
        for start in range(0, len(self), size):
            part = self.part(start, start + size)
            room = size - len(part)
            yield Windows(
                np.pad(part.centres, (0, room)),
                np.pad(part.context, ((0, room), (0, 0))),
                np.pad(part.mask, ((0, room), (0, 0))),
            )


def known_ids(words: tuple[str, ...], ids: Ids, vocabulary: Vocabulary) -> Ids:
    """A text's ids as those of a vocabulary; V for unknown words, -1 between lines.

    Args:
      words: the text's own words, by id.
      ids: [P] ids in them, -1 at the end of each line.
      vocabulary: of the model.
    """
    rows = {word: row for row, word in enumerate(vocabulary.words)}
    table = [rows.get(word, len(rows)) for word in words]
    return np.append(np.array(table, np.int32), np.int32(-1))[np.asarray(ids)]


def make_windows(
    ids: Ids,
    vocabulary: Vocabulary,
    window: int,
    dynamic: bool = True,
    subsample: float = 0.0,
    formula: str = "word2vec",
) -> Windows:
    """The windows of a text.

    Args:
      ids: [P] of `known_ids`.
      vocabulary: of the model; its counts decide what subsampling keeps.
      window: m.
      dynamic: whether windows reach U{1..m} words or always m.
      subsample: threshold t; 0 keeps everything.
      formula: see `w2v_jax.vocabulary.keep_probabilities`.
    """
    keep = keep_probabilities(vocabulary.counts, subsample, formula)
    sampler = Sampler(ids, keep_thresholds(keep), SEED, window, dynamic)
    tokens, reach, lines, _ = sampler.chunk(0, 0, len(ids))
    if lines is None:
        lines = np.zeros_like(tokens)
    offsets = np.array([d for d in range(-window, window + 1) if d])
    places = np.arange(len(tokens))[:, None] + offsets
    inside = (places >= 0) & (places < len(tokens))
    places = np.where(inside, places, 0)
    mask = inside & (np.abs(offsets) <= reach[:, None])
    if len(tokens):
        mask &= lines[places] == lines[:, None]
    used = mask.any(axis=1)
    context = np.where(mask, tokens[places] if len(tokens) else 0, 0)
    return Windows(tokens[used], context[used].astype(np.int32), mask[used])
