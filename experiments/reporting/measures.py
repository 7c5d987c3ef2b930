"""What a report measures: sets by name, parts of them by word frequency, and costs."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.reporting.collect import Run
from w2v_jax.evaluation import suites
from w2v_jax.evaluation.counts import read_counts
from w2v_jax.evaluation.lookup import MISSING, Lookup
from w2v_jax.evaluation.readers import kind, read_pairs

# The sets of a paper's table; the rest of a suite on request.
CORE = {
    "english": ("wordsim353", "simlex999", "google"),
    "chinese": ("wordsim240", "wordsim297", "ca_translated"),
}
_BAND = re.compile(r"(?P<set>.+)@(?P<low>\d+)-(?P<high>\d*)")


class Measure(NamedTuple):
    """A set, or the part of it whose rarest word occurred low to high times.

    Attributes:
      name: as it was asked for: google, google@10-99, google@1000-.
      set: name of the set.
      kind: "similarity" (Spearman's correlation) or "analogy" (share of right answers).
      low, high: bounds of the occurrences, both included; None: none.
    """

    name: str
    set: str
    kind: str
    low: int | None = None
    high: int | None = None


class Cost(NamedTuple):
    """A number of summary.json and how it is shown.

    Attributes:
      key: in summary.json.
      title: with its unit.
      scale: what it is divided by.
    """

    key: str
    title: str
    scale: float
    digits: int


COSTS = (
    Cost("final_loss", "loss, nats per pair", 1.0, 4),
    Cost("train_seconds", "training, s", 1.0, 1),
    Cost("words_per_second", "raw words/s, M", 1e6, 3),
    Cost("raw_words", "raw words, M", 1e6, 2),
    Cost("peak_memory_bytes", "peak memory, MiB", 2.0**20, 0),
)


def cost(run: Run, one: Cost) -> float | None:
    """A cost of a run in the unit of its title; None where the summary has none."""
    value: Any = run.summary.get(one.key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) / one.scale


def find(
    names: Sequence[str], run: Run
) -> tuple[list[Measure], dict[str, Path], list[str]]:
    """Measures, the files of their sets, and named sets that are not on this machine.

    Args:
      names: suites, sets, files, each possibly with @LOW-HIGH; none of them stands for
        `CORE` in the language of the run.
      run: any of the runs.

    Raises:
      ValueError: a name that is none of these, or two sets of one name.
    """
    measures: list[Measure] = []
    files: dict[str, Path] = {}
    absent: list[str] = []
    for name in names or CORE[language(run)]:
        band = _BAND.fullmatch(name)
        asked = band["set"] if band else name
        for one, path in suites.find([asked]).items():
            if path is None:
                absent.append(one)
                continue
            if files.setdefault(one, path) != path:
                raise ValueError(
                    f"{asked}: another set named {one} than {files[one]}; rename it"
                )
            whole = Measure(one, one, kind(path))
            if band:
                low = int(band["low"])
                high = int(band["high"]) if band["high"] else None
                whole = Measure(
                    f"{one}@{low}-{band['high']}", one, whole.kind, low, high
                )
            if whole not in measures:
                measures.append(whole)
    return measures, files, list(dict.fromkeys(absent))


def language(run: Run) -> str:
    """ "chinese" where the run knows more of wordsim240 than of wordsim353."""
    beside = run.path / "vocabulary.tsv"
    words = list(read_counts(beside)) if beside.is_file() else []
    lookup = Lookup(words)
    known = {}
    for name, sets in CORE.items():
        path = suites.find(sets[:1])[sets[0]]
        pairs = read_pairs(path) if path else []
        rows = lookup.rows((pair[:2] for pair in pairs), 2)
        known[name] = float((rows != MISSING).all(axis=1).mean()) if pairs else 0.0
    return "chinese" if known["chinese"] > known["english"] else "english"
