"""Pieces of text to provisional word ids, by first appearance, in one pass.

Id 0 is the end of a sentence (a newline that follows at least one word); words get
1, 2, ... as they first appear. A dictionary holds the truth. In front of it, for
words divided by white space, stands a direct-mapped cache probed by whole arrays: a
word of at most 16 bytes is two unsigned 64-bit numbers (exact, no hash is trusted),
and about 97 of 100 words of running text are found there without a Python object.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_jax.tokenizer import Tokenizer

Ids = npt.NDArray[np.int32]

SENTENCE_END = 0
_SLOT_BITS = 20
_WIDTH = 16
_TOKENS = 1 << 16  # looked up together
# Of the 16 bytes from the start of a word of b bytes, b in 0..16, those that belong to
# it, as masks of two little-endian 64-bit numbers.
_LOW_BYTES = np.array([(1 << 8 * min(b, 8)) - 1 for b in range(17)], np.uint64)
_HIGH_BYTES = np.array([(1 << 8 * max(b - 8, 0)) - 1 for b in range(17)], np.uint64)
# Odd constants that spread the two halves of a word over the slots of the cache.
_SPREAD_LOW = np.uint64(0xD6E8FEB86659FD93)
_SPREAD_HIGH = np.uint64(0x9E3779B97F4A7C15)
# What str.split takes for white space beyond bytes 9..13 and 28..32, in UTF-8.
_WIDE_SPACE = (
    (b"\xc2", re.compile(rb"\xc2[\x85\xa0]")),
    (b"\xe1\x9a\x80", re.compile(rb"\xe1\x9a\x80")),
    (b"\xe2\x80", re.compile(rb"\xe2\x80[\x80-\x8a\xa8\xa9\xaf]")),
    (b"\xe2\x81\x9f", re.compile(rb"\xe2\x81\x9f")),
    (b"\xe3\x80\x80", re.compile(rb"\xe3\x80\x80")),
)


class WordIds:
    """Gives every distinct word the next number.

    `assign` takes a piece of valid UTF-8 without NUL that ends where a token does,
    and returns the ids of its words, with 0 for every end of a sentence.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._ids: defaultdict[bytes, int] = defaultdict(itertools.count().__next__)
        self._ids[b"\n"]  # SENTENCE_END; no word holds a newline
        self._line_is_empty = True
        self.tokenizer = tokenizer
        self.assign: Callable[[bytes], Ids]
        if tokenizer.name == "whitespace":
            self._cache = _Cache()
            self.assign = self._assign_words
        else:
            self.assign = self._assign_tokens

    def __len__(self) -> int:
        """One more than the largest id."""
        return len(self._ids)

    def words(self) -> list[bytes]:
        """The word of each id; that of `SENTENCE_END` is a newline."""
        return list(self._ids)

    def _look_up(self, words: list[bytes]) -> Ids:
        return np.fromiter(map(self._ids.__getitem__, words), np.int32, len(words))

    def _assign_tokens(self, piece: bytes) -> Ids:
        """Through the tokenizer, line by line."""
        found: list[Ids] = []
        words: list[bytes] = []
        lines = piece.decode().split("\n")
        for number, line in enumerate(lines):
            tokens = self.tokenizer(line)
            # A token takes a hundred bytes and more as a Python object: no more of
            # them at a time than the tokenizer returns for one line.
            for start in range(0, len(tokens), _TOKENS):
                words += [token.encode() for token in tokens[start : start + _TOKENS]]
                self._line_is_empty = False
                if len(words) >= _TOKENS:
                    found.append(self._look_up(words))
                    words = []
            if number < len(lines) - 1 and not self._line_is_empty:
                words.append(b"\n")
                self._line_is_empty = True
        return np.concatenate([*found, self._look_up(words)])

    def _assign_words(self, piece: bytes) -> Ids:
        """At white space, a whole piece at a time."""
        text = b" " + _narrow_spaces(piece) + b" " * _WIDTH
        starts, ends = _word_bounds(text)
        low, high = _as_numbers(text, starts, ends)
        ids, missing = self._cache.look_up(low, high)
        where = np.flatnonzero(missing | (ends - starts > _WIDTH))
        bounds = zip(starts[where].tolist(), ends[where].tolist(), strict=True)
        ids[where] = self._look_up([text[start:end] for start, end in bounds])
        short = where[ends[where] - starts[where] <= _WIDTH]
        self._cache.put(low[short], high[short], ids[short])
        return self._with_sentence_ends(ids, text, starts)

    def _with_sentence_ends(self, ids: Ids, text: bytes, starts: Any) -> Ids:
        if b"\n" in text:
            newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
            places = np.searchsorted(starts, newlines)  # words before each newline
            places = places[np.diff(places, prepend=-1) > 0]
            if self._line_is_empty and places[0] == 0:
                places = places[1:]
            ids = np.insert(ids, places, np.int32(SENTENCE_END))
        if ids.size:
            self._line_is_empty = bool(ids[-1] == SENTENCE_END)
        return ids


class _Cache:
    """Words of at most 16 bytes and their ids, one to a slot, first come stays."""

    def __init__(self) -> None:
        slots = 1 << _SLOT_BITS
        self._low = np.zeros(slots, np.uint64)
        self._high = np.zeros(slots, np.uint64)
        self._ids = np.zeros(slots, np.int32)

    def look_up(self, low: Any, high: Any) -> tuple[Ids, npt.NDArray[np.bool_]]:
        """Ids, and where they are not known."""
        slots = _slots(low, high)
        known = (self._low[slots] == low) & (self._high[slots] == high)
        return self._ids[slots], ~known

    def put(self, low: Any, high: Any, ids: Ids) -> None:
        """Fills slots that are free; of two words for one slot the first wins."""
        slots = _slots(low, high)
        slots, first = np.unique(slots, return_index=True)
        free = self._low[slots] == 0
        slots, first = slots[free], first[free]
        self._low[slots] = low[first]
        self._high[slots] = high[first]
        self._ids[slots] = ids[first]


def _slots(low: Any, high: Any) -> Any:
    mixed = (low ^ (high * _SPREAD_HIGH)) * _SPREAD_LOW
    return (mixed >> np.uint64(64 - _SLOT_BITS)).astype(np.int64)


def _narrow_spaces(piece: bytes) -> bytes:
    """Every white space of more than one byte as a space."""
    if not piece.isascii():
        for lead, pattern in _WIDE_SPACE:
            if lead in piece:
                piece = pattern.sub(b" ", piece)
    return piece


def _word_bounds(text: bytes) -> tuple[Any, Any]:
    """First byte of each word and the byte after its last; text ends with a space."""
    data = np.frombuffer(text, np.uint8)
    space = (data - np.uint8(9) <= 4) | (data - np.uint8(28) <= 4)
    edges = np.flatnonzero(space[1:] != space[:-1]) + 1
    return edges[0::2], edges[1::2]


def _as_numbers(text: bytes, starts: Any, ends: Any) -> tuple[Any, Any]:
    """The first 16 bytes of each word as two numbers, zero beyond its end.

    No word holds a NUL, so the numbers determine the word and its length.
    """
    at_every_byte = np.ndarray((len(text) - _WIDTH + 1,), "V16", text, strides=(1,))
    halves = at_every_byte[starts].view("<u8").reshape(-1, 2)
    lengths = np.minimum(ends - starts, _WIDTH)
    return halves[:, 0] & _LOW_BYTES[lengths], halves[:, 1] & _HIGH_BYTES[lengths]
