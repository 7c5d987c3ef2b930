"""NumPy archives with two arrays: words [V] (text) and matrix [V, D] (float32).

    archive = np.load("vectors.npz"); archive["words"], archive["matrix"]

Arrays of text are as wide as their longest word, so one very long word makes a large
file; .safetensors does not have that flaw. A large matrix that is stored without
compression (as `numpy.savez` and this module store it) is memory-mapped.
"""

import errno
import lzma
import math
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from w2v_jax.durable import whole_file
from w2v_jax.formats.checks import Matrix, shown

MAPPED_BYTES = 1 << 28  # a matrix of this size or more is mapped
_SLACK = 64 << 20  # what a compressed archive may unpack to beyond its own size
_LONGEST_HEADER = 1 << 12
_WORD_BYTES = 64  # a short word as a Python string, with its place in the list
_ROWS = 1 << 14  # words turned into strings together
_PIECE = 1 << 20  # bytes unpacked together
# What the standard library raises for damaged archives, besides OSError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OverflowError,
    UnicodeDecodeError,
    NotImplementedError,
    RuntimeError,  # wants a password
)


def read(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Words and matrix; ValueError names the member that fails."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive, errors)
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk; EINVAL: a place before the first byte
        raise ValueError(
            f"{path}: not a sound .npz archive ({str(error)[:200]}); write it again "
            f"with numpy.savez(words=..., matrix=...)"
        ) from None


def _read(
    path: Path, archive: zipfile.ZipFile, errors: str
) -> tuple[list[str], Matrix]:
    members = {name: archive.NameToInfo.get(f"{name}.npy") for name in _ARRAYS}
    missing = [name for name, member in members.items() if member is None]
    if missing:
        raise ValueError(f"{path}: no array {missing[0]!r}; needs words and matrix")
    infos = [member for member in members.values() if member is not None]
    size = path.stat().st_size
    if any(info.compress_size > size for info in infos):
        raise zipfile.BadZipFile(f"an array takes more than its {size} bytes")
    unpacked = sum(info.file_size for info in infos)
    if unpacked > size + _SLACK:
        raise ValueError(
            f"{path}: its arrays unpack to {unpacked} bytes from a file of {size}; "
            f"write it without compression (numpy.savez)"
        )
    packed = any(info.compress_type != zipfile.ZIP_STORED for info in infos)
    words = _array(path, archive, infos[0], *_ARRAYS["words"])
    if packed and unpacked + _WORD_BYTES * len(words) > size + 2 * _SLACK:
        raise ValueError(
            f"{path}: words.npy holds {len(words)} words, from a file of {size} bytes; "
            f"write it without compression (numpy.savez)"
        )
    listed: list[str] = []
    for start in range(0, len(words), _ROWS):
        listed += _strings(path, words[start : start + _ROWS], start, errors)
    return listed, _array(path, archive, infos[1], *_ARRAYS["matrix"])


def _strings(path: Path, words: NDArray[Any], first: int, errors: str) -> list[str]:
    """Words as text; those that hold what is no character go by the policy."""
    codes = words.view(np.uint32).reshape(len(words), -1)
    wrong = (codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))
    if not wrong.any():
        return words.tolist()
    if errors == "strict":
        row = first + int(wrong.any(axis=1).argmax())
        raise ValueError(
            f"{path}: words.npy: word {row + 1} holds what is no character; "
            "Vectors.load(path, invalid_utf8='replace') reads it with U+FFFD"
        )
    replaced = np.where(wrong, np.uint32(0xFFFD), codes)
    if errors == "replace":
        return replaced.view(words.dtype).reshape(-1).tolist()
    kept = [row[~bad] for row, bad in zip(codes, wrong, strict=True)]
    return [row.tobytes().decode("utf-32-le").rstrip("\0") for row in kept]


_ARRAYS = {"words": ("U", 1), "matrix": ("f", 2)}


def _array(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: str, rank: int
) -> NDArray[Any]:
    with archive.open(info) as file:
        try:
            shape, fortran, dtype, header = _header(file)
        except _NO_HEADER:
            raise ValueError(
                f"{path}: {info.filename} has no header of a NumPy array; copy it again"
            ) from None
        wanted = dtype == np.float32 if kind == "f" else dtype.kind == kind
        if not wanted or len(shape) != rank or not dtype.itemsize or fortran:
            raise ValueError(
                f"{path}: {info.filename} is {dtype} of shape {list(shape)}; words "
                f"must be text [V], matrix float32 [V, D] in row order"
            )
        body = dtype.itemsize * math.prod(shape)
        if body != info.file_size - header:
            raise ValueError(
                f"{path}: {info.filename} promises {body} bytes for shape "
                f"{list(shape)} but holds {info.file_size - header}; copy it again"
            )
        stored = info.compress_type == zipfile.ZIP_STORED
        if stored and kind == "f" and body >= MAPPED_BYTES:
            offset = file._orig_compress_start + header  # type: ignore[attr-defined]
            return np.memmap(path, dtype, "r", offset, shape)
        buffer = bytearray(body)
        for start in range(0, body, _PIECE):
            buffer[start : start + _PIECE] = file.read(min(_PIECE, body - start))
        if len(buffer) != body or file.read(1):
            raise EOFError(f"{info.filename} ends early")
        return np.frombuffer(buffer, dtype).reshape(shape)


# What NumPy raises for a header that is none.
_NO_HEADER = (
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    OverflowError,
    MemoryError,
    RecursionError,
    TokenError,
)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, dtype and the bytes that the .npy header takes."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError
    one = version == (1, 0)
    reader = npy.read_array_header_1_0 if one else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a header that Python 2 may have written
        shape, fortran, dtype = reader(file, max_header_size=_LONGEST_HEADER)
    if any(side < 0 for side in shape):
        raise ValueError
    return shape, fortran, dtype, file.tell()


def write(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes the archive; ValueError for words that an array of text cannot hold."""
    longest = max(map(len, words))
    if 4 * longest * len(words) > 4 * sum(map(len, words)) * 16 + _SLACK:
        word = max(words, key=len)
        raise ValueError(
            f"{path}: the word {shown(word)} of {longest} characters would widen every "
            f"entry of the array of words; use .safetensors"
        )
    for row, word in enumerate(words):
        if "\0" in word:
            raise ValueError(
                f"{path}: word {row + 1}, {shown(word)}, holds a NUL character, which "
                f"this format cannot hold"
            )
    with whole_file(path) as file:
        np.savez(file, words=np.array(words, dtype=str), matrix=matrix)
