"""Question: how good are these vectors, and which are better?

Command:  python -m experiments.evaluate --vectors=FILE --out=eval.json \
              --suite=english --restrict_vocab=0
          python -m experiments.evaluate --vectors=A --vectors=B
Expected: a table of Spearman correlations and analogy accuracies with their 95 %
          bootstrap intervals and coverage, and the same as JSON in --out; there, and
          with --details on the screen, analogies by section and by the frequency of
          their rarest word.
Cost:     seconds; the 19,544 Google questions over 70,000 words take about four.

Case is folded as gensim does, missing words are left out and counted, and no word is
cut from the vocabulary unless --restrict_vocab says so. Sets that are not on this
machine are listed as absent.

Given twice or more, --vectors also compares each file with the first: the difference
of the scores on the items known to both, its interval, and a test over the items
(permutation for correlations, McNemar's for analogies), Holm-corrected over all of
them.
"""

import json
from pathlib import Path
from typing import Any

from absl import flags
from rich import box
from rich.table import Table

from experiments import cli, screen, writable
from w2v_jax import tables
from w2v_jax.evaluation import comparison, suites
from w2v_jax.evaluation.analogy import METHODS
from w2v_jax.evaluation.counts import counts_beside
from w2v_jax.tables import TABLES

_VECTORS = flags.DEFINE_multi_string(
    "vectors",
    [],
    "Vectors: .bin, .txt, .vec, .glove, .npz or .safetensors. Again for a comparison.",
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

_DETAILS = flags.DEFINE_boolean(
    "details", False, "Print analogies by section and by frequency of their words too."
)


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; vectors are named by --vectors")
    if not _VECTORS.value:
        raise ValueError("--vectors: missing; name a file of vectors")
    if len(set(_VECTORS.value)) < len(_VECTORS.value):
        raise ValueError("--vectors: the same file twice; name files that differ")
    if _OUT.value:
        writable.check("out", Path(_OUT.value), reads=_VECTORS.value)
    sets = suites.find(_SUITE.value)
    models, results = {}, {}
    for path in _VECTORS.value:
        models[path], results[path] = _judged(path, sets)
    scores: dict[str, Any] = next(iter(models.values()))
    if len(models) > 1:
        scores = {"models": models, "comparisons": _compared(results)}
    if _OUT.value:
        text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
        writable.save(Path(_OUT.value), text)
    for one in models.values():
        show(one)
        if _DETAILS.value:
            show_details(one)
    if len(models) > 1:
        show_comparisons(scores["comparisons"])


def _judged(
    path: str, sets: dict[str, Path | None]
) -> tuple[dict[str, Any], dict[str, suites.Result]]:
    """One file's scores, and what they were made of."""
    vectors = tables.load(path, _TABLE.value)
    counts = counts_beside(Path(path), vectors.words)
    restrict, method = _RESTRICT.value, _METHOD.value
    with cli.progress("questions") as report:
        results = suites.judge(
            vectors,
            sets,
            restrict,
            method,
            lambda task, done, total: report(task, done, total, ""),
        )
    scores = {"vectors": path, "table": _TABLE.value}
    scores |= suites.scores(results, counts)
    return scores | suites.facts(vectors, sets, restrict, method), results


def _compared(results: dict[str, dict[str, suites.Result]]) -> list[dict[str, Any]]:
    """Every file against the first, set by set."""
    first, *others = results
    found = [
        {"set": name, "vectors_a": first, "vectors_b": other}
        | comparison.compare(results[first][name], results[other][name])
        for other in others
        for name in results[first]
    ]
    corrected = comparison.holm([one["p"] for one in found])
    return [one | {"p_holm": p} for one, p in zip(found, corrected, strict=True)]


def show_comparisons(comparisons: list[dict[str, Any]]) -> None:
    """Prints one line a set and pair of files; the difference is a less b."""
    names = list(dict.fromkeys(one["vectors_b"] for one in comparisons))
    console = screen.console()
    for other in names:
        ours = [one for one in comparisons if one["vectors_b"] == other]
        table = Table(
            title=f"a: {ours[0]['vectors_a']}\nb: {other}",
            box=box.SIMPLE_HEAD,  # seven columns in the 80 of a log
            padding=(0, 0, 0, 1),
            pad_edge=False,
            show_edge=False,
        )
        table.add_column("set", no_wrap=True)
        for heading in ("a", "b", "a - b", "95 % interval", "items", "Holm p"):
            table.add_column(heading, justify="right", no_wrap=True)
        for one in ours:
            low, high = one["interval"] or (None, None)
            table.add_row(
                one["set"],
                *(_number(one[key]) for key in ("a", "b")),
                _number(one["difference"], "+.3f"),
                "-" if low is None else f"{low:+.3f} to {high:+.3f}",
                f"{one['items']:,}",
                _number(one["p_holm"], ".4f"),
            )
        console.print(table)


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


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
    console = screen.console()
    console.print(table)
    if scores["absent"]:
        console.print(f"absent on this machine: {', '.join(scores['absent'])}")


def show_details(scores: dict[str, Any]) -> None:
    """Prints the analogies by section and by the frequency of their rarest word."""
    console = screen.console()
    for name, one in scores["analogy"].items():
        table = Table(title=f"{name}, accuracy")
        table.add_column("questions of", no_wrap=True)
        for heading in ("score", "95 % interval", "used", "missing"):
            table.add_column(heading, justify="right", no_wrap=True)
        for kind in ("sections", "bands"):
            for part, found in one[kind].items():
                table.add_row(
                    part,
                    *_score(found, "accuracy"),
                    f"{found['questions']:,}",
                    f"{found['out_of_vocabulary']:,}",
                )
            table.add_section()
        console.print(table)


def _score(one: dict[str, Any], key: str) -> tuple[str, str]:
    if one[key] is None:
        return "-", "-"
    low, high = one["interval"] or (float("nan"), float("nan"))
    return f"{one[key]:.3f}", f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    cli.run(main)
