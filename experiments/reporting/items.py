"""What a run says to every item of a set, kept beside the run once it is known.

The file items-TABLE-WORDS.safetensors in a run directory holds, for each set, the
outcomes of its items. It counts only for the vectors and the set files it was made
from (their SHA-256 are in its header), so nothing in it can be out of date.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.collect import Run
from w2v_jax import tables
from w2v_jax.durable import write_whole
from w2v_jax.evaluation import readers, suites
from w2v_jax.evaluation.counts import counts_beside
from w2v_jax.evaluation.lookup import Lookup
from w2v_jax.evaluation.similarity import SimilarityResult
from w2v_jax.vectors import Vectors

Progress = Callable[[str, int, int], None]
Sets = Mapping[str, Path]
Rows = NDArray[np.int32]


class Outcomes(NamedTuple):
    """One run on one set of Q items.

    Attributes:
      known: [Q] bool, whether all words of the item have vectors.
      values: [Q] cosines, or 1 for a right answer and 0 for a wrong one; 0 where a
        word is missing.
      rarest: [Q] occurrences of the item's rarest word in the run's text; -1 where a
        word is missing, or where vocabulary.tsv is.
      human: [Q] what people said; None for analogies.
    """

    known: NDArray[np.bool_]
    values: NDArray[np.float64]
    rarest: NDArray[np.int64]
    human: NDArray[np.float64] | None


def outcomes(
    run: Run,
    sets: Sets,
    table: str = "input",
    restrict: int = 0,
    progress: Progress = lambda task, done, total: None,
) -> dict[str, Outcomes]:
    """The outcomes of every set, read from beside the run or made and put there.

    Args:
      run: a finished run. Its vectors.bin may be gone if the file beside it has all.
      sets: names and files.
      table: of `tables.TABLES`.
      restrict: words beyond the first so many count as missing; 0: none.
      progress: of `suites.judge`.

    Raises:
      OSError, ValueError: beginning with the path, where vectors cannot be read.
    """
    made = run.path / "vectors.bin"
    beside = run.path / f"items-{table}-{restrict}.safetensors"
    vectors = run.vectors or _file_sha256(made)
    hashes = {name: set_sha256(path) for name, path in sets.items()}
    kept, found = _read(beside, vectors)
    wanted = {
        name: path
        for name, path in sets.items()
        if found.get(name) is None or kept[name] != hashes[name]
    }
    if wanted:
        loaded = tables.load(made, table)
        counts = counts_beside(made, loaded.words)
        judged = suites.judge(loaded, dict(wanted), restrict, progress=progress)
        for name, result in judged.items():
            rows = _rarest_rows(result, wanted[name], loaded)
            found[name], kept[name] = _outcomes(result, rows, counts), hashes[name]
        _write(beside, vectors, kept, found)
    return {name: found[name] for name in sets}


def _outcomes(
    result: suites.Result, rows: Rows, counts: NDArray[np.int64] | None
) -> Outcomes:
    rarest = np.full(len(rows), -1, np.int64)
    if counts is not None:
        rarest[result.known] = counts[rows[result.known]]
    if isinstance(result, SimilarityResult):
        return Outcomes(result.known, result.cosine, rarest, result.human)
    return Outcomes(result.known, result.correct.astype(np.float64), rarest, None)


def _rarest_rows(result: suites.Result, path: Path, vectors: Vectors) -> Rows:
    """The row [Q] of each item's rarest word, which is its last one."""
    if not isinstance(result, SimilarityResult):
        return result.rarest
    pairs = readers.read_pairs(path)
    rows = Lookup(vectors.words).rows((pair[:2] for pair in pairs), 2)
    last: Rows = rows.max(axis=1)
    return last


def set_sha256(path: Path) -> str:
    """SHA-256 of a set's file; of a folder (BATS), that of its files' in order."""
    if path.is_dir():
        parts = [_file_sha256(file) for file in sorted(path.rglob("*.txt"))]
        return hashlib.sha256("".join(parts).encode()).hexdigest()
    return _file_sha256(path)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(
    path: Path, vectors: str, kept: Mapping[str, str], found: Mapping[str, Outcomes]
) -> None:
    """Puts the outcomes beside the run, where they can be written there."""
    from safetensors.numpy import save

    arrays: dict[str, NDArray[Any]] = {}
    for name, one in found.items():
        arrays[f"{name}/known"] = one.known
        arrays[f"{name}/values"] = one.values
        arrays[f"{name}/rarest"] = one.rarest
        if one.human is not None:
            arrays[f"{name}/human"] = one.human
    header = {"vectors": vectors, "sets": json.dumps(dict(kept))}
    try:
        write_whole(path, save(arrays, metadata=header))
    except OSError:
        return  # somebody else's runs, a full disk: judged again the next time


def _read(path: Path, vectors: str) -> tuple[dict[str, str], dict[str, Outcomes]]:
    """Set hashes and outcomes of a file made from these vectors; nothing otherwise."""
    from safetensors import SafetensorError, safe_open

    kept: dict[str, str] = {}
    found: dict[str, Outcomes] = {}
    if not path.is_file():
        return kept, found
    try:
        with safe_open(path, "numpy") as file:
            header = file.metadata() or {}
            if header.get("vectors") != vectors:
                return {}, {}
            names = set(file.keys())
            for name, digest in json.loads(header["sets"]).items():
                human = f"{name}/human"
                found[name] = Outcomes(
                    file.get_tensor(f"{name}/known"),
                    file.get_tensor(f"{name}/values"),
                    file.get_tensor(f"{name}/rarest"),
                    file.get_tensor(human) if human in names else None,
                )
                kept[name] = digest
    except (SafetensorError, ValueError, KeyError):
        return {}, {}  # damaged: made again
    return kept, found
