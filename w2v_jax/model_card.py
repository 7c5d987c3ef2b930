"""A model card: what exported vectors are, in Markdown, to lie beside them.

Mitchell et al. 2019, "Model cards for model reporting". Everything in it is read from
the run directory or measured; nothing is filled in by hand.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from w2v_jax.evaluation.finished_run import FinishedRun
from w2v_jax.vectors import Vectors

UNKNOWN = "unknown"


def model_card(
    name: str,
    sha256: str,
    vectors: Vectors,
    table: str,
    run: FinishedRun,
    summary: dict[str, Any],
    scores: dict[str, Any],
) -> str:
    """The card's text.

    Args:
      name: of the file of vectors.
      sha256: of its bytes.
      vectors: what it holds.
      table: which of a model's tables they are, one of `tables.TABLES`.
      run: where they come from.
      summary: of summary.json; {} where there is none.
      scores: of `evaluation.suites.evaluate`; {} where nothing was measured.
    """
    config, about = run.config, run.environment
    kind = f"{config.architecture}, {config.objective.replace('_', ' ')}"
    parts = [
        f"# {name}",
        f"Word vectors by word2vec ({kind}), trained with w2v_jax.",
        "## Vectors",
        _table(
            ("", ""),
            [
                ("file", f"`{name}`"),
                ("SHA-256", f"`{sha256}`"),
                ("words", f"{len(vectors):,}"),
                ("size", f"{vectors.dim}"),
                ("table", table),
                ("least occurrences of a word", f"{run.vocabulary.counts.min():,}"),
            ],
        ),
        f'    from w2v_jax import Vectors\n    vectors = Vectors.load("{name}")',
        "## Training text",
        _table(
            ("", ""),
            [
                ("corpus", f"`{config.corpus or UNKNOWN}`"),
                ("SHA-256", f"`{about.get('corpus_sha256', UNKNOWN)}`"),
                ("tokeniser", f"{about.get('tokenizer', config.tokenizer)}"),
                ("its version", f"{about.get('tokenizer_version', UNKNOWN)}"),
                ("words read", _words(summary)),
                ("occurrences of the words above", f"{run.vocabulary.counts.sum():,}"),
            ],
        ),
        "## Scores",
        *_scores(scores),
        "## Configuration",
        _table(
            ("field", "value"),
            [(f"`{k}`", f"`{json.dumps(v)}`") for k, v in config.to_dict().items()],
        ),
        "## Software and machine",
        _table(
            ("", ""),
            [
                (key, _text(value))
                for key, value in about.items()
                if not key.startswith(("corpus", "tokenizer", "resumed"))
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _words(summary: dict[str, Any]) -> str:
    words = summary.get("raw_words")
    return UNKNOWN if words is None else f"{words:,}, all epochs together"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _scores(scores: dict[str, Any]) -> list[str]:
    similarity, analogy = scores.get("similarity", {}), scores.get("analogy", {})
    if not similarity and not analogy:
        return ["Not measured."]
    rows = [
        (
            name,
            "Spearman",
            *_score(one, "spearman", "spearman_missing_as_zero", "pairs"),
        )
        for name, one in similarity.items()
    ]
    rows += [
        (
            name,
            f"accuracy, {scores['analogy_method']}",
            *_score(one, "accuracy", "accuracy_missing_as_wrong", "questions"),
        )
        for name, one in analogy.items()
    ]
    cut = scores["restrict_vocab"]
    within = f"the {cut:,} most frequent words" if cut else "all words"
    head = ("set", "measure", "score", "95 % interval", "items", "missing", "with them")
    absent = ", ".join(scores["absent"])
    return [
        f"Within {within}. Items with a word that has no vector are left out of the "
        "score and its bootstrap interval; in the last column they count as cosine 0, "
        "or as answered wrongly.",
        _table(head, rows),
        *([f"Not on the machine that measured: {absent}."] if absent else []),
    ]


def _score(one: dict[str, Any], key: str, with_missing: str, items: str) -> list[str]:
    low, high = one["interval"] or (None, None)
    return [
        _number(one[key]),
        "-" if low is None else f"{low:.3f} to {high:.3f}",
        f"{one[items]:,}",
        f"{one['out_of_vocabulary']:,}",
        _number(one[with_missing]),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
