"""Corpora and evaluation sets by name.

`resolve_corpus` turns a path or a name into the path of a text file. A name is looked
for offline first; `text8` and `enwik9` are downloaded when asked for by name and not
found. What is made from an archive or a dump goes to `cache_dir`/datasets, whole or
not at all, and is made anew when it no longer has the hash it was made with.
"""

import bz2
import contextlib
import fcntl
import hashlib
import json
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from w2v_jax import wiki_dump
from w2v_jax.config_fields import did_you_mean
from w2v_jax.corpus_cache import source_sha256
from w2v_jax.downloads import fetch, zip_member
from w2v_jax.evaluation_sets import (
    DATA_DIR_VARIABLE,
    EVALUATION_SETS,
    EvaluationSet,
    data_folders,
    find_evaluation_set,
)
from w2v_jax.named_corpora import CORPORA, Corpus
from w2v_jax.text_files import Progress

__all__ = [
    "CORPORA",
    "EVALUATION_SETS",
    "Corpus",
    "EvaluationSet",
    "find_evaluation_set",
    "prepare",
    "resolve_corpus",
]

_BLOCK = 1 << 20


def resolve_corpus(
    name_or_path: str | Path,
    cache_dir: str | Path,
    progress: Progress | None = None,
) -> Path:
    """The text file that a path or the name of a corpus stands for.

    A path that exists wins over a name.

    Raises:
      ValueError: neither a file nor a known name (with the nearest one); a corpus
        that is not on this machine and cannot be fetched; a wrong size or SHA-256.
      OSError: the cache directory cannot be written, say.
    """
    path = Path(name_or_path)
    if str(name_or_path) and path.exists():
        return path
    if str(name_or_path) not in CORPORA:
        known = list(CORPORA)
        hint = did_you_mean(str(name_or_path), known)
        raise ValueError(
            f"{name_or_path}: no such file, and no corpus of that name; "
            f"known are {', '.join(known)}.{hint}"
        )
    return prepare(CORPORA[str(name_or_path)], Path(cache_dir), progress)


def prepare(corpus: Corpus, cache_dir: Path, progress: Progress | None = None) -> Path:
    """The text file of a corpus: found, or fetched and made from what was found.

    Raises:
      ValueError: it is not on this machine and cannot be fetched, or has the wrong
        size or SHA-256.
      OSError: the cache directory cannot be written, say.
    """
    folder = cache_dir / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{corpus.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _offline(corpus)
        if found and not corpus.dump and found.suffix != ".zip":
            _check(corpus, found, source_sha256(found, cache_dir, progress))
            return found
        text = folder / f"{corpus.name}.txt"
        recipe = {"sha256": corpus.sha256}
        if corpus.dump:
            recipe["cleaning"] = wiki_dump.VERSION
            recipe["unicode"] = unicodedata.unidata_version
        if _is_ready(text, recipe, cache_dir):
            return text
        if found:
            _make(corpus, found, text, recipe, progress)
            return text
        archive = _download(corpus, folder, progress)
        try:
            _make(corpus, archive, text, recipe, progress)
        finally:
            archive.unlink()
        return text


def _offline(corpus: Corpus) -> Path | None:
    """The corpus, packed or unpacked, in one of the data folders."""
    names = [corpus.file] + ([corpus.member] if corpus.member else [])
    for folder in data_folders():
        for below in (".", "corpora"):
            for name in names:
                if (path := folder / below / name).is_file():
                    return path
    return None


def _download(corpus: Corpus, folder: Path, progress: Progress | None) -> Path:
    if corpus.url is None:
        raise ValueError(
            f"{corpus.name}: {corpus.file} is not on this machine and cannot be "
            f"fetched; {corpus.remedy}, or put it in a folder and name that in the "
            f"environment variable {DATA_DIR_VARIABLE}"
        )
    path = folder / corpus.file
    fetch(
        corpus.url,
        path,
        size=corpus.url_size,
        sha256=corpus.url_sha256,
        progress=progress,
    )
    return path


def _check(corpus: Corpus, path: Path, sha256: str) -> None:
    if sha256 != corpus.sha256:
        raise ValueError(
            f"{path}: its SHA-256 is {sha256}, that of {corpus.name} is "
            f"{corpus.sha256}; it is damaged or another text: remove it, or use it "
            "under its path"
        )


def _record(text: Path) -> Path:
    return text.with_suffix(".json")


def _is_ready(text: Path, recipe: dict[str, str], cache_dir: Path) -> bool:
    """Whether the text was made by this recipe and has not changed since."""
    try:
        record = json.loads(_record(text).read_bytes())
        return bool(
            record["recipe"] == recipe
            and record["text_sha256"] == source_sha256(text, cache_dir, None)
        )
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _make(
    corpus: Corpus,
    source: Path,
    text: Path,
    recipe: dict[str, str],
    progress: Progress | None,
) -> None:
    """Unpacks or cleans the source into `text`, and records the recipe beside it."""
    partial = text.with_suffix(".partial")
    try:
        with _opened(corpus, source) as stream, partial.open("wb") as file:
            reader = _HashedReader(stream, corpus, progress)
            digest = hashlib.sha256()
            try:
                for block in _text_of(corpus, source, reader):
                    digest.update(block)
                    file.write(block)
            except (EOFError, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                _check(corpus, source, reader.finish())
                raise ValueError(f"{source}: {error}") from None
            _check(corpus, source, reader.finish())
            file.flush()
            os.fsync(file.fileno())
        _record(text).unlink(missing_ok=True)
        partial.replace(text)
    finally:
        partial.unlink(missing_ok=True)
    record = {"recipe": recipe, "text_sha256": digest.hexdigest()}
    partial.write_text(json.dumps(record, indent=1))
    partial.replace(_record(text))


@contextlib.contextmanager
def _opened(corpus: Corpus, source: Path) -> Iterator[IO[bytes]]:
    """The bytes that `corpus.sha256` hashes."""
    if source.suffix == ".zip" and corpus.member:
        with zip_member(source, corpus.member, corpus.size) as stream:
            yield stream
    else:
        with source.open("rb") as stream:
            yield stream


def _text_of(corpus: Corpus, source: Path, reader: Any) -> Iterator[bytes]:
    """The text of the corpus, in pieces."""
    stream = bz2.BZ2File(reader) if source.suffix == ".bz2" else reader
    if corpus.dump:
        for line in wiki_dump.word_lines(stream, cut_short=corpus.cut_short):
            yield line.encode() + b"\n"
    else:
        while block := stream.read(_BLOCK):
            yield block


class _HashedReader:
    """A stream whose bytes are hashed and reported as they pass."""

    def __init__(
        self, stream: IO[bytes], corpus: Corpus, progress: Progress | None
    ) -> None:
        self._stream, self._progress = stream, progress
        self._task, self._size = f"preparing {corpus.name}", corpus.size
        self._digest, self._done = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        self._done += len(data)
        if self._progress:
            self._progress(self._task, self._done, self._size, "")
        return data

    def finish(self) -> str:
        """Reads to the end; the SHA-256 of everything."""
        while self.read(_BLOCK):
            pass
        return self._digest.hexdigest()
