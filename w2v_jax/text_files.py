"""A text file as pieces of valid UTF-8, in bounded memory.

Plain, gzip, bzip2 and Zstandard files look the same from here on. A piece ends where
a token cannot: at white space, or at the end of a line. Reading, hashing and
decompressing go on in a thread while the caller works on the piece before.
"""

import bz2
import gzip
import hashlib
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol

PIECE_BYTES = 1 << 19
LONGEST_WORD_BYTES = 1 << 24
LONGEST_LINE_BYTES = 1 << 18

Progress = Callable[[str, int, int, str], None]
"""report(task, done, total, note); done and total are bytes of the source file."""

_BZ2_MAGIC = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
# Compressed bytes unpacked at a time. bzip2 bounds what comes out; Zstandard gives all
# that its input unpacks to, up to 128 kB for each 4 bytes of a hostile frame.
_BZ2_BITE, _ZSTD_BITE = 1 << 16, 1 << 7
_BOM = b"\xef\xbb\xbf"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TextFile:
    """Reads one file once.

    After the last piece `sha256` is that of the file's own (compressed) bytes, and
    `invalid_bytes` the number of bytes that were not UTF-8 and were replaced or
    dropped. `bytes_read` counts the file's own bytes so far, of `size`.

    Raises:
      OSError: the file is missing or cannot be read.
      ValueError: not a regular file (a directory, a pipe), or an unknown policy.
    """

    def __init__(self, path: str | Path, invalid_utf8: str = "strict") -> None:
        self.path = Path(path)
        if invalid_utf8 not in ("strict", "replace", "skip"):
            raise ValueError(
                f"invalid_utf8={invalid_utf8}: must be strict, replace or skip."
            )
        self.invalid_utf8 = invalid_utf8
        self.invalid_bytes = 0
        self.bytes_read = 0
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path}: not a regular file; name a text file or archive")
        self.size = status.st_size
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of the bytes read so far: the file's, once all pieces are taken."""
        return self._digest.hexdigest()

    def pieces(self, *, whole_lines: bool = False) -> Iterator[bytes]:
        """Valid UTF-8 without NUL (taken as a space) and without a leading BOM.

        Every piece but the last ends with ASCII white space, so no token is cut; with
        `whole_lines` with a newline, unless a line is longer than
        `LONGEST_LINE_BYTES`: such a line is cut at white space, else between two
        characters.

        Raises:
          ValueError: an archive that is damaged or cut short, bytes that are not UTF-8
            under "strict", or no white space within `LONGEST_WORD_BYTES`.
        """
        offset = 0
        kept: list[bytes] = []
        held = 0
        for block in self._blocks():
            cut = _cut(block, whole_lines=whole_lines, held=held)
            if cut == 0 and not whole_lines and held > LONGEST_WORD_BYTES:
                raise ValueError(
                    f"{self.path}: byte {offset} of the text: no white space within "
                    f"{LONGEST_WORD_BYTES} bytes; is this text divided into words? "
                    "(tokenizer=characters takes text without spaces)"
                )
            if cut == 0:
                kept.append(block)
                held += len(block)
                continue
            kept.append(block[:cut])
            piece = b"".join(kept)
            yield self._valid(piece, offset)
            offset += len(piece)
            kept = [block[cut:]]
            held = len(kept[0])
        yield self._valid(b"".join(kept), offset)

    def _blocks(self) -> Iterator[bytes]:
        """Decompressed blocks, the next one read while this one is worked on."""
        with self.path.open("rb") as file, ThreadPoolExecutor(1) as pool:
            source = _HashedSource(file, self)
            reader = self._decompressor(source)
            ahead = pool.submit(self._read, reader)
            while block := ahead.result():
                ahead = pool.submit(self._read, reader)
                yield block

    def _decompressor(self, source: "_HashedSource") -> _Readable:
        suffix = self.path.suffix.lower()
        head = source.peek()
        kinds: dict[str, tuple[bool, Callable[[Any], _Readable]]] = {
            ".gz": (head.startswith(b"\x1f\x8b"), lambda s: gzip.GzipFile(fileobj=s)),
            ".bz2": (
                bool(_BZ2_MAGIC.match(head)),
                lambda s: _FrameReader(s, bz2.BZ2Decompressor, _BZ2_BITE),
            ),
            ".zst": (
                head.startswith(b"\x28\xb5\x2f\xfd"),
                lambda s: _FrameReader(s, _ZstdFrame, _ZSTD_BITE),
            ),
        }
        for recognised, opener in kinds.values():
            if recognised:
                return opener(source)
        if suffix in kinds and self.size:
            raise ValueError(
                f"{self.path}: named {suffix}, but its first bytes are not those of "
                "such an archive; fetch it again, or rename it if it is plain text"
            )
        return source

    def _read(self, reader: _Readable) -> bytes:
        import zstandard

        try:
            return reader.read(PIECE_BYTES)
        except (EOFError, zlib.error, zstandard.ZstdError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(
                f"{self.path}: the archive is damaged or cut short near byte "
                f"{self.bytes_read} of {self.size} ({error}); fetch or copy it again"
            ) from None

    def _valid(self, piece: bytes, offset: int) -> bytes:
        if offset == 0 and piece.startswith(_BOM):
            return self._valid(piece.removeprefix(_BOM), len(_BOM))
        if b"\0" in piece:
            piece = piece.replace(b"\0", b" ")
        if piece.isascii():
            return piece
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            if self.invalid_utf8 == "strict":
                raise ValueError(
                    f"{self.path}: byte {offset + error.start} of the text: not UTF-8 "
                    f"({error.reason}); convert the file (iconv -f ENCODING -t UTF-8), "
                    "or set invalid_utf8 to replace or skip"
                ) from None
            dropped = piece.decode(errors="ignore").encode()
            self.invalid_bytes += len(piece) - len(dropped)
            if self.invalid_utf8 == "skip":
                return dropped
            return piece.decode(errors="replace").encode()
        return piece


class _HashedSource:
    """The file's own bytes, hashed and counted as they pass."""

    def __init__(self, file: IO[bytes], owner: TextFile) -> None:
        self._file, self._owner = file, owner

    def peek(self) -> bytes:
        head = self._file.read(10)
        self._file.seek(0)
        return head

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._owner._digest.update(data)
        self._owner.bytes_read += len(data)
        return data


class _FrameReader:
    """bzip2 streams or Zstandard frames, one after the other, to their very end.

    The readers of the libraries stop without a word at a Zstandard frame that is cut
    short and at a damaged header of a later bzip2 stream; here both are errors.
    """

    def __init__(
        self, source: _Readable, new_frame: Callable[[], Any], bite: int
    ) -> None:
        self._source, self._new_frame, self._bite = source, new_frame, bite
        self._frame = new_frame()
        self._compressed = b""
        self._text = bytearray()
        self._inside = False

    def read(self, size: int, /) -> bytes:
        while len(self._text) < size and self._advance():
            pass
        data = bytes(self._text[:size])
        del self._text[:size]
        return data

    def _advance(self) -> bool:
        """Unpacks a little more; False at the end of the file."""
        if not self._compressed and self._frame.needs_input:
            self._compressed = self._source.read(self._bite)
            if not self._compressed:
                if self._inside:
                    raise EOFError("the last part of the archive has no end")
                return False
        self._inside = True
        self._text += self._frame.decompress(self._compressed, PIECE_BYTES)
        self._compressed = b""
        if self._frame.eof:
            self._compressed = self._frame.unused_data
            self._frame = self._new_frame()
            self._inside = False
        return True


class _ZstdFrame:
    """A Zstandard frame with the interface of `bz2.BZ2Decompressor`."""

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes, limit: int) -> bytes:
        return self._frame.decompress(data)

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data


def _cut(block: bytes, *, whole_lines: bool, held: int) -> int:
    """How many bytes of a block end the piece; 0 to go on with the next block."""
    newline = block.rfind(b"\n") + 1
    if whole_lines:
        if newline or held + len(block) <= LONGEST_LINE_BYTES:
            return newline
        return _space_end(block) or _character_end(block)
    return max(newline, block.rfind(b" ") + 1) or _space_end(block)


def _space_end(block: bytes) -> int:
    """Just after the last white space (ASCII or ideographic), 0 if there is none."""
    ascii_end = max(block.rfind(space) + 1 for space in (b" ", b"\t", b"\r"))
    ideographic = block.rfind(b"\xe3\x80\x80")
    return ascii_end or (ideographic + 3 if ideographic >= 0 else 0)


def _character_end(block: bytes) -> int:
    """The end of the last complete UTF-8 character."""
    for back in range(1, min(4, len(block) + 1)):
        byte = block[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) - back if back < needed else len(block)
    # A block too short to show where its last character began decides nothing.
    return len(block) if len(block) > 3 or block.isascii() else 0
