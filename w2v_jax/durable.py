"""Files that appear whole or not at all, whatever stops the writer.

A file is written under a temporary name, handed to the disk, and only then renamed;
the folder is handed to the disk after it. A reader sees the old file or the new one,
also after a power cut. Every error names the file.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

_PIECE = 1 << 22  # hashed and written together, while it is in the processor's cache


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Puts the path into an OSError that lacks one, as "disk full" does in a write."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes its name only when all of it is on the disk.

    A killed writer leaves a file whose name is that of `path` with a dot before it
    and the process id behind; `sweep` removes it.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with named(path):
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            if isinstance(error, OSError) and error.filename == str(partial):
                error.filename = str(path)  # the name that the user gave
            raise
        sync_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a whole file, or leaves the old one as it was."""
    with whole_file(path) as file:
        file.write(data)


def write_hashed(path: Path, pieces: Iterable[bytes | memoryview]) -> str:
    """Writes buffers one behind the other and returns the file's SHA-256.

    On the disk when it returns, but not atomic: for a file in a folder that is
    renamed as a whole.
    """
    digest = hashlib.sha256()
    with named(path), path.open("wb") as file:
        for piece in pieces:
            view = memoryview(piece)
            for start in range(0, len(view), _PIECE):
                part = view[start : start + _PIECE]
                digest.update(part)
                file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Has the disk take the names in a folder now."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Removes what killed writers of these names have left in a folder."""
    for name in names:
        for leftover in folder.glob(f".{name}.*"):
            remove(leftover)


def remove(path: Path) -> None:
    """Removes a file or a folder with all that is in it; nothing if it is gone."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def array_bytes(array: npt.ArrayLike) -> memoryview:
    """The values of an array, row by row, as bytes; shares memory where it can."""
    rows = np.asarray(array, order="C")
    return rows.reshape(-1).view(np.uint8).data


def array_sha256(array: npt.ArrayLike) -> str:
    """SHA-256 of an array's values, row by row: that of `array.tobytes()`."""
    return hashlib.sha256(array_bytes(array)).hexdigest()
