"""Whether a result can be written, asked before the hours that make it."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from w2v_jax.durable import write_whole


def check(
    flag: str,
    path: Path,
    *,
    folder: bool = False,
    beside: Sequence[str] = (),
    reads: Iterable[str | Path] = (),
) -> None:
    """Makes the folder that a result goes to, and writes there and takes it away.

    Args:
      flag: that named the path, for the message.
      path: of the file to be, or of a folder of files.
      folder: whether it is a folder.
      beside: suffixes of what else the command writes under that name.
      reads: files that must stay as they are.

    Raises:
      ValueError: nothing can be written there, or what must stay would be lost.
    """
    if path.suffix in beside:
        raise ValueError(
            f"--{flag}={path}: must be a .json file; what it shows goes beside it"
        )
    if path.resolve() in {Path(one).resolve() for one in reads}:
        raise ValueError(f"--{flag}={path}: is read here; name another file")
    home = path if folder else path.parent
    if not folder and path.is_dir():
        raise ValueError(f"--{flag}={path}: is a folder; name a file in it")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"x")
    except OSError as error:
        taken = isinstance(error, FileExistsError)
        why = f"{error.filename or home}: {'no folder' if taken else error.strerror}"
        raise ValueError(f"--{flag}={path}: {why}; give another path") from None


def save(path: Path, text: str) -> None:
    """Writes a whole result, to a folder that was taken away meanwhile too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())
