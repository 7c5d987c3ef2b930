"""word2vec's binary format: a header 'V D', then for each word its bytes, a space and
D little-endian float32 values.

word2vec.c writes a line feed after each vector, gensim does not; both are read. The
file is written as gensim writes it, which word2vec.c's own tools read too.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from w2v_jax.durable import whole_file
from w2v_jax.formats.checks import (
    LONGEST_WORD,
    Matrix,
    decoded,
    empty,
    enough,
    header,
    most_bytes,
    plain_words,
    shown,
)
from w2v_jax.formats.source import opened

_PIECE = 1 << 22


def read(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Words and matrix [V, D]; ValueError names the byte at which the file fails."""
    size = most_bytes(path)
    with opened(path) as file:
        line = file.readline(1 << 10)
        count, dim = header(path, line)
        least = count * (4 * dim + 2)  # a word of one byte, a space, the values
        enough(path, count, dim, least, size - len(line))
        matrix = empty(path, count, dim)
        words: list[str] = []
        piece, start, base = file.read(_PIECE), 0, len(line)
        while len(words) < count:
            space = piece.find(b" ", start)
            end = space + 1 + 4 * dim
            if space < 0 or end > len(piece):
                if space < 0 and len(piece) - start > LONGEST_WORD:
                    raise ValueError(
                        f"{path}: byte {base + start}: no end of a word within "
                        f"{LONGEST_WORD} bytes; the file is damaged, copy it again"
                    )
                more = file.read(max(_PIECE, len(piece) - start))
                if not more:
                    raise ValueError(
                        f"{path}: byte {base + start}: the file ends within word "
                        f"{len(words) + 1} of {count}; copy it again"
                    )
                base, piece, start = base + start, piece[start:] + more, 0
                continue
            raw = piece[start:space].removeprefix(b"\n")
            where = f"byte {base + start}"
            if b"\n" in raw or b"\0" in raw:
                raise ValueError(
                    f"{path}: {where}: {shown(raw)} cannot be a word (word "
                    f"{len(words) + 1} of {count}); the file is damaged or has "
                    f"another vector size than its header says; copy it again"
                )
            matrix[len(words)] = np.frombuffer(piece, "<f4", dim, space + 1)
            words.append(decoded(path, raw, errors, where))
            start = end
        rest = (piece[start:] + file.read(2)).removeprefix(b"\n")
        if rest:
            raise ValueError(
                f"{path}: byte {base + start}: more follows after the {count} words "
                f"that line 1 promises; correct the header, or copy the file again"
            )
    return words, matrix


def write(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes the file; ValueError for a word that holds white space."""
    plain_words(path, words)
    rows = np.ascontiguousarray(matrix, "<f4")
    with whole_file(path) as file:
        file.write(f"{len(words)} {matrix.shape[1]}\n".encode())
        for word, row in zip(words, rows, strict=True):
            file.write(word.encode() + b" " + row.tobytes())
