"""Checkpoints that are complete or ignored, and never trusted unread.

    checkpoints/000007/state.safetensors   the arrays
    checkpoints/000007/metadata.json       where the run stands
    checkpoints/000007/SHA256SUMS          of both, written last, for `sha256sum -c`

A checkpoint is filled under a hidden name, handed to the disk, and renamed. All of its
bytes are checked against the hashes whenever it is read, and what is returned comes
from those very bytes. One that fails is set aside under the name `broken-000007`, until
the next one is saved, so that it does not count as one of those that are kept.

The directory must belong to one process, see `w2v_jax.runlog.RunDirectory`.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from w2v_jax import durable
from w2v_jax.json_file import json_object
from w2v_jax.state_file import Arrays, arrays_in, named_leaves, read_bytes, write_state

STATE, METADATA, SUMS = "state.safetensors", "metadata.json", "SHA256SUMS"
_HIDDEN, _BROKEN = ".partial-", "broken-"
_NUMBER = re.compile("[0-9]{6,}").fullmatch
Metadata = dict[str, Any]


class BrokenCheckpointError(ValueError):
    """A checkpoint with bytes missing or changed."""


def save(
    directory: str | Path, state: Any, metadata: Mapping[str, Any], keep: int = 2
) -> Path:
    """Writes a checkpoint and removes all but the last `keep`.

    On the disk when it returns. Whatever fails or kills it before leaves the earlier
    checkpoints as they were.

    Args:
      directory: the folder of the run's checkpoints, made where it is missing.
      state: pytree of NumPy or jax arrays, one copy, not one per replica.
      metadata: anything JSON holds; integers of any size and floats come back equal.
      keep: at least 1.

    Returns:
      The checkpoint's folder.

    Raises:
      OSError: full or read-only disk, with the file's name.
      ValueError: a leaf that cannot be stored.
    """
    if keep < 1:
        raise ValueError(f"keep={keep}: must be at least 1.")
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    number = max(_numbers(folder), default=0) + 1
    path, partial = folder / f"{number:06d}", folder / f"{_HIDDEN}{number:06d}"
    try:
        partial.mkdir()
        text = json.dumps(dict(metadata), indent=2).encode() + b"\n"
        sums = {
            STATE: write_state(partial / STATE, state),
            METADATA: durable.write_hashed(partial / METADATA, [text]),
        }
        durable.write_hashed(partial / SUMS, [_sums_text(sums)])
        durable.sync_folder(partial)
        partial.replace(path)
        durable.sync_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            durable.remove(partial)
        raise
    for old in sorted(_numbers(folder))[:-keep]:
        _discard(folder / f"{old:06d}")
    return path


def latest_good(
    directory: str | Path, warn: Callable[[str], None] | None = None
) -> tuple[Path, Metadata] | None:
    """The newest checkpoint whose bytes are all as they were written.

    Reads and hashes all of it. One that fails is set aside, where the directory can be
    written, and the one before is tried.

    Args:
      directory: the folder of the run's checkpoints; it may be missing.
      warn: called with one line for each checkpoint that fails.

    Returns:
      (folder, metadata) for `restore`, or None where no good one is left.

    Raises:
      OSError: one that cannot be read for a reason other than a missing file, such as
        its permissions; falling back would then give up good work.
    """
    folder = Path(directory)
    for number in sorted(_numbers(folder), reverse=True):
        path = folder / f"{number:06d}"
        try:
            return path, _read(path)[1]
        except BrokenCheckpointError as error:
            aside = folder / f"{_BROKEN}{path.name}"
            with contextlib.suppress(OSError):
                durable.remove(aside)
                path.rename(aside)
            if warn is not None:
                warn(f"{error}: not used, set aside as {aside.name}.")
    return None


def restore(path: str | Path, like: Any) -> tuple[Any, Metadata]:
    """Reads a checkpoint, checking every byte once more.

    Args:
      path: its folder.
      like: pytree with the shapes and dtypes to expect: arrays, or the
        `jax.ShapeDtypeStruct` of `jax.eval_shape`.

    Returns:
      (state, metadata): a tree like `like` of NumPy arrays, bit for bit those saved.

    Raises:
      BrokenCheckpointError: bytes missing or changed.
      ValueError: other arrays than those of `like`; the message names the first.
    """
    path = Path(path)
    arrays, metadata = _read(path)
    wanted = named_leaves(like)
    for name in wanted.keys() | arrays.keys():
        there, needed = (_shape_of(tree.get(name)) for tree in (arrays, wanted))
        if there != needed:
            raise ValueError(f"{path / STATE}: {name} is {there}, expected {needed}.")
    leaves = [arrays[name] for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves), metadata


def _shape_of(leaf: Any) -> str:
    if leaf is None:
        return "absent"
    leaf = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return f"{leaf.dtype} {tuple(leaf.shape)}"


def _read(path: Path) -> tuple[Arrays, Metadata]:
    """Arrays and metadata from bytes that have been checked."""
    try:
        sums = (path / SUMS).read_bytes()
        text = (path / METADATA).read_bytes()
        data, state_sum = read_bytes(path / STATE)
        found = {STATE: state_sum, METADATA: hashlib.sha256(text).hexdigest()}
        if sums != _sums_text(found):
            raise ValueError(f"{path}: its bytes do not have the hashes in {SUMS}")
        return arrays_in(path / STATE, data), json_object(path / METADATA, text)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise BrokenCheckpointError(f"{error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise BrokenCheckpointError(str(error)) from None


def _sums_text(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()


def _numbers(folder: Path) -> list[int]:
    if not folder.exists():
        return []
    return [int(path.name) for path in folder.iterdir() if _NUMBER(path.name)]


def _discard(path: Path) -> None:
    """Removes a checkpoint; a kill in between leaves no half of one."""
    hidden = path.with_name(f"{_HIDDEN}{path.name}")
    path.replace(hidden)
    durable.remove(hidden)


def _sweep(folder: Path) -> None:
    """Removes what killed writers left, and what was set aside as broken."""
    for prefix in (_HIDDEN, _BROKEN):
        for leftover in folder.glob(f"{prefix}*"):
            durable.remove(leftover)
