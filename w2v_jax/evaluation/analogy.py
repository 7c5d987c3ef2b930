"""Analogies: a is to b as c is to ?, scored as word2vec's compute-accuracy does.

A question counts when all its words have vectors; its own three words are no answers.
With case folded, another spelling of a question word is no answer either, and any
spelling of the right answer is right: gensim's rules.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics
from w2v_jax.evaluation.lookup import Lookup
from w2v_jax.evaluation.readers import Question
from w2v_jax.vectors import Vectors

BATCH = 4096  # questions between two reports of progress


@dataclasses.dataclass(frozen=True)
class AnalogyResult:
    """What became of every question of a set, in its order.

    Attributes:
      sections: [Q] the section of each question.
      known: [Q] bool, whether all its words have vectors.
      correct: [Q] bool; False where a word is missing.
      rarest: [Q] the row of its least frequent word, -1 where a word is missing.
    """

    sections: NDArray[np.str_]
    known: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    rarest: NDArray[np.int32]

    def to_dict(self, counts: NDArray[np.int64] | None = None) -> dict[str, Any]:
        """The numbers of a report.

        `accuracy` (0 to 1) leaves questions with a missing word out, as
        `accuracy_missing_as_wrong` does not (gensim's dummy4unknown). `questions`
        counts those asked, `out_of_vocabulary` those left out. `bands` groups the
        questions by the frequency of their rarest word: by `counts` [V] if given,
        otherwise by rank.
        """
        names = list(dict.fromkeys(self.sections.tolist()))
        return self._scores(np.ones_like(self.known)) | {
            "sections": {name: self._scores(self.sections == name) for name in names},
            "bands": {
                name: self._scores(chosen)
                for name, chosen in bands(self.rarest, counts).items()
            },
        }

    def _scores(self, chosen: NDArray[np.bool_]) -> dict[str, Any]:
        total = int(chosen.sum())
        asked = int(self.known[chosen].sum())
        right = int(self.correct[chosen].sum())
        return {
            "accuracy": right / asked if asked else None,
            "interval": statistics.proportion_interval(right, asked),
            "questions": asked,
            "out_of_vocabulary": total - asked,
            "coverage": asked / total if total else None,
            "accuracy_missing_as_wrong": right / total if total else None,
        }


def evaluate(
    vectors: Vectors,
    questions: Sequence[Question],
    restrict: int = 0,
    fold_case: bool = True,
    method: str = "3cosadd",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AnalogyResult:
    """Asks every question whose words have vectors, many at a time.

    Args:
      vectors: the vectors to judge.
      questions: what to ask.
      restrict: words beyond the first so many are neither known nor answers; 0: none.
      fold_case: compare upper-case forms, as gensim does.
      method: "3cosadd" or "3cosmul", see `Vectors.analogy`.
      progress: called with the questions done and their number.
    """
    from w2v_jax import search

    lookup = Lookup(vectors.words, restrict, fold_case)
    judged = vectors.restricted(restrict)
    asked = lookup.rows((question[:3] for question in questions), 3)
    answers = [
        {lookup.row(word) for word in question.answers} - {-1} for question in questions
    ]
    known = (asked >= 0).all(axis=1) & np.array([bool(a) for a in answers])
    chosen = np.flatnonzero(known).tolist()
    barred = np.array(
        [lookup.all_spellings(questions[i][:3]) for i in chosen], np.int32
    ).reshape(len(chosen), 3 * lookup.spellings)
    unit = search.unit(judged.matrix[asked[chosen]])  # [B, 3, D]
    correct = np.zeros(len(questions), bool)
    rarest = np.full(len(questions), -1, np.int32)
    for start in range(0, len(chosen), BATCH):
        part = slice(start, start + BATCH)
        a, b, c = unit[part].swapaxes(0, 1)
        query = np.stack([a, b, c]) if method == "3cosmul" else b - a + c
        _, found = judged.search(query, barred[part], 1, method)
        for i, row in zip(chosen[part], found[:, 0], strict=True):
            correct[i] = lookup.row(judged.words[row]) in answers[i]
            rarest[i] = max(*asked[i], min(answers[i]))
        progress(min(start + BATCH, len(chosen)), len(chosen))
    sections = np.array([question.section for question in questions])
    return AnalogyResult(sections, known, correct, rarest)


def bands(
    rows: NDArray[np.int32], counts: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Which rows [Q] fall into which band of frequency; -1 falls into none.

    With counts [V], bands of occurrences; without, of rank.
    """
    values: NDArray[Any]
    if counts is None:
        values, edges = rows + 1, (1, 1_001, 5_001, 20_001, 100_001)
        unit = "rank"
    else:
        values, edges = counts[rows], (1, 10, 100, 1_000, 10_000)
        unit = "occurrences"
    ends = (*edges[1:], None)
    named = {}
    for low, end in zip(edges, ends, strict=True):
        inside = (rows >= 0) & (values >= low)
        if end is not None:
            inside &= values < end
        last = f"to {end - 1}" if end else "and above"
        named[f"{unit} {low} {last}"] = inside
    return {name: inside for name, inside in named.items() if inside.any()}
