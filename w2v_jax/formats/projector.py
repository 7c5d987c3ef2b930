"""What the TensorBoard Embedding Projector loads: two files of tab-separated values.

    vectors.tsv              the values, a line for each word
    vectors_metadata.tsv     the words, one a line and no heading

Numbers are the shortest decimals that read back as the same float32.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from w2v_jax.durable import whole_file
from w2v_jax.formats.checks import LONGEST_VECTOR, Matrix, decoded, shown
from w2v_jax.formats.source import opened

_ROWS = 1 << 12


def metadata_path(path: Path) -> Path:
    """Where the words of vectors.tsv lie: vectors_metadata.tsv."""
    return path.with_name(f"{path.stem}_metadata{path.suffix}")


def read(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Words and matrix; ValueError names the line that fails."""
    beside = metadata_path(path)
    with opened(beside) as file:
        words = [
            decoded(beside, line.rstrip(b"\r\n"), errors, f"line {number}")
            for number, line in file.lines()
        ]
    with opened(path) as file:
        dim = file.readline().count(b"\t") + 1
        least = len(words) * 2 * dim - 1  # a digit and a tab or line feed a value
        if dim > LONGEST_VECTOR or path.stat().st_size < least:
            raise ValueError(
                f"{path}: {len(words)} words in {beside.name}, but too few bytes for "
                f"as many vectors of {dim} values; export both files again"
            )
        file.rewind()
        matrix = np.empty((len(words), dim), np.float32)
        number = 0
        for number, line in file.lines():
            found = line.count(b"\t") + 1
            if number > len(words) or found != dim:
                raise ValueError(
                    f"{path}: line {number}: {found} values, expected {dim} for "
                    f"each of {len(words)} words; export both files again"
                )
            values = line.rstrip(b"\r\n").split(b"\t")
            try:
                with np.errstate(over="ignore"):  # found as not finite afterwards
                    matrix[number - 1] = [float(value) for value in values]
            except ValueError:
                raise ValueError(
                    f"{path}: line {number}: expected numbers, not "
                    f"{shown(line.strip())}"
                ) from None
    if number < len(words):
        raise ValueError(
            f"{path}: line {number}: the last of {number} vectors for {len(words)} "
            f"words; export both files again"
        )
    return words, matrix


def write(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes both files; ValueError for a word that holds a tab or a line end."""
    for row, word in enumerate(words):
        if any(mark in word for mark in "\t\n\r"):
            raise ValueError(
                f"{path}: word {row + 1}, {shown(word)}, holds a tab or a line end, "
                f"which this format cannot hold; use .npz or .safetensors"
            )
    with whole_file(path) as file:
        for start in range(0, len(words), _ROWS):
            rows = matrix[start : start + _ROWS].astype("S").tolist()
            file.writelines(b"\t".join(row) + b"\n" for row in rows)
    with whole_file(metadata_path(path)) as file:
        file.writelines(word.encode() + b"\n" for word in words)
