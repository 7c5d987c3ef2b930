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


def find(suites: Sequence[str]) -> dict[str, Path | None]:
    """Set names and where they lie; None for a named set that is not here.

    Each of `suites` is the name of a suite, of a set, or a file (or BATS's folder).

    Raises:
      ValueError: a name that is none of these.
    """
    named = {name for names in SUITES.values() for name in names}
    found: dict[str, Path | None] = {}
    for suite in suites:
        if suite in SUITES:
            found |= {name: _named(name) for name in SUITES[suite]}
        elif suite in named:
            found[suite] = _named(suite)
        elif Path(suite).exists():
            found[Path(suite).stem] = Path(suite)
        else:
            raise ValueError(
                f"{suite}: no such file, and no suite of that name; suites are "
                f"{', '.join(SUITES)}, sets {', '.join(sorted(named))}"
            )
    return found


def _named(name: str) -> Path | None:
    from w2v_jax import datasets  # not needed to judge by a file

    found: Path | None = datasets.find_evaluation_set(name)
    return found


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
      "restrict_vocab": 0, ...}; the sets' scores are what `SimilarityResult.to_dict`
      and `AnalogyResult.to_dict` return.
    """
    scores: dict[str, Any] = {
        "similarity": {},
        "analogy": {},
        "absent": [name for name, path in sets.items() if path is None],
        "vocabulary": len(vectors),
        "restrict_vocab": restrict,
        "analogy_method": method,
    }
    for name, path in sets.items():
        if path is None:
            continue
        if readers.kind(path) == "similarity":
            result = similarity.evaluate(vectors, readers.read_pairs(path), restrict)
            scores["similarity"][name] = result.to_dict()
        else:

            def report(done: int, total: int, name: str = name) -> None:
                progress(name, done, total)

            questions = readers.read_analogies(path)
            answered = analogy.evaluate(
                vectors, questions, restrict, method=method, progress=report
            )
            scores["analogy"][name] = answered.to_dict(counts)
    return scores
