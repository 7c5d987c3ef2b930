"""Text formats, a word and its values on each line.

    word2vec, fastText .vec    a header 'V D' first
    GloVe                      no header; D is what the first line holds

Numbers are written as the shortest decimals that read back as the same float32, which
is what gensim writes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from w2v_jax.durable import whole_file
from w2v_jax.formats.checks import (
    LONGEST_VECTOR,
    Matrix,
    decoded,
    empty,
    enough,
    header,
    most_bytes,
    plain_words,
    shown,
)
from w2v_jax.formats.source import Source, opened

_ROWS = 1 << 12
_BOM = b"\xef\xbb\xbf"


def read(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Reads word2vec text, or GloVe text where the first line is no header."""
    with opened(path) as file:
        first = file.readline(1 << 10).removeprefix(_BOM)
    if len(first.split()) > 2:
        return read_glove(path, errors)
    size = most_bytes(path)
    with opened(path) as file:
        line = file.readline(1 << 10)
        count, dim = header(path, line)
        least = count * (2 * dim + 2) - 1  # 'w 0 0 0', a line feed but for the last
        enough(path, count, dim, least, size - len(line))
        return _body(path, file, errors, count, dim, first_line=2)


def read_glove(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Reads GloVe text; a word may hold spaces, as some of GloVe's own do."""
    with opened(path) as file:
        count = sum(1 for _, line in file.lines() if line.strip())
        file.rewind()
        dim = file.readline().rstrip(b" \r\n").count(b" ")
        file.rewind()
        if not count or not 1 <= dim <= LONGEST_VECTOR:
            raise ValueError(
                f"{path}: line 1: expected a word and its values with single spaces "
                f"between them; is this a file of vectors?"
            )
        return _body(path, file, errors, count, dim, first_line=1)


def _body(
    path: Path, file: Source, errors: str, count: int, dim: int, first_line: int
) -> tuple[list[str], Matrix]:
    glove = first_line == 1
    matrix = empty(path, count, dim)
    words: list[str] = []
    number = first_line - 1
    for number, line in file.lines():
        where = f"line {number}"
        line = line.rstrip(b" \r\n")
        if number == 1:
            line = line.removeprefix(_BOM)
        if not line:
            continue
        if len(words) == count:
            raise ValueError(
                f"{path}: {where}: more words than the {count} promised; correct the "
                f"header"
            )
        found = line.count(b" ")
        if found != dim and not (glove and found > dim):
            raise ValueError(
                f"{path}: {where}: {found} values for {shown(line.split(b' ')[0])}, "
                f"expected {dim}; correct the line or the header"
            )
        raw, *values = line.rsplit(b" ", dim)
        try:
            with np.errstate(over="ignore"):  # found as not finite afterwards
                matrix[len(words)] = [float(value) for value in values]
        except ValueError:
            bad = next(value for value in values if not _is_number(value))
            raise ValueError(
                f"{path}: {where}: {shown(bad)} is not a number; correct the line"
            ) from None
        words.append(decoded(path, raw, errors, where))
    if len(words) < count:
        raise ValueError(
            f"{path}: line {number}: the file ends after {len(words)} of {count} "
            "words; copy it again"
        )
    return words, matrix


def _is_number(value: bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def write(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes word2vec text with its header."""
    plain_words(path, words)
    with whole_file(path) as file:
        file.write(f"{len(words)} {matrix.shape[1]}\n".encode())
        file.writelines(_lines(words, matrix))


def write_glove(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes GloVe text, without a header."""
    plain_words(path, words)
    with whole_file(path) as file:
        file.writelines(_lines(words, matrix))


def _lines(words: Sequence[str], matrix: Matrix) -> Iterator[bytes]:
    for start in range(0, len(words), _ROWS):
        # astype("S") gives the shortest decimals that read back as the same value
        rows = matrix[start : start + _ROWS].astype("S").tolist()
        for word, row in zip(words[start:], rows, strict=False):
            yield word.encode() + b" " + b" ".join(row) + b"\n"
