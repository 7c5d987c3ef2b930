"""Which sets make a suite, and a suite's scores as one JSON object."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import analogy, readers, similarity
from w2v_jax.vectors import Vectors

SUITES = {
    "english": (
        "wordsim353", "wordsim353_similarity", "wordsim353_relatedness", "simlex999",
        "rg65", "mc30", "mturk287", "men", "rw", "simverb3500", "google", "msr", "bats",
    ),
    "chinese": ("wordsim240", "wordsim297", "cos960", "ca_translated", "ca8"),
}  # fmt: skip

Progress = Callable[[str, int, int], None]
Result = similarity.SimilarityResult | analogy.AnalogyResult


def find(suites: Sequence[str]) -> dict[str, Path | None]:
    """Set names and where they lie; None for a named set that is not here.

    Each of `suites` is the name of a suite, of a set, or a file (or BATS's folder).

    Raises:
      ValueError: a name that is none of these, or two sets of one name.
    """
    found: dict[str, Path | None] = {}
    for suite in suites:
        for name, path in _sets(suite).items():
            if name in found and found[name] != path:
                raise ValueError(
                    f"{suite}: another set named {name} than {found[name] or 'the one'}"
                    " asked for before it; rename the file"
                )
            found[name] = path
    return found


def find_one(name: str) -> tuple[str, Path]:
    """Name and place of one set.

    Raises:
      ValueError: no such set, none on this machine, or a suite of several.
    """
    sets = _sets(name)
    if len(sets) > 1:
        raise ValueError(f"{name}: a suite; name one set of it, as {next(iter(sets))}")
    ((found, path),) = sets.items()
    if path is None:
        raise ValueError(f"{name}: not on this machine; name a file")
    return found, path


def _sets(suite: str) -> dict[str, Path | None]:
    named = {name for names in SUITES.values() for name in names}
    if suite in SUITES:
        return {name: _named(name) for name in SUITES[suite]}
    if suite in named:
        return {suite: _named(suite)}
    if not suite:
        raise ValueError("a set without a name; is there a comma too many?")
    if Path(suite).exists():
        return {Path(suite).stem: Path(suite)}
    raise ValueError(
        f"{suite}: no such file, and no suite of that name; suites are "
        f"{', '.join(SUITES)}, sets {', '.join(sorted(named))}"
    )


def _named(name: str) -> Path | None:
    from w2v_jax import datasets  # not needed to judge by a file

    found: Path | None = datasets.find_evaluation_set(name)
    return found


def judge(
    vectors: Vectors,
    sets: dict[str, Path | None],
    restrict: int = 0,
    method: str = "3cosadd",
    progress: Progress = lambda task, done, total: None,
) -> dict[str, Result]:
    """What the vectors say to every item of every set that is here."""
    results: dict[str, Result] = {}
    for name, path in sets.items():
        if path is None:
            continue
        kind, items = read(path)
        if kind == "similarity":
            results[name] = similarity.evaluate(vectors, items, restrict)
        else:

            def report(done: int, total: int, name: str = name) -> None:
                progress(name, done, total)

            results[name] = analogy.evaluate(
                vectors, items, restrict, method=method, progress=report
            )
    return results


def read(path: Path) -> tuple[str, Any]:
    """ "similarity" and the pairs of a set, or "analogy" and its questions.

    Raises:
      ValueError, OSError: a file that is neither, with the line at fault.
    """
    if readers.kind(path) == "similarity":
        return "similarity", readers.read_pairs(path)
    return "analogy", readers.read_analogies(path)


def scores(
    results: dict[str, Result], counts: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """{"similarity": {set: ...}, "analogy": {set: ...}} of `judge`'s results.

    The sets' scores are what `SimilarityResult.to_dict` and `AnalogyResult.to_dict`
    return; `counts` [V] are for the bands of frequency.
    """
    made: dict[str, Any] = {"similarity": {}, "analogy": {}}
    for name, result in results.items():
        if isinstance(result, similarity.SimilarityResult):
            made["similarity"][name] = result.to_dict()
        else:
            made["analogy"][name] = result.to_dict(counts)
    return made


def evaluate(
    vectors: Vectors,
    sets: dict[str, Path | None],
    restrict: int = 0,
    counts: NDArray[np.int64] | None = None,
    method: str = "3cosadd",
    progress: Progress = lambda task, done, total: None,
) -> dict[str, Any]:
    """Scores of every set.

    Returns:
      {"similarity": {set: ...}, "analogy": {set: ...}, "absent": [set, ...],
      "restrict_vocab": 0, ...}, see `scores`.
    """
    results = judge(vectors, sets, restrict, method, progress)
    return scores(results, counts) | facts(vectors, sets, restrict, method)


def facts(
    vectors: Vectors, sets: dict[str, Path | None], restrict: int, method: str
) -> dict[str, Any]:
    """What the scores were taken with, for the report beside them."""
    return {
        "absent": [name for name, path in sets.items() if path is None],
        "vocabulary": len(vectors),
        "restrict_vocab": restrict,
        "analogy_method": method,
    }
