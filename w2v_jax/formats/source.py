"""A vector file as a stream of bytes, plain or gzip, with every line bounded."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from w2v_jax.formats.checks import LONGEST_VECTOR, LONGEST_WORD, most_bytes

_LONGEST_NUMBER = 64  # characters of one value of a text file, the space included
LONGEST_LINE = LONGEST_WORD + _LONGEST_NUMBER * LONGEST_VECTOR


class Source:
    """Reads a file's bytes, and refuses a small file that would fill the memory."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._most = self._left = most_bytes(path)
        self._line = 0

    def read(self, size: int) -> bytes:
        """Up to so many bytes."""
        return self._counted(self._file.read(size))

    def readline(self, size: int = 0) -> bytes:
        """The next line, or its first `size` bytes; 0: the most a line may have."""
        self._line += 1
        return self._counted(self._file.readline(size or LONGEST_LINE))

    def rewind(self) -> None:
        """Goes back to the first byte."""
        self._file.seek(0)
        self._left, self._line = self._most, 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines from where the file stands, with their numbers in the file.

        Raises:
          ValueError: a line longer than a word and as many values as a vector may have.
        """
        while line := self.readline():
            if len(line) == LONGEST_LINE:
                raise ValueError(
                    f"{self._path}: line {self._line}: longer than {LONGEST_LINE} "
                    "bytes; name the file's format if this is no text"
                )
            yield self._line, line

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(
                f"{self._path}: its {self._path.stat().st_size} bytes unpack to more "
                f"than {self._most}; unpack it with gunzip if it is to be trusted"
            )
        return data


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The bytes of a file, unpacked if its name ends in .gz.

    Raises:
      ValueError: a .gz file that is damaged or cut short, or unpacks to more than
        `most_bytes`.
    """
    if path.suffix != ".gz":
        with path.open("rb") as file:
            yield Source(path, file)
        return
    try:
        with gzip.open(path, "rb") as unpacked:
            yield Source(path, unpacked)  # type: ignore[arg-type]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: damaged gzip file ({error}); copy it again"
        ) from None
