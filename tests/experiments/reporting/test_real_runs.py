"""A report of runs that experiments.train really made, compiled and opened."""

import csv
import json
import shutil
import subprocess
import sys

import pytest

from tests.experiments.reporting import browser
from tests.real_runs import ROOT, small_text
from w2v_jax.evaluation import suites
from w2v_jax.vectors import Vectors

pytestmark = pytest.mark.slow
MEASURES = "wordsim353,google@5-"
EPOCHS = {"short": 1, "long": 8}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One epoch and eight, two seeds each, of a small real text."""
    root = tmp_path_factory.mktemp("real")
    for name, epochs in EPOCHS.items():
        for seed in (1, 2):
            command = [sys.executable, "-m", "experiments.train"]
            command += [f"--corpus={small_text()}", f"--cache_dir={root / 'cache'}"]
            command += [f"--workdir={root / 'runs' / name / f'seed-{seed}'}"]
            command += [f"--epochs={epochs}", f"--seed={seed}", "--dim=24"]
            command += ["--min_count=2", "--chunk=8000", "--replicas=1"]
            subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    return root / "runs"


@pytest.fixture(scope="module")
def out(runs):
    command = [sys.executable, "-m", "experiments.report", f"--workdir={runs}"]
    done = subprocess.run(
        [*command, f"--measures={MEASURES}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return runs / "report"


def rows(path):
    return {row["cell"]: row for row in csv.DictReader(path.read_text().splitlines())}


def test_the_scores_are_those_of_the_librarys_evaluation(runs, out):
    scores = []
    for seed in (1, 2):
        vectors = Vectors.load(runs / "long" / f"seed-{seed}" / "vectors.bin")
        found = suites.evaluate(vectors, suites.find(["wordsim353"]))
        scores.append(found["similarity"]["wordsim353"]["spearman"])
    row = rows(out / "scores.csv")["long"]
    assert float(row["wordsim353 mean"]) == pytest.approx(sum(scores) / 2, rel=1e-9)
    assert int(row["wordsim353 items"]) < int(row["wordsim353 total"]) == 353


def test_costs_are_those_of_the_runs(runs, out):
    summaries = [
        json.loads((runs / "long" / f"seed-{seed}" / "summary.json").read_text())
        for seed in (1, 2)
    ]
    row = rows(out / "costs.csv")["long"]
    seconds = sum(one["train_seconds"] for one in summaries) / 2
    assert float(row["training, s mean"]) == pytest.approx(seconds)
    # eight epochs read eight times the words of one
    other = rows(out / "costs.csv")["short"]
    words = "raw words, M mean"
    assert float(row[words]) == pytest.approx(8 * float(other[words]))


def test_equal_tokens_keep_the_short_training_alone(out):
    # one method, trained for one epoch and for eight: the least budget is one epoch
    assert list(rows(out / "equal_tokens.csv")) == ["short"]


def test_epochs_were_swept_and_drawn(out):
    names = {path.name for path in out.glob("*.png")}
    assert names == {"learning_curves.png", "quality_epochs.png", "quality_time.png"}


def test_the_report_compiles(out, tmp_path):
    found = next(filter(shutil.which, ("pdflatex", "tectonic", "xelatex")), None)
    if found is None:
        pytest.skip("needs a TeX with booktabs: make report-tools installs one")
    for path in out.glob("*.tex"):
        shutil.copy(path, tmp_path)
    options = ["-interaction=nonstopmode", "-halt-on-error"] * (found != "tectonic")
    done = subprocess.run(
        [found, *options, "report.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_the_page_opens_in_a_real_browser(out):
    with browser.opened() as shown:
        shown.open((out / "index.html").as_uri())
        images = (
            "Promise.all([...document.images].map(i => i.decode()"
            ".then(() => i.naturalWidth > 100)))"
        )
        assert shown.evaluate(images) == [True] * 3
        text = shown.evaluate("document.body.innerText")
        for said in (
            "2 cells of 4 runs",
            "epochs",
            "wordsim353",
            "jaxlib",
            "min_count",
        ):
            assert said in text
        asked = [e["request"]["url"] for e in shown.named("Network.requestWillBeSent")]
        outside = [url for url in asked if not url.startswith("data:")]
        assert outside == [(out / "index.html").as_uri()]
        assert shown.named("Log.entryAdded") == []
