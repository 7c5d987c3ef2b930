"""Evaluation sets as their authors publish them.

similarity   word1, word2, score, separated by tabs, commas or spaces; a heading
             line, comments (#) and further columns are passed over, so that the
             files of WordSim-353, SimLex-999, RG-65, MC-30, MTurk, MEN, RW,
             SimVerb-3500, wordsim-240/297 and COS960 are read as they come
analogy      'a b c d' on a line, ': section' lines between them (Google, MSR,
             CA-translated, CA8)
BATS         a folder of files, one a section: word TAB answer/answer/...
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from w2v_jax.formats.checks import shown

LONGEST_LINE = 1 << 16  # characters
_LEMMA = re.compile(r".+-[nvjar]")  # MEN's lemma form: sun-n, bright-j
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I | re.A).fullmatch
_LONGEST_NUMBER = 40  # characters
MOST_ITEMS = 250_000  # of one set; BATS, the largest one known, has 98,000 questions


class Pair(NamedTuple):
    """Two words and the similarity that people gave them, on the set's own scale."""

    first: str
    second: str
    score: float


class Question(NamedTuple):
    """a is to b as c is to one of the answers; the first answer is the usual one."""

    a: str
    b: str
    c: str
    answers: tuple[str, ...]
    section: str


def kind(path: str | Path) -> str:
    """ "similarity" or "analogy", by what the file's first lines hold."""
    path = Path(path)
    if path.is_dir():
        return "analogy"
    for number, line in _lines(path):
        fields = _fields(line)
        if line.startswith(":") or (len(fields) == 4 and _score(fields) is None):
            return "analogy"
        if len(fields) >= 3 and number > 1:
            return "similarity"
    return "similarity"


def read_pairs(path: str | Path) -> list[Pair]:
    """The pairs of a similarity set.

    Raises:
      ValueError: naming the line that has not two words and a number.
    """
    pairs: list[Pair] = []
    path = Path(path)
    heading = True  # the first line that is no comment may be one
    for number, line in _lines(path):
        fields = _fields(line)
        score = _score(fields)
        if score is None:
            if heading and len(fields) >= 3:
                heading = False
                continue
            raise ValueError(
                f"{path}: line {number}: expected two words and a number, not "
                f"{shown(line)}"
            )
        heading = False
        pairs.append(Pair(fields[0], fields[1], score))
        _check_number(path, number, len(pairs))
    if not pairs:
        raise ValueError(f"{path}: no pairs; expected two words and a number a line")
    if all(_LEMMA.fullmatch(word) for pair in pairs for word in pair[:2]):
        pairs = [Pair(p.first[:-2], p.second[:-2], p.score) for p in pairs]
    return pairs


def read_analogies(path: str | Path) -> list[Question]:
    """The questions of an analogy set, a file or BATS's folder, in order.

    Raises:
      ValueError: naming the line that has not four words.
    """
    path = Path(path)
    if path.is_dir():
        return _read_bats(path)
    questions: list[Question] = []
    section = "all"
    for number, line in _lines(path):
        if line.startswith(":"):
            section = line[1:].strip()
            continue
        words = line.split()
        if len(words) != 4:
            raise ValueError(
                f"{path}: line {number}: expected four words, not {shown(line)}"
            )
        a, b, c, d = words
        questions.append(Question(a, b, c, (d,), section))
        _check_number(path, number, len(questions))
    if not questions:
        raise ValueError(f"{path}: no questions; expected four words a line")
    return questions


def _read_bats(folder: Path) -> list[Question]:
    questions: list[Question] = []
    for path in sorted(folder.rglob("*.txt")):
        pairs: list[tuple[str, tuple[str, ...]]] = []
        for number, line in _lines(path):
            word, _, answers = line.partition("\t")
            if not answers.strip() or not word.strip():
                raise ValueError(
                    f"{path}: line {number}: expected a word, a tab and its answers, "
                    f"not {shown(line)}"
                )
            pairs.append((word.strip(), tuple(answers.strip().split("/"))))
            _check_number(path, number, len(questions) + len(pairs) ** 2)
        for a, b in pairs:
            questions += [
                Question(a, b[0], c, d, path.stem) for c, d in pairs if c != a
            ]
    if not questions:
        raise ValueError(f"{folder}: no .txt files of word pairs; name such a folder")
    return questions


def _check_number(path: Path, line: int, items: int) -> None:
    if items > MOST_ITEMS:
        raise ValueError(
            f"{path}: line {line}: more than {MOST_ITEMS} pairs or questions; split "
            f"the set"
        )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers and lines, stripped; blank lines and comments left out."""
    number = 0
    with path.open("rb") as file:
        while raw := file.readline(LONGEST_LINE):
            number += 1
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}: line {number}: not UTF-8 at its byte {error.start}; "
                    f"convert the file to UTF-8"
                ) from None
            if len(raw) == LONGEST_LINE:
                raise ValueError(
                    f"{path}: line {number}: longer than {LONGEST_LINE} bytes; name "
                    f"a file of pairs or questions"
                )
            line = line.strip()
            if line and not line.startswith("#"):
                yield number, line


def _fields(line: str) -> list[str]:
    for mark in ("\t", ",", ";"):
        if mark in line:
            return [field.strip() for field in line.split(mark)]
    return line.split()


def _score(fields: list[str]) -> float | None:
    """The first number after the two words; None if there is none."""
    for field in fields[2:]:
        if len(field) <= _LONGEST_NUMBER and _NUMBER(field):
            score = float(field)
            return score if math.isfinite(score) else None
    return None
