"""Whether a result can be written, asked before the hours that make it."""

import tempfile
from pathlib import Path


def check(flag: str, path: Path, *, folder: bool = False) -> None:
    """Makes the folder that a result goes to, and writes there and takes it away.

    Args:
      flag: that named the path, for the message.
      path: of the file to be, or of a folder of files.
      folder: whether it is a folder.

    Raises:
      ValueError: nothing can be written there.
    """
    home = path if folder else path.parent
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"x")
    except OSError as error:
        taken = isinstance(error, FileExistsError)
        why = f"{error.filename or home}: {'no folder' if taken else error.strerror}"
        raise ValueError(f"--{flag}={path}: {why}; give another path") from None
