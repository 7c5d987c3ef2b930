"""Measures by name, and costs by the unit of their title."""

from types import SimpleNamespace

import pytest

from experiments.reporting.collect import collect
from experiments.reporting.measures import COSTS, Measure, cost, find, language
from tests.experiments.reporting.planted import write_run, write_sets


@pytest.fixture
def run(tmp_path):
    return collect(write_run(tmp_path / "run", 1)).runs[0]


def test_files_are_measures_named_after_themselves(tmp_path, run):
    pairs, questions = write_sets(tmp_path / "sets")
    found, files, absent = find([str(pairs), str(questions)], run)
    assert found == [
        Measure("pairs", "pairs", "similarity"),
        Measure("questions", "questions", "analogy"),
    ]
    assert files == {"pairs": pairs, "questions": questions}
    assert absent == []


def test_a_band_is_a_measure_of_its_own(tmp_path, run):
    pairs, _ = write_sets(tmp_path / "sets")
    names = [f"{pairs}@10-99", f"{pairs}@100-", str(pairs), f"{pairs}@10-99"]
    found, files, _ = find(names, run)
    assert found == [
        Measure("pairs@10-99", "pairs", "similarity", 10, 99),
        Measure("pairs@100-", "pairs", "similarity", 100, None),
        Measure("pairs", "pairs", "similarity"),
    ]
    assert list(files) == ["pairs"]


def test_without_names_the_core_of_the_runs_language_is_meant(run):
    found, files, absent = find([], run)
    assert {one.set for one in found} | set(absent) == {
        "wordsim353",
        "simlex999",
        "google",
    }
    assert set(files) == {one.set for one in found}


def test_absent_sets_are_named_once(run, monkeypatch):
    monkeypatch.setattr("w2v_jax.evaluation.suites._named", lambda name: None)
    assert find(["google", "google@1-9", "msr"], run) == ([], {}, ["google", "msr"])


def test_an_unknown_name_is_refused(run):
    with pytest.raises(ValueError, match="no such file, and no suite"):
        find(["wordsim354"], run)


def test_a_chinese_vocabulary_asks_for_chinese_sets(tmp_path, run, shared_data):
    chinese = shared_data / "eval" / "zh" / "wordsim-240.txt"
    words = {word for line in chinese.read_text().splitlines() for word in line.split()}
    assert language(run) == "english"  # knows nothing of either
    table = "".join(f"{word}\t1\n" for word in sorted(words) if not word[0].isdigit())
    (run.path / "vocabulary.tsv").write_text(table)
    assert language(run) == "chinese"
    (run.path / "vocabulary.tsv").unlink()
    assert language(run) == "english"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2_500_000, 2.5), (None, None), ("fast", None), (True, None), (0, 0.0)],
)
def test_a_cost_is_a_number_in_its_unit_or_nothing(value, expected):
    (words,) = (one for one in COSTS if one.key == "raw_words")
    assert cost(SimpleNamespace(summary={"raw_words": value}), words) == expected
    assert cost(SimpleNamespace(summary={}), words) is None


def test_two_sets_of_one_name_are_refused(tmp_path, run):
    pairs, _ = write_sets(tmp_path / "sets")
    others, _ = write_sets(tmp_path / "other")
    with pytest.raises(ValueError, match=f"^{others}: another set named pairs than"):
        find([str(pairs), f"{others}@10-99"], run)
