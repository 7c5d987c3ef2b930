"""The arrays of a pytree in one safetensors file, bit for bit.

A leaf's name is its path in the tree, such as `tables/input`; any reader of
safetensors opens the file. Arrays are written from where they lie and read into one
buffer, so neither way takes memory for a second copy.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax import durable

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype("<u1"),
    "I8": np.dtype("<i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(jnp.bfloat16),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ALIGNMENT = 64  # of the first value, so that views into the buffer are aligned
# What a header that is JSON but no description of arrays runs into.
_NO_HEADER = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
Arrays = dict[str, npt.NDArray[Any]]


def named_leaves(tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by path; ValueError where two paths read the same."""
    leaves: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        if name in leaves:
            raise ValueError(f"{name}: two leaves of the state have this name.")
        leaves[name] = leaf
    return leaves


def write_state(path: Path, tree: Any) -> str:
    """Writes the leaves of a pytree to the disk and returns the file's SHA-256.

    Raises:
      ValueError: a leaf that is no array of a type in `DTYPES` (of a typed random key
        give `jax.random.key_data`).
    """
    header: dict[str, Any] = {}
    arrays, begin = [], 0
    leaves = {name: _array(path, name, x) for name, x in named_leaves(tree).items()}
    # Wide types first: each array then begins at a multiple of its item's size, and
    # the format allows no gaps.
    for name, array in sorted(leaves.items(), key=lambda leaf: -leaf[1].itemsize):
        end = begin + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        arrays.append(array)
        begin = end
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    pieces = (durable.array_bytes(array) for array in arrays)
    return durable.write_hashed(path, (len(text).to_bytes(8, "little"), text, *pieces))


def _array(path: Path, name: str, leaf: Any) -> npt.NDArray[Any]:
    if getattr(leaf, "dtype", None) in _NAMES:
        return np.asarray(leaf)
    raise ValueError(
        f"{path}: {name} is {getattr(leaf, 'dtype', type(leaf).__name__)}, "
        "which the file cannot hold."
    )


def read_bytes(path: Path) -> tuple[npt.NDArray[np.uint8], str]:
    """All bytes of a file and their SHA-256: check it, then call `arrays_in`."""
    with durable.named(path):
        data = np.fromfile(path, np.uint8)
    return data, hashlib.sha256(data.data).hexdigest()


def arrays_in(path: Path, data: npt.NDArray[np.uint8]) -> Arrays:
    """The arrays by name, as views into the bytes of the file.

    Args:
      path: for messages.
      data: of `read_bytes`.

    Raises:
      ValueError: not the format above; the message names the byte or the array.
    """
    length = int.from_bytes(data[:8].tobytes(), "little")
    begin = 8 + length
    if begin > len(data):
        raise ValueError(
            f"{path}: byte 0: a header of {length} bytes does not fit a file of "
            f"{len(data)}."
        )
    try:
        header = json.loads(data[8:begin].tobytes())
        return {name: _view(data[begin:], **entry) for name, entry in header.items()}
    except (*_NO_HEADER, RecursionError) as error:
        what = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: byte 8: no valid header ({what}).") from None


def _view(
    data: npt.NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: list[int]
) -> npt.NDArray[Any]:
    begin, end = data_offsets
    size = math.prod(shape) * DTYPES[dtype].itemsize
    if not (0 <= begin <= end <= len(data) and end - begin == size):
        raise ValueError(f"{dtype} {shape} does not fit bytes {begin} to {end}")
    array: npt.NDArray[Any] = data[begin:end].view(DTYPES[dtype]).reshape(shape)
    return array
