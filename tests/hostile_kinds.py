"""Every kind of file that comes from outside, and how it is read.

A kind knows how to write a good file into a folder, which of its files to damage, and
how to read them. What is packed is damaged inside and outside.
"""

import bz2
import gzip
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import zstandard

from tests import hostile_runs as runs
from tests.hostile import mutated
from w2v_jax import corpus, downloads
from w2v_jax.evaluation.counts import read_counts
from w2v_jax.evaluation.suites import judge
from w2v_jax.vectors import Vectors
from w2v_jax.vocabulary import Vocabulary

WORDS = ["the", "of", "Zürich", "词", "x2", "--", "an", "river"]
MATRIX = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
TEXT = "the river of Zürich\n词 an x2 the\n\nthe of -- the river\n" * 4
Pack = Callable[[bytes], bytes]


class Kind(NamedTuple):
    """How to make a good file of a kind, and to read it.

    Attributes:
      write: fills an empty folder and returns the files that may be damaged.
      read: reads the one that was; raises ValueError where it refuses.
      unpack, pack: of files whose inside is damaged too.
    """

    write: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]
    unpack: Pack | None = None
    pack: Pack | None = None
    mend: Callable[[Path], None] = lambda path: None


def damaged(kind: Kind, folder: Path, chance: Random) -> Path:
    """A folder of a kind with one file mutated, inside or outside its packing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = chance.choice(kind.write(folder))
    data = path.read_bytes()
    if kind.pack and kind.unpack and chance.random() < 0.5:
        data = kind.pack(mutated(kind.unpack(data), chance))
    else:
        data = mutated(data, chance)
    path.write_bytes(data)
    kind.mend(path)
    return path


# Vectors.


def _vectors(name: str, pack: Pack = bytes, words: list[str] = WORDS) -> Any:
    def write(folder: Path) -> list[Path]:
        plain = folder / name.removesuffix(".gz")
        Vectors(words, MATRIX).save(plain)
        made = sorted(folder.iterdir())
        if pack is not bytes:
            (folder / name).write_bytes(pack(plain.read_bytes()))
            plain.unlink()
            return [folder / name]
        return made

    return write


def _load(path: Path) -> None:
    if path.name.endswith("_metadata.tsv"):
        path = path.with_name("v.tsv")
    found = Vectors.load(path)
    assert len(found.words) == len(set(found.words)) == len(found.matrix)
    assert np.isfinite(found.matrix).all()


def _pressed(folder: Path) -> list[Path]:
    path = folder / "v.npz"
    np.savez_compressed(path, words=np.array(WORDS), matrix=MATRIX)
    return [path]


def _members(data: bytes) -> bytes:
    """Both arrays of an archive, one behind the other."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [archive.read(name) for name in archive.namelist()]
    return len(parts[0]).to_bytes(4, "little") + b"".join(parts)


def _archive(data: bytes) -> bytes:
    """An archive of two arrays that were damaged."""
    length, rest = int.from_bytes(data[:4], "little"), data[4:]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("words.npy", rest[:length])
        archive.writestr("matrix.npy", rest[length:])
    return out.getvalue()


def _bare(folder: Path) -> list[Path]:
    """A table without its words, which vocabulary.tsv holds."""
    from safetensors.numpy import save_file

    save_file({"output_vectors": MATRIX}, folder / "output_vectors.safetensors")
    _vocabulary(folder)
    return sorted(folder.iterdir())


def _load_beside(path: Path) -> None:
    _load(path.with_name("output_vectors.safetensors"))


# Vocabularies and evaluation sets.


def _vocabulary(folder: Path) -> list[Path]:
    counts = np.array([9000, 700, 60, 60, 5, 4, 2, 1])
    Vocabulary(tuple(WORDS), counts).save_tsv(folder / "vocabulary.tsv")
    return [folder / "vocabulary.tsv"]


def _load_vocabulary(path: Path) -> None:
    found = Vocabulary.load_tsv(path)
    assert found.counts.sum() >= len(found) == len(set(found.words))
    assert read_counts(path)


def _text(name: str, text: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return [path]

    return write


_GOOD = Vectors([*WORDS, "cat", "cats", "ox", "oxen"], np.eye(12, dtype=np.float32))
PAIRS = "# set\nword1,word2,score\nthe,of,7.35\nZürich,river,.5\ncat,ox,1e1\n"
ANALOGIES = ": capital\nthe of an river\n: plural\ncat cats ox oxen\nox oxen cat cats\n"
BATS = "cat\tcats\nox\toxen/oxes\nriver\trivers\n"


def _evaluate(path: Path) -> None:
    """As `experiments.evaluate` does: by what the first lines hold."""
    judge(_GOOD, {"set": path}, 0)


def _evaluate_folder(path: Path) -> None:
    judge(_GOOD, {"set": path.parent}, 0)


# Corpora.


def _zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def _unzst(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)


def _corpus(suffix: str, pack: Pack = bytes) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        path = folder / f"text{suffix}"
        path.write_bytes(pack(TEXT.encode()))
        return [path]

    return write


def _encode(path: Path) -> None:
    # Which tokenizer and which policy: a function of the file.
    kind = len(path.read_bytes())
    found = corpus.encode(
        path,
        tokenizer=("whitespace", "characters")[kind % 2],
        invalid_utf8=("strict", "replace", "skip")[kind % 3],
        cache_dir=path.parent / "cache",
    )
    assert found.counts.sum() == found.raw_words > 0
    assert len(found.ids) == found.raw_words + found.sentences


def _zip(folder: Path) -> list[Path]:
    path = folder / "corpus.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text.txt", TEXT)
        archive.writestr("folder/other.txt", "x" * 99)
    return [path]


def _read_member(path: Path) -> None:
    size = len(TEXT.encode())
    with downloads.zip_member(path, "text.txt", size) as member:
        assert len(member.read()) == size


_gz, _ungz = gzip.compress, gzip.decompress
KINDS = {
    "word2vec binary": Kind(_vectors("v.bin"), _load),
    "word2vec binary, gzip": Kind(_vectors("v.bin.gz", _gz), _load, _ungz, _gz),
    "word2vec text": Kind(_vectors("v.txt"), _load),
    "fastText, gzip": Kind(_vectors("v.vec.gz", _gz), _load, _ungz, _gz),
    "GloVe": Kind(_vectors("v.glove"), _load),
    "npz": Kind(_vectors("v.npz"), _load),
    "npz, compressed": Kind(_pressed, _load, _members, _archive),
    "safetensors": Kind(_vectors("v.safetensors"), _load),
    "safetensors and vocabulary.tsv": Kind(_bare, _load_beside),
    "projector": Kind(_vectors("v.tsv"), _load),
    "vocabulary": Kind(_vocabulary, _load_vocabulary),
    "similarity set": Kind(_text("pairs.csv", PAIRS), _evaluate),
    "analogy set": Kind(_text("analogies.txt", ANALOGIES), _evaluate),
    "BATS folder": Kind(_text("bats/I01.txt", BATS), _evaluate_folder),
    "corpus": Kind(_corpus(".txt"), _encode),
    "corpus, gzip": Kind(_corpus(".gz", _gz), _encode, _ungz, _gz),
    "corpus, bzip2": Kind(
        _corpus(".bz2", bz2.compress), _encode, bz2.decompress, bz2.compress
    ),
    "corpus, Zstandard": Kind(_corpus(".zst", _zst), _encode, _unzst, _zst),
    "corpus, zip": Kind(_zip, _read_member),
    "checkpoint": Kind(runs.write_checkpoint, runs.restore_whole),
    "checkpoint, hashes mended": Kind(
        runs.write_checkpoint, runs.restore, mend=runs.sums_mended
    ),
    "run directory": Kind(runs.run_directory, runs.go_on),
}
