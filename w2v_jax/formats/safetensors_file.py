"""safetensors with the vocabulary inside: tensors `matrix` F32 [V, D] and `words` U8,
the words in UTF-8 with a line feed between each two.

    tensors = safetensors.numpy.load_file("vectors.safetensors")
    words = tensors["words"].tobytes().decode().split("\\n")

A file with one F32 tensor and no words is read with the words of `vocabulary.tsv`
beside it. A large matrix is memory-mapped.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.durable import whole_file
from w2v_jax.formats.checks import Matrix, decoded, shown
from w2v_jax.formats.npz import MAPPED_BYTES

_LONGEST_HEADER = 1 << 20
_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}


def read(path: Path, errors: str) -> tuple[list[str], Matrix]:
    """Words and matrix; ValueError names the tensor that fails."""
    header, start = _header(path)
    tables = [n for n, t in header.items() if t.get("dtype") == "F32"]
    name = "matrix" if "matrix" in tables else next(iter(tables), None)
    if name is None or (name != "matrix" and len(tables) > 1):
        raise ValueError(
            f"{path}: holds {sorted(header)}; needs a tensor 'matrix' F32 [V, D]"
        )
    matrix = _tensor(path, header, start, name, 2)
    if "words" not in header:
        return _words_beside(path, errors, len(matrix)), matrix
    raw = _tensor(path, header, start, "words", 1).tobytes()
    count = raw.count(b"\n") + 1
    if count != len(matrix):
        raise ValueError(
            f"{path}: {count} words for {len(matrix)} vectors; write it again"
        )
    return [
        decoded(path, word, errors, f"word {row + 1}")
        for row, word in enumerate(raw.split(b"\n"))
    ], matrix


def _words_beside(path: Path, errors: str, count: int) -> list[str]:
    beside = path.parent / "vocabulary.tsv"
    if not beside.is_file():
        raise ValueError(
            f"{path}: no tensor 'words', and no vocabulary.tsv beside it; put it there"
        )
    words = []
    with beside.open("rb") as file:
        for number, line in enumerate(file, 1):
            raw = line.split(b"\t")[0].rstrip(b"\r\n")
            words.append(decoded(beside, raw, errors, f"line {number}"))
    if len(words) != count:
        nodes = "; hierarchical softmax has one for each inner node of its tree"
        raise ValueError(
            f"{path}: {count} vectors, but {len(words)} words in {beside.name}; "
            f"copy both again{nodes if count == len(words) - 1 else ''}"
        )
    return words


def _header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The tensors' descriptions, and the byte at which the data begin."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise ValueError(
                f"{path}: byte 0: a header of {length} bytes in a file of {size}; not "
                f"a safetensors file of vectors, or cut short; copy it again"
            )
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            raise ValueError(
                f"{path}: byte 8: the header is not JSON; copy the file again"
            ) from None
    if not isinstance(header, dict):
        raise ValueError(
            f"{path}: byte 8: the header is not a JSON object; write it again"
        )
    header.pop("__metadata__", None)
    if not all(isinstance(tensor, dict) for tensor in header.values()):
        raise ValueError(
            f"{path}: byte 8: a tensor's description is not an object; write it again"
        )
    return header, 8 + length


def _tensor(
    path: Path, header: dict[str, dict[str, Any]], start: int, name: str, rank: int
) -> NDArray[Any]:
    about = header[name]
    shape = _naturals(about.get("shape"), rank)
    begin, end = _naturals(about.get("data_offsets"), 2) or (0, -1)
    dtype = _DTYPES.get(str(about.get("dtype")))
    if not shape or not dtype or dtype.itemsize * math.prod(shape) != end - begin:
        raise ValueError(
            f"{path}: tensor {name!r}: its dtype, shape and data_offsets do not make a "
            f"table of rank {rank}; write it again: {json.dumps(about)[:200]}"
        )
    room = path.stat().st_size - start
    if end > room:
        raise ValueError(
            f"{path}: tensor {name!r} ends at byte {start + end}, the file at "
            f"{start + room}; copy it again"
        )
    if end - begin >= MAPPED_BYTES:
        return np.memmap(path, dtype, "r", start + begin, shape)
    size = math.prod(shape)
    return np.fromfile(path, dtype, size, offset=start + begin).reshape(shape)


def _naturals(value: Any, count: int) -> tuple[int, ...] | None:
    """The value as so many whole numbers from 0 up, or None."""
    if not isinstance(value, list) or len(value) != count:
        return None
    whole = all(type(n) is int and n >= 0 for n in value)
    return tuple(value) if whole else None


def write(path: Path, words: Sequence[str], matrix: Matrix) -> None:
    """Writes the file; ValueError for a word that holds a line feed."""
    from safetensors.numpy import save

    for row, word in enumerate(words):
        if "\n" in word:
            raise ValueError(
                f"{path}: word {row + 1}, {shown(word)}, holds a line feed, which "
                f"this format cannot hold"
            )
    joined = np.frombuffer("\n".join(words).encode(), np.uint8)
    tensors: dict[str, NDArray[Any]] = {
        "matrix": np.ascontiguousarray(matrix),
        "words": joined,
    }
    with whole_file(path) as file:
        file.write(save(tensors, metadata={"format": "w2v_jax vectors"}))
