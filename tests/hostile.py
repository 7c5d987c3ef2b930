"""Files as strangers send them: mutations, and a reader held to what it promises.

`judged` reads one file under a limit of time and memory. Either there is a result, or
one ValueError of one line that begins with the file's path and says what to do.
"""

import contextlib
import re
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

SECONDS = 20  # of the processor, so that a busy machine is no fault
ROOM = 100 << 20  # memory allowed beyond the size of the file
PAGES = 16 << 20  # stacks of threads that a reader starts, counted where they lie

TOKENS = (
    b"",
    b"\0",
    b" ",
    b"\n",
    b"\r\n",
    b"\t",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    "\u3000".encode(),
    "\u2028".encode(),
    b"nan",
    b"-inf",
    b"1e999",
    b"-1",
    b"0",
    b"-0.0",
    b"1_0",
    "٣".encode(),
    b"2147483648",
    b"9" * 19,
    b"9" * 400,
    b"{",
    b"[" * 2000,
    b'"',
    b"null",
    b"true",
    b"../../x",
    b"%s",
    b"\\N",
    b"--",
    b":",
    b"#",
    b"/",
)
_NUMBER = re.compile(rb"-?\d+(\.\d+)?(e-?\d+)?")


def _place(data: bytearray, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _stretch(data: bytearray, chance: Random) -> slice:
    start = _place(data, chance)
    return slice(start, start + chance.choice((1, 2, 4, 8, 30, 200)))


def flip(data: bytearray, chance: Random) -> None:
    """One bit."""
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: Random) -> None:
    """Up to eight bytes, where they are."""
    start = _place(data, chance)
    new = chance.randbytes(chance.randint(1, 8))
    data[start : start + len(new)] = new


def cut_short(data: bytearray, chance: Random) -> None:
    """The end is missing."""
    del data[_place(data, chance) :]


def leave_out(data: bytearray, chance: Random) -> None:
    """A stretch is missing."""
    del data[_stretch(data, chance)]


def repeat(data: bytearray, chance: Random) -> None:
    """A stretch stands twice."""
    place = _stretch(data, chance)
    data[place.start : place.start] = data[place]


def insert(data: bytearray, chance: Random) -> None:
    """A token where none belongs."""
    start = _place(data, chance)
    data[start:start] = chance.choice(TOKENS)


def other_number(data: bytearray, chance: Random) -> None:
    """One of the first numbers becomes another token."""
    found = [match.span() for match in _NUMBER.finditer(bytes(data[:2000]))][:20]
    if found:
        start, stop = chance.choice(found)
        data[start:stop] = chance.choice(TOKENS)


def other_line(data: bytearray, chance: Random) -> None:
    """A line comes twice, goes, changes places, or becomes a token."""
    lines = bytes(data).split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            lines.insert(other, lines[one])
        case 1:
            del lines[one]
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            lines[one] = chance.choice(TOKENS)
    data[:] = b"\n".join(lines)


def windows(data: bytearray, _: Random) -> None:
    """CRLF line ends and a byte order mark."""
    data[:] = b"\xef\xbb\xbf" + bytes(data).replace(b"\n", b"\r\n")


def huge_word(data: bytearray, chance: Random) -> None:
    """Two megabytes without a space."""
    start = _place(data, chance)
    data[start:start] = chance.choice((b"x", b"9", b"\0", b"\xff")) * (2 << 20)


def junk(data: bytearray, chance: Random) -> None:
    """Nothing of the file is left."""
    data[:] = chance.randbytes(chance.choice((0, 1, 10, 1000)))


_COMMON = (flip, overwrite, cut_short, leave_out, repeat, insert, other_number)
MUTATIONS: tuple[Callable[[bytearray, Random], None], ...]
MUTATIONS = (*_COMMON * 3, other_line, other_line, windows, junk)


def mutated(data: bytes, chance: Random) -> bytes:
    """The bytes after one to six mutations; one in fifty gets a huge word."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        chance.choice(MUTATIONS)(changed, chance)
    if chance.random() < 0.02:
        huge_word(changed, chance)
    return bytes(changed)


@contextlib.contextmanager
def limits(size: int) -> Iterator[None]:
    """Ends a reader that hangs, and refuses it more memory than it may take."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"no answer within {SECONDS} seconds")

    status = Path("/proc/self/status").read_text()
    now = int(status.partition("VmData:")[2].split()[0]) * 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    handler = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    resource.setrlimit(resource.RLIMIT_DATA, (now + size + ROOM + PAGES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


def judged(read: Callable[[Path], Any], path: Path) -> str | None:
    """None where there is a result, else the message of the refusal."""
    try:
        with limits(path.stat().st_size):
            read(path)
    except ValueError as error:
        return blameless(str(error), path)
    return None


# What a message may point at within a file, and how it tells what to do.
_WHERE = re.compile(
    r"(line|byte|row|word|words|tensor|array|member|header|field|arrays|config) "
    r"|\.npy|SHA256SUMS|empty|no (pairs|questions|vectors|word)|archive|zip|JSON"
    r"|input|bytes"
)
_REMEDY = re.compile(
    r"\b(copy|fetch|export|write|train|mend|correct|convert|remove|delete|restore"
    r"|use|name|expected|needs?|needed|sort|choose|rename|give|unpack|it should"
    r"|reads? it|keeps the first|split|put|lower|not used|help|Did you mean|must be"
    r"|takes|does not take|overwrite)\b"
)


def blameless(message: str, path: Path) -> str:
    """Holds a message to its form."""
    rest = message.replace(str(path.parent), "")
    for holds, what in (
        (message.startswith(str(path.parent)), "no file at its beginning"),
        ("\n" not in message, "several lines"),
        (len(message) < 1500, "endless"),
        (_WHERE.search(rest), "no place"),
        (_REMEDY.search(rest), "no remedy"),
    ):
        assert holds, f"{what}: {message[:300]}"
    return message
