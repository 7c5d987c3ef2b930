"""All reading and writing of vector files, by suffix.

    .bin          word2vec binary           .npz          NumPy: words, matrix
    .txt, .vec    word2vec text, fastText   .safetensors  matrix, words
    .glove        GloVe text (no header; a .txt without one is read as GloVe)
    .tsv          the Embedding Projector's two files

Those of word2vec, fastText and GloVe are read packed with gzip too (.bin.gz, .vec.gz).
Values go out and come back bit for bit. A header is checked against the size of the
file before anything is allocated, so that a file takes memory for its own bytes, its
words as Python strings (some 150 bytes each) and little else. Nothing is unpickled.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2v_jax.config_fields import did_you_mean
from w2v_jax.formats import npz, projector, safetensors_file, text, word2vec_binary
from w2v_jax.formats.checks import DUPLICATES, check, unique

PACKED = (".bin", ".txt", ".vec", ".glove")  # read from gzip files too
Matrix = NDArray[np.float32]
Table = tuple[list[str], Matrix]

__all__ = ["FORMATS", "check", "format_of", "read", "write"]


class Format(NamedTuple):
    """How one format is read and written, and the suffixes it goes by."""

    read: Callable[[Path, str], Table]
    write: Callable[[Path, Sequence[str], Matrix], None]
    suffixes: tuple[str, ...]


FORMATS = {
    "word2vec_binary": Format(word2vec_binary.read, word2vec_binary.write, (".bin",)),
    "word2vec_text": Format(text.read, text.write, (".txt", ".vec")),
    "glove": Format(text.read_glove, text.write_glove, (".glove",)),
    "npz": Format(npz.read, npz.write, (".npz",)),
    "safetensors": Format(
        safetensors_file.read, safetensors_file.write, (".safetensors",)
    ),
    "projector": Format(projector.read, projector.write, (".tsv",)),
}


def format_of(path: Path, format: str | None = None) -> Format:
    """The format named, or the one of the path's suffix; ValueError lists them."""
    if format is not None:
        if format not in FORMATS:
            hint = did_you_mean(format, list(FORMATS))
            names = ", ".join(FORMATS)
            raise ValueError(f"{path}: format {format}: must be one of {names}.{hint}")
        return FORMATS[format]
    known = {suffix: one for one in FORMATS.values() for suffix in one.suffixes}
    known |= {f"{s}.gz": known[s] for s in PACKED}
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    if suffix not in known:
        raise ValueError(
            f"{path}: the suffix tells no format; use one of {', '.join(known)}"
        )
    return known[suffix]


def read(
    path: str | Path,
    *,
    format: str | None = None,
    duplicates: str = "error",
    invalid_utf8: str = "strict",
) -> Table:
    """Words and their matrix [V, D], float32 and read-only.

    Args:
      path: the file.
      format: one of `FORMATS`; None: by suffix.
      duplicates: "error", or "first" to keep a word's first vector, as gensim does.
      invalid_utf8: "strict", "replace" (by U+FFFD) or "skip", for words whose bytes
        are not UTF-8 (word2vec.c cuts long words anywhere).

    Raises:
      OSError: the file cannot be read.
      ValueError: it holds something else than the format; the message begins with the
        path and names the line or byte and the remedy.
    """
    path = Path(path)
    for name, value, choices in (
        ("duplicates", duplicates, DUPLICATES),
        ("invalid_utf8", invalid_utf8, tuple(_DECODING)),
    ):
        if value not in choices:
            raise ValueError(f"{name}={value}: must be one of {', '.join(choices)}.")
    words, matrix = format_of(path, format).read(path, _DECODING[invalid_utf8])
    if len(words) == len(matrix):
        words, matrix = unique(path, words, matrix, duplicates)
    check(words, matrix, path)
    matrix.flags.writeable = False
    return words, matrix


_DECODING = {"strict": "strict", "replace": "replace", "skip": "ignore"}


def write(
    path: str | Path,
    words: Iterable[str],
    matrix: Matrix,
    *,
    format: str | None = None,
) -> None:
    """Writes words and matrix [V, D]; the file appears whole or not at all.

    Raises:
      ValueError: unknown suffix, or words and matrix that do not fit the format.
    """
    path, words = Path(path), list(words)
    chosen = format_of(path, format)
    if path.suffix == ".gz":
        raise ValueError(f"{path}: packed files are only read; leave .gz out")
    check(words, matrix, path)
    chosen.write(path, words, np.asarray(matrix, np.float32))
