"""Question: how well do these models predict text they have not seen?

Command:  python -m experiments.likelihood --run=DIR [--run=DIR ...] --text=FILE \
              --out=likelihood.json
Expected: mean nats per pair, with intervals, of each run: under its own objective; as
          a normalised distribution over the vocabulary (softmax, the tree's product,
          or q(o) exp(u_o . v_c) for negative sampling); and under a fresh softmax
          layer fitted on its frozen hidden vectors, which is the same for all.
Cost:     a minute or two a run for 70,000 words and the default --max_words.

The first four fifths of the text fit the fresh layer, the last fifth is scored under
every reading. Runs are compared on the same pairs: they must have one vocabulary, and
the window and subsampling of the first run (or those of the flags) hold for all.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags
from rich.table import Table

from experiments import cli, screen, writable

if TYPE_CHECKING:
    from w2v_jax.evaluation.finished_run import FinishedRun
    from w2v_jax.evaluation.held_out import Windows
    from w2v_jax.evaluation.held_out_scores import Progress

_RUNS = flags.DEFINE_multi_string("run", [], "Run directory; may be given repeatedly.")
_TEXT = flags.DEFINE_string("text", None, "Held-out text: a file or a named corpus.")
_OUT = flags.DEFINE_string("out", None, "JSON file for the scores; none: only printed.")
_WORDS = flags.DEFINE_integer(
    "max_words", 250_000, "Read the first so many words; 0: all.", lower_bound=0
)
_SCORED = flags.DEFINE_float(
    "scored",
    0.2,
    "Part of the text that is scored; the rest fits the fresh layer.",
    lower_bound=0.01,
    upper_bound=1.0,
)
_FRESH = flags.DEFINE_boolean("fresh_layer", True, "Fit a softmax layer for each run.")
_WINDOW = flags.DEFINE_integer(
    "window", 0, "Window m; 0: that of the first run.", lower_bound=0, upper_bound=1000
)
_SUBSAMPLE = flags.DEFINE_float(
    "subsample",
    -1.0,
    "Subsampling threshold; 0: off; below 0: that of the first run.",
    upper_bound=1.0,
)
_CACHE = flags.DEFINE_string(
    "cache_dir", "~/.cache/w2v_jax", "Encoded corpora, downloads, compiled programs."
)

HEADINGS = {
    "own": "own objective",
    "distribution": "distribution",
    "raw_softmax": "raw softmax",
    "fresh_layer": "fresh layer",
    "unigram": "unigram",
}


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; run directories go by --run")
    if not _RUNS.value:
        raise ValueError("--run: missing; name a run directory")
    if not _TEXT.value:
        raise ValueError("--text: missing; name a text that no run was trained on")
    if _OUT.value:
        writable.check("out", Path(_OUT.value), reads=[_TEXT.value])
    from w2v_jax.evaluation import finished_run, held_out_scores

    runs = [finished_run.load(path) for path in _RUNS.value]
    _one_vocabulary(runs)
    first = runs[0].config
    window = _WINDOW.value or first.window
    subsample = first.subsample if _SUBSAMPLE.value < 0 else _SUBSAMPLE.value
    with cli.progress("windows") as report:
        windows, facts = _windows(_TEXT.value, runs, window, subsample)
        cut = round((1 - _SCORED.value) * len(windows))
        fitted, scored = windows.part(0, cut), windows.part(cut, len(windows))
        facts |= {"window": window, "subsample": subsample}
        facts |= {"scored": len(scored), "fitted": cut if _FRESH.value else 0}
        scores: dict[str, Any] = facts | {"runs": {}}
        for run in runs:
            scores["runs"][str(run.path)] = {
                "architecture": run.config.architecture,
                "objective": run.config.objective,
            } | held_out_scores.evaluate(
                run,
                scored,
                fitted if _FRESH.value else None,
                subsample,
                _named(report, run.name),
            )
    if _OUT.value:
        text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
        writable.save(Path(_OUT.value), text)
    show(scores)


def _named(report: Callable[..., None], name: str) -> "Progress":
    """A progress that says which run it is about."""

    def named(task: str, done: int, total: int) -> None:
        report(f"{name}, {task}", done, total, "")

    return named


def _one_vocabulary(runs: "list[FinishedRun]") -> None:
    for run in runs[1:]:
        if run.vocabulary.words != runs[0].vocabulary.words:
            raise ValueError(
                f"{run.path}: another vocabulary than {runs[0].path}; likelihoods over "
                f"different words do not compare, so give each its own command"
            )
        if run.config.tokenizer != runs[0].config.tokenizer:
            raise ValueError(f"{run.path}: another tokenizer than {runs[0].path}")


def _windows(
    text: str, runs: "list[FinishedRun]", window: int, subsample: float
) -> "tuple[Windows, dict[str, Any]]":
    """The windows of the text, and where they come from."""
    from w2v_jax.corpus import encode
    from w2v_jax.datasets import resolve_corpus
    from w2v_jax.evaluation import held_out

    cache = Path(_CACHE.value).expanduser()
    config, vocabulary = runs[0].config, runs[0].vocabulary
    corpus = encode(
        resolve_corpus(text, cache),
        tokenizer=config.tokenizer,
        invalid_utf8=config.invalid_utf8,
        max_words=_WORDS.value,
        cache_dir=cache,
    )
    for run in runs:
        if run.environment.get("corpus_sha256") == corpus.source_sha256:
            cli.note(f"{run.path}: was trained on this very text; it is not held out.")
    ids = held_out.known_ids(corpus.words, corpus.ids, vocabulary)
    unknown = int((ids == len(vocabulary)).sum())
    windows = held_out.make_windows(
        ids,
        vocabulary,
        window,
        config.dynamic_window,
        subsample,
        config.subsample_formula,
    )
    return windows, {
        "text": str(corpus.path),
        "text_sha256": corpus.source_sha256,
        "raw_words": corpus.raw_words,
        "out_of_vocabulary": unknown,
        "coverage": 1 - unknown / corpus.raw_words,
    }


def show(scores: dict[str, Any]) -> None:
    """Prints one line a run and reading."""
    table = Table(
        title=f"nats per pair; {scores['scored']:,} windows of {scores['text']}, "
        f"{100 * scores['coverage']:.1f} % of its words known"
    )
    table.add_column("run")
    table.add_column("reading", no_wrap=True)
    table.add_column("nats", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for path, run in scores["runs"].items():
        name = Path(path).resolve().name
        for reading, heading in HEADINGS.items():
            one = run["nats_per_pair"].get(reading)
            if one is not None:
                low, high = one["interval"] or (None, None)
                spread = "-" if low is None else f"{low:.3f} to {high:.3f}"
                table.add_row(name, heading, f"{one['mean']:.3f}", spread)
                name = ""
        table.add_section()
    screen.console().print(table)


if __name__ == "__main__":
    cli.run(main)
