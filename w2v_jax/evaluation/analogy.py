"""Analogies: a is to b as c is to ?, scored as word2vec's compute-accuracy does.

A question counts when all its words have vectors; its own three words are no answers.
With case folded, another spelling of a question word is no answer either, and any
spelling of the right answer is right: gensim's rules.

The methods "3cosavg" and "lrcos" ask one question for each pair of a section, and
know the other pairs of it; only the word asked for is then no answer.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import statistics
from w2v_jax.evaluation.bands import bands
from w2v_jax.evaluation.lookup import Lookup
from w2v_jax.evaluation.readers import Question
from w2v_jax.vectors import METHODS as OF_THREE_WORDS
from w2v_jax.vectors import Vectors

BATCH = 4096  # questions between two reports of progress
METHODS = (*OF_THREE_WORDS, "3cosavg", "lrcos")


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
        grouped = bands(self.rarest, counts)
        return self._scores(np.ones_like(self.known)) | {
            "sections": {name: self._scores(self.sections == name) for name in names},
            "bands": {name: self._scores(chosen) for name, chosen in grouped.items()},
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
      method: one of `METHODS`.
      progress: called with the questions done and their number.

    Raises:
      ValueError: an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method={method}: must be one of {', '.join(METHODS)}.")
    lookup = Lookup(vectors.words, restrict, fold_case)
    judged = vectors.restricted(restrict)
    ask = _ask_three_words if method in OF_THREE_WORDS else _ask_pair_sets
    return ask(judged, lookup, questions, method, progress)


def _ask_three_words(
    vectors: Vectors,
    lookup: Lookup,
    questions: Sequence[Question],
    method: str,
    progress: Callable[[int, int], None],
) -> AnalogyResult:
    from w2v_jax import search

    rows = lookup.rows((question[:3] for question in questions), 3)
    answers = [lookup.known_rows(question.answers) for question in questions]
    known = (rows >= 0).all(axis=1) & np.array([bool(found) for found in answers])
    asked = np.flatnonzero(known).tolist()
    barred = [lookup.all_spellings(questions[i][:3]) for i in asked]
    unit = search.unit(vectors.matrix[rows[asked]])  # [B, 3, D]
    predicted = np.full(len(questions), -1, np.int32)
    for start in range(0, len(asked), BATCH):
        part = slice(start, start + BATCH)
        a, b, c = unit[part].swapaxes(0, 1)
        add = method == "3cosadd"
        query, score = (b - a + c, "cosine") if add else (np.stack([a, b, c]), method)
        _, found = vectors.search(query, barred[part], 1, score)
        predicted[asked[part]] = found[:, 0]
        progress(min(start + BATCH, len(asked)), len(asked))
    sections = [question.section for question in questions]
    return _judge(vectors, lookup, sections, known, rows, answers, predicted)


def _ask_pair_sets(
    vectors: Vectors,
    lookup: Lookup,
    questions: Sequence[Question],
    method: str,
    progress: Callable[[int, int], None],
) -> AnalogyResult:
    from w2v_jax import pair_sets, search

    sections = pairs_of(questions)
    pairs = [(name, *p) for name, pairs in sections.items() for p in pairs.items()]
    rows = lookup.rows(((word,) for _, word, _ in pairs), 1)
    answers = [lookup.known_rows(found) for _, _, found in pairs]
    names = np.array([name for name, _, _ in pairs])
    known = (rows[:, 0] >= 0) & np.array([bool(found) for found in answers])
    for name in sections:
        if known[names == name].sum() < 2:  # nothing left to learn from
            known[names == name] = False
    predicted = np.full(len(pairs), -1, np.int32)
    for done, name in enumerate(sections, 1):
        asked = np.flatnonzero(known & (names == name)).tolist()
        if asked:
            sources = search.unit(vectors.matrix[rows[asked, 0]])
            targets = search.unit(vectors.matrix[[answers[i][0] for i in asked]])
            others = 1 - np.eye(len(asked), dtype=np.float32)
            query, score = pair_sets.queries(
                method, sources, sources, targets, others, vectors.matrix
            )
            barred = [lookup.all_spellings(pairs[i][1:2]) for i in asked]
            _, found = vectors.search(query, barred, 1, score)
            predicted[asked] = found[:, 0]
        progress(done, len(sections))
    return _judge(vectors, lookup, names.tolist(), known, rows, answers, predicted)


def pairs_of(questions: Sequence[Question]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The pairs, word -> answers, that a set's questions are made of, by section."""
    sections: dict[str, dict[str, tuple[str, ...]]] = {}
    for a, b, c, answers, section in questions:
        pairs = sections.setdefault(section, {})
        pairs.setdefault(a, (b,))
        pairs[c] = answers
    return sections


def _judge(
    vectors: Vectors,
    lookup: Lookup,
    sections: list[str],
    known: NDArray[np.bool_],
    rows: NDArray[np.int32],
    answers: list[list[int]],
    predicted: NDArray[np.int32],
) -> AnalogyResult:
    correct = np.zeros(len(sections), bool)
    rarest = np.full(len(sections), -1, np.int32)
    for i in np.flatnonzero(known).tolist():
        correct[i] = lookup.row(vectors.words[predicted[i]]) in answers[i]
        rarest[i] = max(*rows[i], answers[i][0])
    return AnalogyResult(np.array(sections, str), known, correct, rarest)
