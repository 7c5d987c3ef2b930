"""A vector file as a stream of bytes, plain or gzip."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

_DEFLATE = 1032  # deflate packs no more than so many bytes into one


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if its name ends in .gz.

    Raises:
      ValueError: a .gz file that is damaged or cut short.
    """
    if path.suffix != ".gz":
        with path.open("rb") as file:
            yield file
        return
    try:
        with gzip.open(path, "rb") as unpacked:
            yield cast(IO[bytes], unpacked)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: damaged gzip file ({error}); copy it again"
        ) from None


def most_bytes(path: Path) -> int:
    """The most bytes that `opened(path)` can hold; exact for a plain file."""
    return path.stat().st_size * (_DEFLATE if path.suffix == ".gz" else 1)
