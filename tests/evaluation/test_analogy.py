import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from w2v_jax.evaluation.analogy import evaluate
from w2v_jax.evaluation.readers import Question, read_analogies
from w2v_jax.vectors import Vectors

COUNTRIES = ["France", "Italy", "Spain", "China"]
CAPITALS = ["Paris", "Rome", "Madrid", "Beijing"]


@pytest.fixture
def planted() -> Vectors:
    """country i = e_i and capital i = e_i + e_0, so every question has its answer."""
    countries = np.eye(5, dtype=np.float32)[1:]
    capitals = countries + np.eye(5, dtype=np.float32)[0]
    return Vectors(COUNTRIES + CAPITALS, np.concatenate([countries, capitals]))


def all_questions() -> list[Question]:
    pairs = list(zip(COUNTRIES, CAPITALS, strict=True))
    return [
        Question(a, b, c, (d,), "odd" if i % 2 else "even")
        for i, (a, b) in enumerate(pairs)
        for c, d in pairs
        if a != c
    ]


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_a_planted_offset_is_found_in_every_question(planted, method):
    scores = evaluate(planted, all_questions(), method=method).to_dict()
    assert scores["accuracy"] == 1
    assert scores["questions"] == 12
    assert scores["out_of_vocabulary"] == 0
    assert scores["interval"] == (1, 1)


def test_wrong_answers_are_wrong(planted):
    wrong = [Question("France", "Paris", "Italy", ("Madrid",), "s")]
    right = [Question("France", "Paris", "Italy", ("Rome",), "s")]
    scores = evaluate(planted, wrong + right).to_dict()
    assert scores["accuracy"] == 1 / 2


def test_any_of_several_answers_is_right(planted):
    question = Question("France", "Paris", "Italy", ("Milan", "Rome"), "s")
    assert evaluate(planted, [question]).to_dict()["accuracy"] == 1


def test_sections_are_scored_apart(planted):
    questions = [
        Question("France", "Paris", "Italy", ("Rome",), "good"),
        Question("France", "Paris", "Spain", ("Rome",), "bad"),
        Question("France", "Paris", "China", ("Beijing",), "good"),
    ]
    sections = evaluate(planted, questions).to_dict()["sections"]
    assert list(sections) == ["good", "bad"]
    assert sections["good"]["accuracy"] == 1
    assert sections["good"]["questions"] == 2
    assert sections["bad"]["accuracy"] == 0


def test_missing_words_are_left_out_or_counted_as_wrong(planted):
    questions = [
        Question("France", "Paris", "Italy", ("Rome",), "s"),
        Question("France", "Paris", "Italy", ("Milan",), "s"),
        Question("Peru", "Paris", "Italy", ("Rome",), "s"),
        Question("France", "Paris", "Spain", ("Madrid",), "s"),
    ]
    scores = evaluate(planted, questions).to_dict()
    assert scores["accuracy"] == 1
    assert scores["accuracy_missing_as_wrong"] == 2 / 4
    assert scores["questions"] == 2
    assert scores["out_of_vocabulary"] == 2
    assert scores["coverage"] == 2 / 4


def test_with_no_known_question_there_is_no_accuracy(planted):
    scores = evaluate(planted, [Question("a", "b", "c", ("d",), "s")]).to_dict()
    assert scores["accuracy"] is None
    assert scores["interval"] is None
    assert scores["accuracy_missing_as_wrong"] == 0


def test_words_beyond_the_cut_are_neither_known_nor_answers(planted):
    question = Question("France", "Paris", "Italy", ("Rome",), "s")
    assert evaluate(planted, [question], restrict=6).to_dict()["accuracy"] == 1
    assert evaluate(planted, [question], restrict=5).to_dict()["questions"] == 0


def test_another_spelling_of_a_question_word_is_no_answer():
    # "ROME" lies nearest to the answer's place but is Rome, so "good" is the answer
    words = ["x", "y", "Rome", "good", "ROME"]
    matrix = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0.2], [0, 1, 0.01]])
    vectors = Vectors(words, matrix)
    question = Question("x", "y", "Rome", ("good",), "s")
    assert evaluate(vectors, [question]).to_dict()["accuracy"] == 1
    exact = evaluate(vectors, [question], fold_case=False).to_dict()
    assert exact["accuracy"] == 0


def test_progress_is_told(planted):
    seen = []
    evaluate(planted, all_questions(), progress=lambda *at: seen.append(at))
    assert seen == [(12, 12)]


def test_a_question_belongs_to_the_band_of_its_rarest_word(planted):
    counts = np.array([9000, 8000, 7000, 6000, 500, 400, 300, 20])
    questions = [
        Question("France", "Paris", "Italy", ("Rome",), "s"),
        Question("France", "Paris", "China", ("Beijing",), "s"),
    ]
    found = evaluate(planted, questions).to_dict(counts)["bands"]
    assert {name: one["questions"] for name, one in found.items()} == {
        "occurrences 10 to 99": 1,
        "occurrences 100 to 999": 1,
    }


def keyed_vectors() -> KeyedVectors:
    """Noisy planted vectors for most words of the Google questions.

    Words of a section's first column share no offset with its second beyond a common
    vector, so some questions come right and some wrong; one word in seven also stands
    there in capitals, and one in twelve is missing.
    """
    rng = np.random.default_rng(0)
    offsets: dict[str, np.ndarray] = {}
    table: dict[str, np.ndarray] = {}
    for a, b, _, _, section in read_analogies(datapath("questions-words.txt")):
        offset = offsets.setdefault(section, rng.normal(size=30))
        base = table.setdefault(a, rng.normal(size=30))
        table.setdefault(b, base + offset + 0.7 * rng.normal(size=30))
    for i, word in enumerate(list(table)):
        if i % 7 == 0:
            table[word.upper()] = table[word] + 0.1 * rng.normal(size=30)
        if i % 12 == 0:
            del table[word]
    words = list(table)
    rng.shuffle(words)
    vectors = KeyedVectors(30)
    vectors.add_vectors(words, np.array([table[word] for word in words]))
    return vectors


@pytest.mark.slow
@pytest.mark.parametrize("restrict", [0, 700])
@pytest.mark.parametrize("fold_case", [True, False])
def test_every_section_equals_gensims(restrict, fold_case):
    theirs = keyed_vectors()
    path = datapath("questions-words.txt")
    ours = evaluate(
        Vectors(theirs.index_to_key, theirs.vectors),
        read_analogies(path),
        restrict,
        fold_case,
    ).to_dict()
    accuracy, sections = theirs.evaluate_word_analogies(
        path, restrict_vocab=restrict or len(theirs), case_insensitive=fold_case
    )
    assert 0.1 < accuracy < 0.9  # right and wrong answers are both there to compare
    assert ours["out_of_vocabulary"] > 100
    for section in sections[:-1]:
        right, wrong = len(section["correct"]), len(section["incorrect"])
        mine = ours["sections"][section["section"]]
        assert mine["questions"] == right + wrong
        # one question may turn on a tie in the last bits of a cosine
        assert abs((mine["accuracy"] or 0) * mine["questions"] - right) <= 1
    assert ours["accuracy"] == pytest.approx(accuracy, abs=1e-3)
    wrong_when_missing, _ = theirs.evaluate_word_analogies(
        path,
        restrict_vocab=restrict or len(theirs),
        case_insensitive=fold_case,
        dummy4unknown=True,
    )
    assert ours["accuracy_missing_as_wrong"] == pytest.approx(
        wrong_when_missing, abs=1e-3
    )


@pytest.mark.parametrize("method", ["3cosavg", "lrcos"])
def test_sets_of_pairs_ask_each_pair_once_and_learn_from_the_others(planted, method):
    questions = [q._replace(section="capitals") for q in all_questions()]
    scores = evaluate(planted, questions, method=method).to_dict()
    assert scores["questions"] == len(COUNTRIES)
    assert scores["accuracy"] == 1
    assert list(scores["sections"]) == ["capitals"]


@pytest.mark.parametrize("method", ["3cosavg", "lrcos"])
def test_a_pair_does_not_learn_from_itself(method):
    # a has the offset e_0 and c the offset e_4: from a alone, c's answer is the decoy
    # (cosine 1.18 against .71 before the query's length is divided out), with c's own
    # pair in the mean it would be C+ (.82 against .85)
    unit = np.eye(5, dtype=np.float32)
    words = ["a", "c", "A+", "C+", "decoy"]
    matrix = [unit[1], unit[3], unit[1] + unit[0], unit[3] + unit[4],
              unit[3] + 1.2 * unit[0]]  # fmt: skip
    questions = [Question("a", "A+", "c", ("C+",), "s")]
    result = evaluate(Vectors(words, np.stack(matrix)), questions, method=method)
    assert not result.correct[1]


def test_a_pair_alone_in_its_section_cannot_be_asked(planted):
    questions = [
        Question("France", "Paris", "Peru", ("Lima",), "s"),
        Question("France", "Paris", "Chile", ("Santiago",), "s"),
    ]
    scores = evaluate(planted, questions, method="3cosavg").to_dict()
    assert (scores["questions"], scores["out_of_vocabulary"]) == (0, 3)


def test_an_unknown_method_is_refused(planted):
    with pytest.raises(ValueError, match="must be one of 3cosadd, 3cosmul, 3cosavg"):
        evaluate(planted, all_questions(), method="3cos")
