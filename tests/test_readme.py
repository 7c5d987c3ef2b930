"""The README tells the truth about files, flags and objectives."""

import dataclasses
import json
import re
import statistics
import subprocess
from pathlib import Path

from experiments import benchmark
from experiments.benchmarking import scaling, tables
from w2v_jax.config import OBJECTIVES, Config

TOLD = (".py", ".ipynb", ".h", ".cc")
ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


def sources():
    """Every Python file and notebook that git knows, tests apart."""
    names = ["w2v_jax", "experiments", "notebooks"]
    command = ["git", "-C", str(ROOT), "ls-files", *names]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [Path(line) for line in listed.stdout.splitlines()]


def test_the_tree_has_a_line_for_each_file():
    tree = README[README.index("## Files") :]
    for path in sources():
        if path.name == "__init__.py" or path.suffix not in TOLD:
            continue
        line = re.search(rf"^ +{re.escape(path.name)} +\S.*$", tree, re.MULTILINE)
        assert line, f"{path} has no line in the README"


def test_files_stay_under_300_lines():
    for path in sources():
        if path.suffix in (".py", ".h", ".cc"):
            count = len((ROOT / path).read_text(encoding="utf-8").splitlines())
            assert count <= 300, f"{path} has {count} lines"


def test_every_flag_named_in_a_readme_exists():
    fields = {field.name for field in dataclasses.fields(Config)}
    commands = "".join(
        (ROOT / path).read_text(encoding="utf-8")
        for path in sources()
        if path.parts[0] == "experiments" and path.suffix == ".py"
    )
    for text in (README, CHINESE):
        for name in set(re.findall(r"`--([a-z_]+)", text)):
            assert name in fields or f'"{name}"' in commands or name == "help", name


def test_all_objectives_are_named_in_both_languages():
    for name in OBJECTIVES:
        assert name in README
    assert "nats" in README
    assert "nat" in CHINESE


def test_the_tables_are_those_of_the_recorded_runs():
    found = sorted((ROOT / "experiments" / "results").glob("*.json"))
    names = ("quality_ns", "quality_hs", "cbow_hs", "speed")
    assert {*names, "softmax_reference"} <= {path.stem for path in found}
    for name in names:
        recorded = json.loads((ROOT / f"experiments/results/{name}.json").read_text())
        for row in benchmark.table(recorded["runs"]).splitlines():
            assert row in README, f"{name}.json: {row}"
        assert recorded["machine"]["date"] in README
        assert len({run["seed"] for run in recorded["runs"]}) >= 3
    # recorded is that of speed: what it measured beside
    costs = tables.costs(recorded["runs"]).partition("\n\n")[0]
    for row in [*costs.splitlines(), *tables.softmax(recorded["softmax"]).splitlines()]:
        assert row in README, row


def medians(runs):
    """(trainer, model) to the median of its words per second."""
    speeds = {}
    for run in runs:
        of = run["trainer"], run["model"]
        speeds.setdefault(of, []).append(run["words_per_second"])
    return {of: statistics.median(speed) for of, speed in speeds.items()}


def test_the_ratios_to_gensim_are_those_of_the_recorded_runs():
    (line,) = [x for x in README.splitlines() if x.startswith("Times gensim's speed")]
    path = ROOT / "experiments/results/speed.json"
    speed = medians(json.loads(path.read_text())["runs"])
    told = [
        f"{model.replace('-', ' with ').replace('_', ' ')} "
        f"{speed['w2v_jax', model] / speed['gensim', model]:.2f}"
        for trainer, model in speed
        if trainer == "gensim"
    ]
    assert len(told) == 4
    assert line.endswith(": " + "; ".join(told) + ".")
    # the least and the greatest of each in the runs by that code, in the first lines
    first = " ".join(README.partition("## Two commands")[0].split())
    (claim,) = re.findall(r"it trains (.*) times as fast, in two runs", first)
    ranges = []
    for model in [model for trainer, model in speed if trainer == "gensim"]:
        part = "hs" if model.endswith("hierarchical_softmax") else "ns"
        path = ROOT / f"experiments/results/speed_registers_{part}.json"
        other = medians(json.loads(path.read_text())["runs"])
        ratios = [
            one["w2v_jax", model] / one["gensim", model] for one in (other, speed)
        ]
        ranges.append(f"{min(ratios):.2f} to {max(ratios):.2f}")
    assert re.findall(r"\d+\.\d+ to \d+\.\d+", claim) == ranges


def test_the_figures_of_earlier_runs_are_those_of_their_records():
    results = ROOT / "experiments/results"
    told = " ".join(README.split())
    records = [
        json.loads((results / f"{name}.json").read_text())
        for name in ("speed_one_epoch", "speed_one_epoch_2026-11-22", "speed")
    ]
    ratios, shares, copies = [], [], []
    for record in records:
        assert record["flags"]["epochs"] == (5 if record is records[2] else 1)
        speed = medians(record["runs"])
        of = [
            f"{speed['w2v_jax', model] / speed['gensim', model]:.2f}"
            for trainer, model in speed
            if trainer == "gensim"
        ]
        table = tables.softmax(record["softmax"])
        share = re.findall(r"(\d+) % \|$", table, re.MULTILINE)
        assert len(of) == len(share) == 4
        ratios.append(", ".join(of))
        shares.append(", ".join(share))
        copies.append(f"{record['machine']['copy_bytes_per_second'] / 1e9:.1f}")
    assert (
        "in the order of the table, on the Intel Xeon of the quality above: "
        f"{ratios[0]} the same day (`speed_one_epoch.md`) and {ratios[1]} the day "
        "before (`speed_one_epoch_2026-11-22.md`)"
    ) in told
    assert (
        f"In the order of the table, on that Xeon: {shares[0]} % the same day, while a "
        f"large copy ran at {copies[0]} GB/s, and {shares[1]} % the day before, at "
        f"{copies[1]}; on the EPYC here at {copies[2]}."
    ) in told
    wide = medians(json.loads((results / "dim300_2026-11-22.json").read_text())["runs"])
    skipgram, cbow = (
        f"{wide['w2v_jax', model] / wide['gensim', model]:.1f}"
        for model in ("skipgram-negative_sampling", "cbow-negative_sampling")
    )
    assert f"; {skipgram} and {cbow} the day before, `dim300_2026-11-22.md`" in told


def test_the_scores_after_one_epoch_are_those_of_the_recorded_runs():
    path = ROOT / "experiments/results/one_epoch.json"
    recorded = json.loads(path.read_text())
    assert recorded["flags"]["feed"] == "sentences"
    scores = {}
    for name in ("skipgram", "cbow"):
        for trainer in ("w2v_jax", "gensim"):
            of = trainer, f"{name}-negative_sampling"
            runs = [r for r in recorded["runs"] if (r["trainer"], r["model"]) == of]
            assert len(runs) == 3
            wordsim = statistics.mean(run["wordsim353"] for run in runs)
            google = statistics.mean(run["google"] for run in runs)
            scores[name, trainer] = f"{wordsim:.3f}"[1:], f"{100 * google:.1f}"
    told = " ".join(README.split())
    for name in ("skipgram", "cbow"):
        ours, theirs = scores[name, "w2v_jax"], scores[name, "gensim"]
        assert f"{ours[0]} / {theirs[0]} and" in told
        assert f"{ours[1]} / {theirs[1]} % (" in told


def test_the_speed_is_told_with_quality_at_par():
    """WordSim-353, SimLex-999 and Google within .01 of gensim's or above.

    In the mean of three runs: ours have the same bits, gensim's by two workers do not.
    """
    names = ("speed", "speed_before", "speed_registers_ns", "speed_registers_hs")
    paths = [ROOT / f"experiments/results/{name}.json" for name in names]
    runs = [run for path in paths for run in json.loads(path.read_text())["runs"]]
    for model in {run["model"] for run in runs}:
        for measure in ("wordsim353", "simlex999", "google"):
            ours, theirs = (
                statistics.mean(
                    run[measure]
                    for run in runs
                    if (run["trainer"], run["model"]) == (trainer, model)
                )
                for trainer in ("w2v_jax", "gensim")
            )
            assert ours > theirs - 0.01, (model, measure)


def test_the_scores_by_fresh_noise_are_those_of_the_recorded_runs():
    for name, words in (
        ("skipgram", "skip-gram | 1 | fresh, 30 | –"),
        ("cbow", "CBOW | 1 | fresh, 5 | –"),
    ):
        path = ROOT / f"experiments/results/fresh_{name}.json"
        runs = json.loads(path.read_text())["runs"]
        assert len(runs) == 3
        scores = [
            f"{statistics.mean(run[of] for run in runs):.3f}".removeprefix("0")
            for of in ("wordsim353", "simlex999")
        ]
        google = f"{100 * statistics.mean(run['google'] for run in runs):.1f} %"
        assert f"| {' | '.join([words, *scores, google])} |" in README


def test_the_time_to_the_peers_scores_is_that_of_the_recorded_runs():
    flat = " ".join(README.split())
    for name in ("quality_ns", "quality_hs"):
        path = ROOT / f"experiments/results/{name}.json"
        rows = tables.costs(json.loads(path.read_text())["runs"]).splitlines()
        told = [row.split("|")[-2].strip() for row in rows if "(gensim" in row]
        assert len(told) == 2
        for race in told:
            assert race in flat, race


def test_the_scaling_is_that_of_the_recorded_run():
    path = ROOT / "experiments/results/scaling.json"
    points = json.loads(path.read_text())["scaling"]
    rows = tables.scaling(scaling.fitted(points)).partition("\n\n")[0].splitlines()
    assert len(rows) > 4
    for row in rows:
        assert row in README, row


def test_the_figures_of_the_full_softmax_are_those_of_the_recorded_run():
    path = ROOT / "experiments/results/softmax_reference.json"
    found = json.loads(path.read_text())
    section = README.partition("### Full softmax")[2].partition("###")[0]
    names = ["reference", "blocks_of_1", "blocks_of_8", "negative_sampling", "start"]
    for name in names:
        assert f"{found[name]:.3f}" in section, name
    learned = {name: found["start"] - found[name] for name in names}
    for name in ("blocks_of_1", "blocks_of_8"):
        share = learned[name] / learned["reference"]
        assert re.search(rf"\b{100 * share:.0f}\b.*of what\s", section, re.DOTALL), name


def test_recorded_runs_name_no_place_on_a_machine():
    for path in (ROOT / "experiments" / "results").iterdir():
        text = path.read_bytes().decode("utf-8", "replace")
        assert not re.search(r"/(home|tmp|root|work|Users)\b", text), path


def test_no_sentence_of_the_results_is_left_open():
    for word in ("RESULTS", "TREE", "TODO"):
        assert f"\n{word}\n" not in README
