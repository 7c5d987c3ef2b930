"""Scores of a run's vectors and of its points along the way; the time to a score.

    python -m experiments.benchmarking.quality --folder=RUN --restrict_vocab=30000

judges what is not judged yet and keeps the scores in the run's folder. Vectors of
points go once they have their scores: ten of them take as much room as ten models.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli
from w2v_jax.durable import write_whole
from w2v_jax.json_file import read_json

SCORES = {"wordsim353": "similarity", "simlex999": "similarity", "google": "analogy"}
RACED = ("wordsim353", "google")  # what the time to quality is about
_KEY = {"similarity": "spearman", "analogy": "accuracy"}
Score = dict[str, float | None]


def judge(folder: Path, cut: int) -> None:
    """Writes scores-<cut>.json of a run and of its points, where they are missing.

    Args:
      folder: of a run, with vectors.bin and perhaps points/.
      cut: analogies within the most frequent so many words; similarity over all.
    """
    whole = folder / f"scores-{cut}.json"
    if not whole.exists():
        found = _judged(folder / "vectors.bin", cut)
        write_whole(whole, (json.dumps(found, indent=2) + "\n").encode())
    for told in sorted((folder / "points").glob("[0-9]*.json")):
        point, vectors = read_json(told), told.with_suffix(".bin")
        if vectors.exists():
            scores = {str(cut): values(_judged(vectors, cut))}
            text = json.dumps(point | {"scores": scores})
            write_whole(told, text.encode())
            vectors.unlink()


def _judged(path: Path, cut: int) -> dict[str, Any]:
    from w2v_jax.evaluation import suites
    from w2v_jax.vectors import Vectors

    vectors, found = Vectors.load(path), {}
    for name, kind in SCORES.items():  # similarity over all words, as is usual
        within = cut if kind == "analogy" else 0
        found[name] = suites.evaluate(vectors, suites.find([name]), within)[kind].get(
            name
        )
    return found


def values(found: Mapping[str, Any]) -> Score:
    """One number for each set: None where the set is not here or has no known word."""
    scores = {
        name: (found.get(name) or {}).get(_KEY[kind]) for name, kind in SCORES.items()
    }
    return {name: None if x is None else x + 0.0 for name, x in scores.items()}


def final(folder: Path, cut: int) -> Score:
    """The scores of a judged run."""
    return values(read_json(folder / f"scores-{cut}.json"))


def points(folder: Path, cut: int) -> list[dict[str, Any]]:
    """{"raw_words", "seconds", and a score for each set} of each point, in order."""
    found = []
    for told in sorted((folder / "points").glob("[0-9]*.json")):
        point = read_json(told)
        scores = point.pop("scores", {}).get(str(cut))
        if scores is not None:
            found.append(point | scores)
    return found


def seconds_to(
    way: Sequence[Mapping[str, Any]], target: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Seconds of training at the first point whose score is at least the target.

    Args:
      way: of `points`.
      target: the peer's final scores.

    Returns:
      {set: seconds, ..., "both": seconds}, both at one and the same point; None where
      no point gets there or there is nothing to compare.
    """

    def first(names: Sequence[str]) -> float | None:
        for point in way:
            pairs = [(point.get(name), target.get(name)) for name in names]
            if all(a is not None and b is not None and a >= b for a, b in pairs):
                return float(point["seconds"])
        return None

    return {name: first([name]) for name in RACED} | {"both": first(RACED)}


def main(_: list[str]) -> None:
    from w2v_jax import runtime

    runtime.configure()
    judge(Path(flags.FLAGS.folder), flags.FLAGS.restrict_vocab)


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("folder", None, "Run directory.", required=True)
    flags.DEFINE_integer("restrict_vocab", 0, "Analogies within so many words; 0: all.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
