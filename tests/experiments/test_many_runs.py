"""`experiments.many_runs`: the same sweep in three ways, as a table of medians."""

import json
from pathlib import Path

import pytest

from experiments import many_runs
from tests.experiments.test_cli import command
from tests.real_runs import small_text

RESULTS = Path(__file__).resolve().parents[2] / "experiments" / "results"


def sweep(way, seconds, processor, score=0.5, runs=4):
    return {
        "way": way,
        "runs": runs,
        "seconds": seconds,
        "processor_seconds": processor,
        "wordsim353": score,
    }


def test_a_row_holds_medians_over_rounds_of_what_a_run_took():
    found = [
        sweep("a", 40.0, 60.0, 0.1),
        sweep("b", 8.0, 4.0),
        sweep("a", 400.0, 64.0, 0.2),
        sweep("a", 44.0, 800.0, 0.6),
    ]
    rows = many_runs.table(found).splitlines()[2:]
    # Medians of 40, 44, 400 and of 60, 64, 800, over four runs; the mean score.
    assert rows == [
        f"| a | 4 | 3 | {44 / 4:.1f} | {64 / 4:.1f} | {0.9 / 3:.3f} |",
        f"| b | 4 | 1 | {8 / 4:.1f} | {4 / 4:.1f} | {0.5:.3f} |",
    ]


def test_the_ways_differ_in_jobs_and_in_company_alone():
    given = {way.name: way.flags for way in many_runs.ways(6)}
    assert given == {
        "one after another": ("--jobs=1", "--together=never"),
        "one on each core": ("--jobs=6", "--together=never"),
        "together": ("--together=always",),
    }


def test_the_table_in_the_readme_is_that_of_the_results():
    found = json.loads((RESULTS / "many_runs.json").read_bytes())
    table = (RESULTS / "many_runs.md").read_text()
    assert table == many_runs.table(found["sweeps"])
    readme = (RESULTS.parents[1] / "README.md").read_text()
    assert table.strip() in readme
    assert found["date"] in readme


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ((), "--corpus"),
        (("--corpus=nowhere.txt",), "nowhere.txt"),
        ((f"--corpus={__file__}", "--out=/dev/null/a.json"), "--out=/dev/null/a.json"),
    ],
)
def test_without_a_text_or_a_place_to_write_nothing_is_measured(tmp_path, flags, word):
    given = ("-m", "experiments.many_runs", f"--out={tmp_path}/out.json", *flags)
    code, out, err = command(*given)
    assert (code, out) == (2, "")
    assert word in err
    assert not (tmp_path / "out.json").exists()


def test_a_folder_that_was_taken_away_meanwhile_loses_no_measurement(tmp_path):
    out = tmp_path / "gone" / "out.json"
    many_runs._write(out, [sweep("a", 40.0, 60.0)], ["--seeds=1", "--corpus=x.txt"])
    said = json.loads(out.read_bytes())
    assert said["sweeps"] == [sweep("a", 40.0, 60.0)]
    assert said["flags"] == ["--seeds=1"]


@pytest.mark.slow
def test_a_measurement_is_of_a_real_sweep_with_every_run_of_it(tmp_path):
    same = [f"--corpus={small_text()}", f"--cache_dir={tmp_path}/cache", "--seeds=1"]
    same += ["--max_words=20000", "--epochs=1", *many_runs.SWEEP]
    way = many_runs.ways(1)[2]
    one = many_runs.measure(way, same, tmp_path / "sweep")
    assert one["way"] == "together"
    assert one["runs"] == 4  # two rates, two exponents, one seed
    assert 0 < one["train_seconds"] < one["seconds"]
    assert one["processor_seconds"] > 0
    assert -1 <= one["wordsim353"] <= 1
    out = tmp_path / "new" / "out.json"
    many_runs._write(out, [one], same)
    said = json.loads(out.read_bytes())
    assert said["sweeps"] == [one]
    assert out.with_suffix(".md").read_text() == many_runs.table([one])
    assert str(small_text()) not in out.read_text()


@pytest.mark.slow
def test_a_sweep_that_fails_ends_the_measurement(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("too few words to have a vocabulary")
    given = (f"--corpus={text}", f"--out={tmp_path}/out.json", "--rounds=1")
    code, _, err = command("-m", "experiments.many_runs", *given)
    assert code == 1
    assert "one after another: " in err.splitlines()[-1]


def test_a_text_too_small_to_be_judged_has_no_score():
    assert many_runs.mean_score([{"spearman": 0.25}, {"spearman": 0.5}]) == 0.375
    assert many_runs.mean_score([{"spearman": 0.25}, {"spearman": None}]) is None
    (row,) = many_runs.table([sweep("a", 40.0, 60.0, None)]).splitlines()[2:]
    assert row.endswith("| - |")


def test_without_the_set_nothing_is_measured(tmp_path, monkeypatch):
    code = (
        "import sys\n"
        "from w2v_jax.evaluation import suites\n"
        "suites._named = lambda name: None\n"
        "from experiments import cli, many_runs\n"
        "many_runs.define_flags()\n"
        "cli.run(many_runs.main)\n"
    )
    given = (f"--corpus={__file__}", f"--out={tmp_path}/out.json")
    line = "wordsim353: not on this machine; name a file\n"
    assert command(*given, code=code) == (2, "", line)
