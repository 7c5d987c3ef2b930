"""A text file to int32 word ids on disk, encoded once and reused.

One pass over the text gives every word a number by first appearance; counts follow by
`bincount`, and the numbers are then put in order of frequency on disk. The ids cover
the whole vocabulary, so that a run with any min_count reads the same file: word i is
kept if i < V.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from w2v_jax import corpus_cache, durable
from w2v_jax.text_files import Progress, TextFile
from w2v_jax.tokenizer import Tokenizer, get_tokenizer
from w2v_jax.word_ids import SENTENCE_END, WordIds

_BLOCK_IDS = 1 << 20


@dataclasses.dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as word ids on disk, with every word it holds.

    ids: int32 [P], read-only, P = raw_words + sentences: a word's rank by count, most
      frequent first, equal counts by first appearance; -1 ends each sentence, the
      last one too. A sentence is a line that holds a word.
    words: the word of each id, [types].
    counts: int64 [types], occurrences of each word, never increasing.
    raw_words: words of the corpus, rare ones included.
    sentences: lines that hold a word.
    source_sha256: hash of the file's own bytes (of the archive, if it is one).
    tokenizer, tokenizer_version: what divided the text.
    invalid_bytes: bytes that were not UTF-8 and were replaced or dropped.
    path: the source file.
    reused: whether the encoding was found in the cache.
    """

    ids: npt.NDArray[np.int32]
    words: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    raw_words: int
    sentences: int
    source_sha256: str
    tokenizer: str
    tokenizer_version: str
    invalid_bytes: int
    path: Path
    reused: bool


def encode(
    path: str | Path,
    *,
    tokenizer: str = "whitespace",
    invalid_utf8: str = "strict",
    max_words: int = 0,
    cache_dir: str | Path,
    progress: Progress | None = None,
) -> EncodedCorpus:
    """The word ids of a text file (plain, gzip, bzip2 or Zstandard).

    The encoding is kept below `cache_dir`/corpora under a key of the file's SHA-256,
    the tokenizer and its version, the policy for invalid bytes and `max_words`. An
    entry is complete or absent; its hashes are checked each time, and a damaged one
    is made anew. Processes that want the same entry wait for each other.

    Args:
      path: the text. Lines are sentences. A byte order mark is dropped, NUL counts as
        white space. (word2vec.c cuts lines into sentences of 1,000 words; here a
        sentence has no largest length.)
      tokenizer: a name of `w2v_jax.tokenizer`.
      invalid_utf8: bytes that are not UTF-8 are an error ("strict"), become U+FFFD
        ("replace") or vanish ("skip").
      max_words: read only the first so many words; 0: all.
      cache_dir: made if it does not exist.
      progress: called with (task, done, total, note), in bytes of the source file.

    Raises:
      OSError: the file is missing or unreadable, the cache directory not writable.
      ValueError: the file is not regular, empty or without a word, damaged, not UTF-8
        (strict), or changed while it was read; or a bad argument.
    """
    divider = get_tokenizer(tokenizer)
    if max_words < 0:
        raise ValueError(f"max_words={max_words}: must be at least 0.")
    source = TextFile(path, invalid_utf8)
    sha256 = corpus_cache.source_sha256(source.path, Path(cache_dir), progress)
    key = {
        "source_sha256": sha256,
        "tokenizer": divider.name,
        "tokenizer_version": divider.version,
        "invalid_utf8": invalid_utf8,
        "max_words": max_words,
    }
    with corpus_cache.locked_entry(Path(cache_dir), key, progress) as entry:
        reused = entry.is_sound()
        if not reused:
            with durable.named(Path(cache_dir)), entry.replaced() as folder:
                _write(folder, source, divider, key, progress)
        return _read(entry.folder, source.path, reused=reused)


def _write(
    folder: Path,
    source: TextFile,
    tokenizer: Tokenizer,
    key: dict[str, Any],
    progress: Progress | None,
) -> None:
    """Encodes the source into a folder: ids, words, counts and facts."""
    word_ids = WordIds(tokenizer)
    with (folder / "ids.int32").open("w+b") as file:
        _first_pass(file, source, word_ids, key["max_words"], progress)
        if source.sha256 != key["source_sha256"] and not key["max_words"]:
            raise ValueError(f"{source.path}: changed while it was read; try again")
        counts = _count(file, len(word_ids), progress)
        sentences = int(counts[SENTENCE_END])
        counts[SENTENCE_END] = 0
        raw_words = int(counts.sum())
        if raw_words == 0:
            what = "no word in it" if source.size else "empty"
            raise ValueError(f"{source.path}: {what}; name a file that holds text")
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        ranks = np.full(counts.size, -1, np.int32)
        ranks[order] = np.arange(order.size, dtype=np.int32)
        _remap(file, ranks)
    names = word_ids.words()
    (folder / "words.txt").write_bytes(b"\n".join([names[i] for i in order.tolist()]))
    counts[order].astype("<i8").tofile(folder / "counts.int64")
    facts = {
        "raw_words": raw_words,
        "sentences": sentences,
        "types": int(order.size),
        "invalid_bytes": source.invalid_bytes,
    }
    (folder / "facts.json").write_text(json.dumps(key | facts, indent=1))


def _first_pass(
    file: IO[bytes],
    source: TextFile,
    word_ids: WordIds,
    max_words: int,
    progress: Progress | None,
) -> None:
    """Writes ids by first appearance."""
    raw_words = 0
    at_sentence_end = True
    whole_lines = word_ids.tokenizer.name != "whitespace"
    for piece in source.pieces(whole_lines=whole_lines):
        ids = word_ids.assign(piece)
        words = int(np.count_nonzero(ids != SENTENCE_END))
        if max_words and raw_words + words >= max_words:
            ids = ids[: np.flatnonzero(ids)[max_words - raw_words - 1] + 1]
            words = max_words - raw_words
        raw_words += words
        file.write(ids.astype("<i4", copy=False).data)
        if ids.size:
            at_sentence_end = bool(ids[-1] == SENTENCE_END)
        if progress:
            note = f"{raw_words:,} words"
            progress("encoding", source.bytes_read, source.size, note)
        if max_words and raw_words == max_words:
            break
    if not at_sentence_end:
        file.write(np.array([SENTENCE_END], "<i4").tobytes())


def _count(
    file: IO[bytes], ids: int, progress: Progress | None
) -> npt.NDArray[np.int64]:
    """How often each id stands in the file, int64 [ids]."""
    counts = np.zeros(ids, np.int64)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    while block := file.read(4 * _BLOCK_IDS):
        counts += np.bincount(np.frombuffer(block, "<i4"), minlength=ids)
        if progress:
            progress("counting", file.tell(), size, "")
    return counts


def _remap(file: IO[bytes], ranks: npt.NDArray[np.int32]) -> None:
    """Puts ranks[id] for every id of the file, in place, some MB at a time."""
    file.seek(0)
    while ids := file.read(4 * _BLOCK_IDS):
        file.seek(-len(ids), 1)
        file.write(ranks[np.frombuffer(ids, "<i4")].astype("<i4", copy=False).data)
    file.flush()


def _read(folder: Path, path: Path, *, reused: bool) -> EncodedCorpus:
    facts = json.loads((folder / "facts.json").read_text())
    counts = np.fromfile(folder / "counts.int64", "<i8")
    counts.flags.writeable = False
    return EncodedCorpus(
        ids=np.memmap(folder / "ids.int32", "<i4", mode="r"),
        words=tuple((folder / "words.txt").read_bytes().decode().split("\n")),
        counts=counts,
        raw_words=facts["raw_words"],
        sentences=facts["sentences"],
        source_sha256=facts["source_sha256"],
        tokenizer=facts["tokenizer"],
        tokenizer_version=facts["tokenizer_version"],
        invalid_bytes=facts["invalid_bytes"],
        path=path,
        reused=reused,
    )
