"""What must hold of words and a matrix, whatever file they come from or go to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
DUPLICATES = ("error", "first")
LONGEST_VECTOR = 1 << 18  # values; more is a damaged file, not a vector
LONGEST_WORD = 1 << 24  # bytes
_ROWS = 1 << 14  # looked at together, so that a mapped file is not held in memory
_WORD_BYTES = 128  # a short word as a Python string, with its places in list and set
# Vectors of full precision pack to about a half, rounded ones to a sixth. What packs
# tighter than this is no file of vectors but a small file that fills the memory.
_TIGHTEST, _SLACK = 10, 32 << 20


def most_bytes(path: Path) -> int:
    """The most bytes that a file may unpack to; its size if it is plain."""
    size = path.stat().st_size
    return size * _TIGHTEST + _SLACK if path.suffix == ".gz" else size


def check(words: Sequence[str], matrix: Matrix, path: Path | None = None) -> None:
    """Raises ValueError unless words and matrix [V, D] make a table of vectors."""
    begin = f"{path}: " if path else ""
    if matrix.ndim != 2 or len(words) != len(matrix):
        raise ValueError(
            f"{begin}{len(words)} words need a matrix of as many rows, "
            f"not one of shape {list(matrix.shape)}"
        )
    if not matrix.size:
        raise ValueError(f"{begin}no vectors; at least one word and one value needed")
    distinct = set(words)
    if "" in distinct:
        raise ValueError(f"{begin}word {words.index('') + 1} is empty; name it")
    if len(distinct) < len(words):
        word = first_duplicate(words)
        raise ValueError(
            f"{begin}the word {shown(word)} stands there twice; remove one"
        )
    for start in range(0, len(matrix), _ROWS):
        finite = np.isfinite(matrix[start : start + _ROWS]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise ValueError(
                f"{begin}the vector of {shown(words[row])} (row {row}) holds a value "
                f"that is not finite; train again or leave the word out"
            )


def first_duplicate(words: Sequence[str]) -> str:
    """The first word that has stood before."""
    seen: set[str] = set()
    return next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]


def unique(
    path: Path, words: list[str], matrix: Matrix, duplicates: str
) -> tuple[list[str], Matrix]:
    """Applies the policy for words that come twice: an error, or the first stays."""
    if len(set(words)) == len(words):
        return words, matrix
    if duplicates == "error":
        word = first_duplicate(words)
        first = words.index(word)
        again = words.index(word, first + 1)
        raise ValueError(
            f"{path}: the word {shown(word)} is both word {first + 1} and word "
            f"{again + 1}; Vectors.load(path, duplicates='first') keeps the first "
            "vector, as gensim does"
        )
    rows = {word: row for row, word in reversed(list(enumerate(words)))}
    kept = sorted(rows.values())
    return [words[row] for row in kept], matrix[kept]


def shown(word: str | bytes) -> str:
    """A word for a message: quoted, control characters escaped, at most 40 long."""
    text = word.decode("utf-8", "replace") if isinstance(word, bytes) else word
    return repr(text[:40] + "..." if len(text) > 40 else text)


def enough(path: Path, count: int, dim: int, least: int, left: int) -> None:
    """ValueError where the `left` bytes after a header cannot hold what it promises."""
    if left < least:
        most = "at most " if path.suffix == ".gz" else ""
        raise ValueError(
            f"{path}: line 1 promises {count} words of {dim} values, at least "
            f"{least} bytes, but {most}{left} bytes follow; copy it again"
        )


def empty(path: Path, count: int, dim: int) -> Matrix:
    """Room for a matrix [V, D]; only what is written to it takes memory."""
    if path.suffix == ".gz" and count * (4 * dim + _WORD_BYTES) > most_bytes(path):
        raise ValueError(
            f"{path}: {count} words of {dim} values, from {path.stat().st_size} bytes; "
            "unpack it with gunzip if it is to be trusted"
        )
    try:
        return np.empty((count, dim), "<f4")
    except (MemoryError, ValueError):
        raise ValueError(
            f"{path}: line 1: {count} vectors of {dim} values do not fit into memory; "
            "give it to a larger machine, or fewer words"
        ) from None


def decoded(path: Path, raw: bytes, errors: str, where: str) -> str:
    """A word's bytes as text; ValueError names where its bytes are not UTF-8."""
    try:
        word = raw.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: {where}: the word {shown(raw)} is not UTF-8 at its byte "
            f"{error.start}; Vectors.load(path, invalid_utf8='replace') reads it with "
            "U+FFFD"
        ) from None
    if not word:
        raise ValueError(f"{path}: {where}: no word before the vector; name it")
    return word


def plain_words(path: Path, words: Sequence[str]) -> None:
    """Refuses what the word2vec and GloVe formats cannot hold: space in a word."""
    for row, word in enumerate(words):
        if any(mark in word for mark in " \t\n\r\v\f\0"):
            raise ValueError(
                f"{path}: word {row + 1}, {shown(word)}, holds white space, which "
                f"this format cannot hold; use .npz or .safetensors"
            )


def header(path: Path, line: bytes) -> tuple[int, int]:
    """V and D from a word2vec header, 'V D'; ValueError if it is anything else."""
    fields = line.removeprefix(b"\xef\xbb\xbf").split()
    if len(fields) != 2 or not all(f.isdigit() and len(f) < 20 for f in fields):
        raise ValueError(
            f"{path}: line 1: expected the number of words and of values, such as "
            f"'70000 100', not {shown(line.strip())}"
        )
    words, dim = (int(field) for field in fields)
    if not words or not 1 <= dim <= LONGEST_VECTOR:
        raise ValueError(
            f"{path}: line 1: {words} words of {dim} values; at least one word and "
            f"1 to {LONGEST_VECTOR} values needed"
        )
    return words, dim
