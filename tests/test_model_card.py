import numpy as np

from tests.evaluation.test_finished_run import write_run
from w2v_jax.evaluation import finished_run, suites
from w2v_jax.model_card import model_card
from w2v_jax.vectors import Vectors

RNG = np.random.default_rng(0)


def card_of(tmp_path, scores, summary=None, **fields):
    run = finished_run.load(write_run(tmp_path / "run", **fields))
    vectors = Vectors(run.vocabulary.words, run.inputs)
    summary = {"raw_words": 12345} if summary is None else summary
    return model_card("v.bin", "ab" * 32, vectors, "input", run, summary, scores)


def rows_of(card, heading):
    """The table below a heading: first cell -> the others."""
    lines = card.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    cells = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    return {first: rest for first, *rest in cells}


def test_the_card_says_where_the_vectors_come_from(tmp_path):
    card = card_of(tmp_path, {}, corpus="news.txt", seed=17)
    assert card.startswith("# v.bin\n")
    assert rows_of(card, "Vectors")["SHA-256"] == [f"`{'ab' * 32}`"]
    assert rows_of(card, "Vectors")["words"] == ["3"]
    text = rows_of(card, "Training text")
    assert text["corpus"] == ["`news.txt`"]
    assert text["SHA-256"] == ["`00`"]  # of environment.json
    assert text["tokeniser"] == ["whitespace"]
    assert text["words read"] == ["12,345, all epochs together"]
    assert "Not measured." in card


def test_the_card_holds_every_field_of_the_config(tmp_path):
    run = finished_run.load(write_run(tmp_path / "run"))
    found = rows_of(card_of(tmp_path, {}, seed=17), "Configuration")
    assert {f"`{name}`" for name in run.config.to_dict()} <= set(found)
    assert found["`seed`"] == ["`17`"]
    assert found["`objective`"] == ['`"negative_sampling"`']


def test_scores_come_with_interval_coverage_and_both_conventions(tmp_path):
    (tmp_path / "pairs.txt").write_text(
        "a b 1\nb c 2\nc d 3.5\na d 4\na c 2.5\nd b 5\na nowhere 3\n"
    )
    (tmp_path / "questions.txt").write_text(": s\na b c d\nb a d c\na b c nowhere\n")
    paths = [tmp_path / "pairs.txt", tmp_path / "questions.txt"]
    judged = Vectors("abcd", RNG.normal(size=(4, 6)))
    sets = {path.stem: path for path in paths} | {"men": None}
    scores = suites.evaluate(judged, sets, restrict=4)
    card = card_of(tmp_path, scores)
    found = rows_of(card, "Scores")
    one = scores["similarity"]["pairs"]
    low, high = one["interval"]
    assert found["pairs"] == [
        "Spearman",
        f"{one['spearman']:.3f}",
        f"{low:.3f} to {high:.3f}",
        "6",
        "1",
        f"{one['spearman_missing_as_zero']:.3f}",
    ]
    assert found["questions"][0] == "accuracy, 3cosadd"
    assert found["questions"][3:5] == ["2", "1"]
    assert "Within the 4 most frequent words." in card
    assert "Not on the machine that measured: men." in card


def test_what_is_unknown_is_said_to_be(tmp_path):
    card = card_of(tmp_path, {}, summary={})
    assert rows_of(card, "Training text")["words read"] == ["unknown"]


def test_a_bar_in_a_name_breaks_no_table(tmp_path):
    card = card_of(tmp_path, {}, corpus="a|b.txt")
    assert rows_of(card, "Training text")["corpus"] == ["`a\\|b.txt`"]
