"""Question: how good are these vectors?

Command:  python -m experiments.evaluate --vectors=FILE --out=eval.json \
              --suite=english --restrict_vocab=0
Expected: a table of Spearman correlations and analogy accuracies with their 95 %
          bootstrap intervals and coverage, and the same as JSON in --out.
Cost:     seconds; the 19,544 Google questions over 70,000 words take about four.

Case is folded as gensim does, missing words are left out and counted, and no word is
cut from the vocabulary unless --restrict_vocab says so. Sets that are not on this
machine are listed as absent.
"""

import json
from pathlib import Path
from typing import Any

from absl import flags
from rich.console import Console
from rich.table import Table

from experiments import cli
from w2v_jax import tables
from w2v_jax.durable import write_whole
from w2v_jax.evaluation import suites
from w2v_jax.evaluation.analogy import METHODS
from w2v_jax.evaluation.counts import counts_beside
from w2v_jax.tables import TABLES

_VECTORS = flags.DEFINE_string(
    "vectors", None, "Vectors: .bin, .txt, .vec, .glove, .npz or .safetensors."
)
_OUT = flags.DEFINE_string("out", None, "JSON file for the scores; none: only printed.")
_SUITE = flags.DEFINE_list(
    "suite", ["english"], "english, chinese, names of sets, or files, with commas."
)
_RESTRICT = flags.DEFINE_integer(
    "restrict_vocab",
    0,
    "Judge within the first so many words, which are the most frequent; 0: all.",
    lower_bound=0,
)
_METHOD = flags.DEFINE_enum(
    "analogy_method", "3cosadd", list(METHODS), "How analogies are answered."
)

_TABLE = flags.DEFINE_enum(
    "table",
    "input",
    list(TABLES),
    "Input vectors, output vectors, their average or their concatenation; all but the "
    "first need output_vectors.safetensors beside --vectors.",
)


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; vectors are named by --vectors")
    if not _VECTORS.value:
        raise ValueError("--vectors: missing; name a file of vectors")
    sets = suites.find(_SUITE.value)
    vectors = tables.load(_VECTORS.value, _TABLE.value)
    counts = counts_beside(Path(_VECTORS.value), vectors.words)
    with cli.progress("questions") as report:
        scores = suites.evaluate(
            vectors,
            sets,
            _RESTRICT.value,
            counts,
            _METHOD.value,
            lambda task, done, total: report(task, done, total, ""),
        )
    scores = {"vectors": _VECTORS.value, "table": _TABLE.value} | scores
    if _OUT.value:
        text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
        write_whole(Path(_OUT.value), text.encode())
    show(scores)


def show(scores: dict[str, Any]) -> None:
    """Prints one line a set."""
    table = Table(title=f"{scores['vectors']} ({scores['vocabulary']:,} words)")
    table.add_column("set", no_wrap=True)
    for heading in ("measure", "score", "95 % interval", "used", "missing"):
        table.add_column(heading, justify="right")
    for name, one in scores["similarity"].items():
        table.add_row(
            name, "Spearman", *_score(one, "spearman"), f"{one['pairs']:,}",
            f"{one['out_of_vocabulary']:,}",
        )  # fmt: skip
    for name, one in scores["analogy"].items():
        table.add_row(
            name, "accuracy", *_score(one, "accuracy"), f"{one['questions']:,}",
            f"{one['out_of_vocabulary']:,}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    if scores["absent"]:
        console.print(f"absent on this machine: {', '.join(scores['absent'])}")


def _score(one: dict[str, Any], key: str) -> tuple[str, str]:
    if one[key] is None:
        return "-", "-"
    low, high = one["interval"] or (float("nan"), float("nan"))
    return f"{one[key]:.3f}", f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    cli.run(main)
