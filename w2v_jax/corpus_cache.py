"""Entries of the corpus cache: locked, complete or absent, checked by hash.

    cache_dir/corpora/<key>/            ids.int32, words.txt, counts.int64, facts.json
    cache_dir/corpora/<key>/manifest.json    size and SHA-256 of each, written last
    cache_dir/corpora/<key>.lock        advisory lock, held while an entry is made
    cache_dir/sources/<path hash>.json  a source's stamp and SHA-256

Nothing here is a program or a pickle; an entry that fails a check is made anew.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from w2v_jax.text_files import Progress

FORMAT = 1
PARTS = {"ids.int32", "words.txt", "counts.int64", "facts.json"}
_MANIFEST = "manifest.json"
_HASH_BYTES = 1 << 22
# A file written in the same tick of the clock as its stamp could change unseen.
_SETTLED_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Entry:
    """One folder of the cache, whose lock the holder of this object owns."""

    folder: Path

    def is_sound(self) -> bool:
        """Whether every part is there with the size and hash of the manifest."""
        try:
            manifest = json.loads((self.folder / _MANIFEST).read_bytes())
            if manifest["format"] != FORMAT or set(manifest["parts"]) != PARTS:
                return False
            return all(
                (self.folder / name).stat().st_size == part["size"]
                and _sha256(self.folder / name) == part["sha256"]
                for name, part in manifest["parts"].items()
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return False
        except RecursionError:  # JSON nested deeper than the parser goes
            return False

    @contextlib.contextmanager
    def replaced(self) -> Iterator[Path]:
        """Yields an empty folder that takes the entry's place once it is filled."""
        partial = self.folder.with_name(self.folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            yield partial
            _write_manifest(partial)
            shutil.rmtree(self.folder, ignore_errors=True)
            partial.rename(self.folder)
            _sync(self.folder.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


@contextlib.contextmanager
def locked_entry(
    cache_dir: Path, key: Mapping[str, Any], progress: Progress | None = None
) -> Iterator[Entry]:
    """The entry of that key; another process that wants it waits meanwhile."""
    text = json.dumps({"format": FORMAT, **key}, sort_keys=True)
    folder = cache_dir / "corpora" / hashlib.sha256(text.encode()).hexdigest()[:32]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress:
                progress("waiting", 0, 0, "for another process to encode this text")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Entry(folder)


def source_sha256(path: Path, cache_dir: Path, progress: Progress | None) -> str:
    """The SHA-256 of a file, remembered while its stamp stays the same.

    The stamp is size, inode and the times of the last change, in nanoseconds.
    """
    path = path.resolve()
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    memory = cache_dir / "sources" / f"{name}.json"
    status = path.stat()
    stamp = [
        status.st_size,
        status.st_ino,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]
    with contextlib.suppress(
        OSError, ValueError, LookupError, TypeError, RecursionError
    ):
        known = json.loads(memory.read_bytes())
        if known["stamp"] == stamp and known["path"] == str(path):
            return str(known["sha256"])
    sha256 = _sha256(path, progress)
    if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
        memory.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"path": str(path), "stamp": stamp, "sha256": sha256})
        partial = memory.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.replace(memory)
    return sha256


def _sha256(path: Path, progress: Progress | None = None) -> str:
    digest = hashlib.sha256()
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
            done += len(block)
            if progress:
                progress("hashing", done, size, "")
    return digest.hexdigest()


def _write_manifest(folder: Path) -> None:
    parts = {}
    for part in sorted(folder.iterdir()):
        parts[part.name] = {"size": part.stat().st_size, "sha256": _sha256(part)}
        _sync(part)
    with (folder / _MANIFEST).open("w") as file:
        json.dump({"format": FORMAT, "parts": parts}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _sync(folder)


def _sync(path: Path) -> None:
    """Has the kernel write a file or folder to the disk now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
