"""The command as a user runs it: its files, its words and its exit codes."""

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from experiments.reporting import study
from experiments.reporting.report import Asked, make_report
from experiments.sweeps.presets import PRESETS
from tests.experiments.reporting.planted import write_run, write_sets, write_sweep

CELLS = {
    "two": {"noise": 0.4, "window": 2, "seconds": 10.0},
    "five": {"noise": 1.5, "window": 5, "seconds": 30.0},
}


def run(*flags):
    command = [sys.executable, "-m", "experiments.report", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(folder of runs, --measures) of two cells, a failure and a sweep.json."""
    root = tmp_path_factory.mktemp("report")
    sets = write_sets(root / "sets")
    runs = write_sweep(root / "runs", CELLS)
    write_run(runs / "ten" / "seed-1", 1, window=10)
    (runs / "ten" / "seed-1" / "summary.json").unlink()
    (runs / "ten" / "seed-1" / "failure.json").write_text('{"error": "diverged"}')
    (runs / "sweep.json").write_text('{"question": "Does the window matter?"}')
    return runs, f"--measures={','.join(map(str, sets))}"


@pytest.fixture(scope="module")
def done(world, tmp_path_factory):
    """A report with everything asked for, and where the extra files lie."""
    runs, measures = world
    extra = tmp_path_factory.mktemp("extra")
    flags = (f"--tensorboard={extra / 'tb'}", f"--study={extra / 'studies' / 'window'}")
    made = run(f"--workdir={runs}", measures, *flags)
    assert made.returncode == 0, made.stderr
    return made, runs / "report", extra


@pytest.mark.slow
def test_every_table_and_picture_is_written(done):
    made, out, _ = done
    tables = ("scores", "comparisons", "costs", "equal_tokens", "equal_time")
    pictures = ("learning_curves", "quality_window", "quality_time")
    expected = {f"{t}.{s}" for t in tables for s in ("md", "csv", "tex")}
    expected |= {f"{p}.{s}" for p in pictures for s in ("png", "svg")}
    assert {path.name for path in out.iterdir()} == {
        *expected,
        "index.html",
        "report.tex",
    }
    assert made.stdout.rstrip().endswith(str(out / "index.html"))
    for name in tables:
        assert f"\\input{{{name}}}" in (out / "report.tex").read_text()


@pytest.mark.slow
def test_the_planted_difference_is_found_and_the_winner_is_bold(done):
    made, out, _ = done
    assert "**" in (out / "scores.md").read_text().splitlines()[4]  # window 2
    assert "±" in made.stdout
    text = (out / "comparisons.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["measure"], row["a"], row["b"]) for row in rows] == [
        ("pairs", "two", "five"),
        ("questions", "two", "five"),
    ]
    assert all(float(row["p_holm"]) < 0.05 for row in rows)
    assert all(float(row["difference"]) > 0 for row in rows)


@pytest.mark.slow
def test_the_page_has_the_question_and_the_failure(done):
    _, out, _ = done
    text = (out / "index.html").read_text()
    tree = ET.fromstring(text.partition("\n")[2])
    title = tree.find(".//{http://www.w3.org/1999/xhtml}title")
    assert title.text == "Does the window matter?"
    assert "failed: diverged" in text
    assert text.count("data:image/png;base64,") == 3


@pytest.mark.slow
def test_events_are_written_on_request(done):
    _, _, extra = done
    found = list((extra / "tb").rglob("events.out.tfevents.*"))
    assert len(found) == 6


@pytest.mark.slow
def test_a_study_is_small_and_names_no_place(done):
    _, _, extra = done
    files = {path.name: path for path in (extra / "studies").iterdir()}
    assert set(files) == {"window.md", "window.csv", "window.png"}
    assert sum(path.stat().st_size for path in files.values()) < 150_000
    text = files["window.md"].read_text()
    for said in ("Significant: 2 of 2", "± ", "6 runs; cpu a processor", "left out: 1"):
        assert said in text
    assert text.endswith("![Quality](studies/window.png)\n")
    assert str(extra) not in text
    assert "/tmp" not in text
    assert "/tmp" not in files["window.csv"].read_text()


@pytest.mark.slow
def test_a_second_report_is_the_same_to_the_byte(done, world):
    _, out, _ = done
    runs, measures = world
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = run(f"--workdir={runs}", measures)
    assert again.returncode == 0, again.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.slow
def test_baseline_level_bands_and_folder_can_be_chosen(world, tmp_path):
    runs, measures = world
    pairs = measures.removeprefix("--measures=").partition(",")[0]
    made = run(
        *(f"--workdir={runs}", f"--out={tmp_path / 'here'}", "--baseline=five"),
        *(f"--measures={pairs}@20-", "--confidence=0.9", "--correction=none"),
        *("--restrict_vocab=50", "--budget_seconds=15", "--budget_words=1"),
    )
    assert made.returncode == 0, made.stderr
    out = tmp_path / "here"
    assert "five (baseline)" in (out / "scores.md").read_text()
    assert "pairs@20-" in (out / "scores.csv").read_text()
    assert "90 %" in (out / "scores.md").read_text()
    assert "without any correction" in (out / "scores.md").read_text()
    timed = (out / "equal_time.md").read_text()
    assert "within 15.0 s of training (as asked)" in timed
    assert "Over the budget: five" in timed
    assert "Judged within the 50 most frequent words." in made.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "--workdir: missing"),
        (("--workdir=/nonexistent",), "/nonexistent: no such folder"),
        (("--workdir=.", "word"), "word: not a flag"),
        (("--workdir=.", "--tables=inputs"), "--tables=inputs: must be of input"),
        (("--workdir=.", "--tables=input,input"), "--tables: name each once"),
        (("--workdir=.", "--confidence=1.5"), "confidence"),
        (("--workdirs=.",), "Did you mean workdir?"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, said):
    made = run(*flags)
    assert made.returncode == 2
    assert said in made.stderr
    assert "Traceback" not in made.stderr
    assert len(made.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_unknown_cells_and_measures_are_refused(world):
    runs, measures = world
    for flags, said in (
        ((measures, "--baseline=too"), "Did you mean two?"),
        (("--measures=wordsim",), "no such file, and no suite"),
        ((measures, "--font=nowhere.ttf"), "nowhere.ttf: no such font file"),
    ):
        made = run(f"--workdir={runs}", *flags)
        assert (made.returncode, "Traceback" in made.stderr) == (2, False), said
        assert said in made.stderr


def test_help_lists_every_flag():
    made = run("--help")
    assert made.returncode == 0
    for name in ("workdir", "measures", "baseline", "confidence", "tensorboard"):
        assert f"--{name}" in made.stdout


def test_vectors_that_are_gone_are_named(world, tmp_path):
    write_run(tmp_path / "x", 1)
    (tmp_path / "x" / "vectors.bin").unlink()
    made = run(f"--workdir={tmp_path}", world[1])
    assert made.returncode == 2
    assert str(tmp_path / "x" / "vectors.bin") in made.stderr


def test_a_run_that_cannot_be_judged_is_left_out_and_named(world, tmp_path):
    write_sweep(tmp_path, {"a": {}, "b": {"window": 2}, "c": {"window": 3}}, (1, 2))
    (tmp_path / "a" / "seed-1" / "vectors.bin").unlink()
    (tmp_path / "b" / "seed-1" / "vectors.bin").write_bytes(b"rubbish")
    for seed in (1, 2):
        (tmp_path / "c" / f"seed-{seed}" / "vectors.bin").unlink()
    names = tuple(world[1].removeprefix("--measures=").split(","))
    made = make_report(Asked(tmp_path, names))
    cells = {cell.name: cell.seeds for cell in made.analysis.grid.cells}
    assert cells == {"b": (2,), "a": (2,)}
    lost = {str(one.path.relative_to(tmp_path)): one.why for one in made.left_out}
    assert sorted(lost) == ["a/seed-1", "b/seed-1", "c/seed-1", "c/seed-2"]
    assert all("vectors.bin" in why for why in lost.values())
    assert "4 finished runs could not be judged and are left out." in made.notes


def test_a_run_without_an_output_table_is_judged_by_the_others(world, tmp_path):
    write_sweep(tmp_path, {"a": {}, "b": {"window": 2}}, (1,))
    names = tuple(world[1].removeprefix("--measures=").split(","))
    made = make_report(Asked(tmp_path, names[:1], tables=("input", "average")))
    assert [cell.name for cell in made.analysis.grid.cells] == ["b, input", "a, input"]
    said = "2 finished runs could not be judged by every table and are left out there."
    assert said in made.notes
    assert all("output_vectors.safetensors" in one.why for one in made.left_out)


@pytest.mark.slow
def test_several_tables_of_one_training_are_cells(world, tmp_path):
    from safetensors.numpy import save

    from w2v_jax.vectors import Vectors

    for seed in (1, 2, 3):
        path = write_run(tmp_path / f"seed-{seed}", seed, noise=0.3)
        inputs = Vectors.load(path / "vectors.bin")
        turned = {"output_vectors": inputs.matrix[::-1].copy()}  # of other words
        (path / "output_vectors.safetensors").write_bytes(save(turned))
    names = tuple(world[1].removeprefix("--measures=").split(","))
    asked = Asked(tmp_path, names, tables=("input", "output"))
    made = make_report(asked)
    scores = {key: one.mean for key, one in made.analysis.scores.items()}
    assert scores["input", "pairs"] > scores["output", "pairs"] + 0.3
    assert made.analysis.winner("pairs") == "input"
    figures = {name for name, _, figure in made.figures() if figure is not None}
    assert "quality_table" in figures
    assert study.main_figure(made) is not None


def test_runs_of_several_commits_and_unclean_trees_are_admitted(world, tmp_path):
    write_run(tmp_path / "1", 1)
    write_run(tmp_path / "2", 2, facts={"git_commit": "1" * 40, "git_clean": False})
    names = tuple(world[1].removeprefix("--measures=").split(","))
    notes = " ".join(make_report(Asked(tmp_path, names)).notes)
    assert "made by 2 commits" in notes
    assert "a tree that its commit does not describe" in notes
    assert "processor" not in notes


def test_a_preset_gives_its_question_and_its_vocabulary(world, tmp_path):
    write_run(tmp_path / "x", 1)
    said = {"preset": "objectives", "restrict_vocab": 50, "seeds": [1]}
    (tmp_path / "sweep.json").write_text(json.dumps(said))
    names = tuple(world[1].removeprefix("--measures=").split(","))
    made = make_report(Asked(tmp_path, names))
    assert made.title == PRESETS["objectives"].question
    assert list(made.about)[:2] == ["question", "expected"]
    assert made.asked.restrict == 50
    assert make_report(Asked(tmp_path, names, restrict=0)).asked.restrict == 0
    bare = make_report(Asked(tmp_path / "x", names))
    assert (bare.title, bare.about, bare.asked.restrict) == ("x", {}, 0)


@pytest.mark.slow
def test_one_run_alone_gives_a_report_without_comparisons(world, tmp_path):
    write_run(tmp_path / "runs" / "x", 1)
    made = run(f"--workdir={tmp_path / 'runs'}", world[1])
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "runs" / "report" / "scores.md").read_text()
    assert "(1 seed)" in text
    costs = (tmp_path / "runs" / "report" / "costs.md").read_text()
    assert "10.1 (1 seed)" in costs  # seconds of seed 1
    compared = (tmp_path / "runs" / "report" / "comparisons.csv").read_text()
    assert len(compared.splitlines()) == 1  # the heading
