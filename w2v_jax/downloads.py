"""Fetching one file over HTTP, held to its size and SHA-256; reading one zip member.

The standard library does the fetching; nothing is kept that fails a check.
"""

import contextlib
import errno
import hashlib
import http.client
import lzma
import os
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from w2v_jax.text_files import Progress

_BLOCK = 1 << 18
_TIMEOUT_SECONDS = 30.0


def fetch(
    url: str,
    path: Path,
    *,
    size: int,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Downloads a file of a known size to `path`, atomically.

    Args:
      url: http or https.
      path: where it goes; until it is complete and checked, beside it with .partial.
      size: bytes it must have; reading stops as soon as there are more.
      sha256: what it must hash to; None: the caller checks what is inside.
      progress: called with ("fetching <name>", bytes so far, size, "").

    Raises:
      ValueError: it cannot be fetched, or its size or hash is wrong.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    digest, done = hashlib.sha256(), 0
    try:
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,
            partial.open("wb") as file,
        ):
            while done <= size and (block := answer.read(_BLOCK)):
                digest.update(block)
                file.write(block)
                done += len(block)
                if progress:
                    progress(f"fetching {path.name}", done, size, "")
            file.flush()
            os.fsync(file.fileno())
        if done != size:
            found = f"more than {size}" if done > size else str(done)
            raise ValueError(
                f"{path}: {url} gave {found} bytes where {size} were expected; "
                "try again, or fetch the file by hand from another mirror"
            )
        if sha256 and digest.hexdigest() != sha256:
            raise ValueError(
                f"{path}: {url} gave a file with SHA-256 {digest.hexdigest()}, "
                f"not {sha256}; it is not the corpus of that name and was removed"
            )
        partial.replace(path)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ValueError(
            f"{path}: {url} cannot be fetched ({reason}); check the network, or put "
            "the file there by hand"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def zip_member(path: Path, name: str, size: int) -> Iterator[IO[bytes]]:
    """Opens one member of a zip file for reading; nothing is unpacked to disk.

    Raises:
      ValueError: the archive is damaged or cut short (also while it is read), a path
        in it climbs out of the folder, or the member is missing or has another size.
    """
    with contextlib.ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
            _check_member(path, archive, name, size)
            member = opened.enter_context(archive.open(name))
        except (*_DAMAGE, RuntimeError) as error:  # the latter: wants a password
            raise _damaged(path, error) from None
        except OSError as error:
            if error.filename:
                raise  # the file itself cannot be opened
            raise _damaged(path, error) from None
        try:
            yield member
        except _DAMAGE as error:
            raise _damaged(path, error) from None
        except OSError as error:
            if error.errno not in (None, errno.EINVAL):
                raise  # of the disk, or the caller's own
            raise _damaged(path, error) from None


# What the standard library raises for damaged headers and data, besides OSError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OverflowError,
    UnicodeDecodeError,
)


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: damaged zip ({error}); fetch it again")


def _check_member(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> None:
    """Raises ValueError unless the member is there, of that size, among safe names."""
    for other in archive.namelist():
        if _climbs_out(other):
            raise ValueError(
                f"{path}: holds {other!r}, a path out of its folder; "
                "the archive is not to be trusted, delete it"
            )
    if name not in archive.namelist():
        raise ValueError(f"{path}: holds no {name}; fetch it again")
    packed, there = archive.getinfo(name).compress_size, path.stat().st_size
    if packed > there:
        raise ValueError(
            f"{path}: its {name} takes {packed} bytes in an archive of {there}; "
            "fetch it again"
        )
    found = archive.getinfo(name).file_size
    if found != size:
        raise ValueError(
            f"{path}: its {name} has {found} bytes where {size} were expected; "
            "fetch it again"
        )


def _climbs_out(name: str) -> bool:
    """Whether a member's path is absolute or has a .. in it, on any system."""
    windows = PureWindowsPath(name)
    return (
        name.startswith(("/", "\\"))
        or bool(windows.drive)
        or ".." in windows.parts
        or ".." in PurePosixPath(name).parts
    )
