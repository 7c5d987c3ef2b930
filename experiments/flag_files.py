"""Flag files, --flagfile=FILE: a flag a line, put in the place of that argument.

Empty lines and those that begin with # or // are passed over; a file may name others.
absl does the same, but takes bytes that are no text for a defect, warns and goes on
where files name each other in a circle, and does not say where a bad flag stands.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from w2v_jax.formats.checks import shown

LARGEST = 1 << 20  # bytes of one file
LONGEST_NAME = 64  # characters
MOST = 10_000  # flags of all of them together
_DIRECTIVE = re.compile("--?flagfile(?:=(.*))?", re.DOTALL).fullmatch


class Flag(NamedTuple):
    """One argument, and the file and line it comes from ("" for the command line)."""

    text: str
    place: str = ""

    @property
    def name(self) -> str:
        """The flag's name, dashes and value left out."""
        return self.text.lstrip("-").partition("=")[0]


def expanded(arguments: Sequence[str]) -> list[Flag]:
    """The arguments with those of flag files in their places.

    Raises:
      OSError: a file that cannot be read.
      ValueError: one that is no flag file; the message names the line.
    """
    found: list[Flag] = []
    rest = iter(arguments)
    for argument in rest:
        directive = _DIRECTIVE(argument)
        if directive is None:
            if argument == "--":
                found.append(Flag(argument))
                break
            found.append(_plausible(Flag(argument)))
            continue
        name = next(rest, None) if directive[1] is None else directive[1]
        if not name:
            raise ValueError("--flagfile: missing; name a file")
        for flag in _flags(Path(os.path.expanduser(name)), ()):
            found.append(_plausible(flag))
            if len(found) > MOST:
                raise ValueError(f"{flag.place}: more than {MOST} flags; remove some")
    return found + [Flag(argument) for argument in rest]


def _plausible(flag: Flag) -> Flag:
    """Refuses what is no text, and a name so long that absl loses itself in it."""
    if flag.text.startswith("-") and len(flag.name) > LONGEST_NAME:
        begin = f"{flag.place}: " if flag.place else ""
        raise ValueError(
            f"{begin}{shown(flag.text)}: unknown flag. --help lists every flag."
        )
    try:
        flag.text.encode()
    except UnicodeEncodeError:  # of a file's name, which no result could quote
        raise ValueError(f"{shown(flag.text)}: not UTF-8; rename the file") from None
    return flag


def check_numbers(values: Mapping[str, Any]) -> None:
    """Refuses --x=nan, which passes every bound."""
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"--{name}=nan: must be finite.")


def _flags(path: Path, within: tuple[Path, ...]) -> Iterator[Flag]:
    for number, line in enumerate(_lines(path), 1):
        place, line = f"{path}: line {number}", line.strip()
        if not line or line.startswith(("#", "//")):
            continue
        if not line.startswith("-"):
            raise ValueError(f"{place}: expected --name=value, not {shown(line)}")
        directive = _DIRECTIVE(line)
        if directive is None:
            yield Flag(line, place)
            continue
        inner = Path(os.path.expanduser((directive[1] or "").strip()))
        if not directive[1] or inner in (*within, path):
            raise ValueError(
                f"{place}: {shown(line)}: expected another file, none that leads back"
            )
        try:
            yield from _flags(inner, (*within, path))
        except OSError as error:
            raise ValueError(
                f"{place}: {inner}: {error.strerror}; name a file of flags"
            ) from None


def _lines(path: Path) -> list[str]:
    """The lines of a text file of reasonable size."""
    if "\0" in str(path):
        raise ValueError(f"{shown(str(path))}: no name of a file; name a file of flags")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: not a regular file; name a file of flags")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path}: longer than {LARGEST} bytes; name a file of flags")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: byte {error.start}: not UTF-8; convert the file to UTF-8"
        ) from None
    if "\0" in text:
        place = len(text[: text.index("\0")].encode())
        raise ValueError(f"{path}: byte {place}: NUL; name a file of flags, as text")
    return text.split("\n")


def placed(message: str, given: Sequence[Flag]) -> str:
    """A message about a flag, begun with the file and line that the flag comes from."""
    for flag in reversed(given):
        name = re.escape(flag.name)
        if re.search(rf"(^|\s)-+(no)?{name}([=:\s']|$)", message):
            return f"{flag.place}: {message}" if flag.place else message
    return message
