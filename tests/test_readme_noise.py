"""The README's table of XLA's steps with much noise is that of the recorded runs."""

import json
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def noise_row(setting):
    """A row of the README's table of much noise in XLA, skip-gram alone."""
    of = dict(flag.split("=") for flag in setting["ours"])
    native, wide = of["kernel"] == "native", setting["window"] != 5
    what = f"window {setting['window']}" if wide else f"{of['negatives']} negatives"
    scores = ["diverged", "–", "–"]
    if not setting["diverged"]:
        (run,) = setting["runs"]
        scores = [f"{run[of]:.3f}"[1:] for of in ("wordsim353", "simlex999")]
        scores.append(f"{100 * run['google']:.1f} %")
    how = ["native", "–", "–"]
    if not native:
        how = [of.get("shared_noise", "64"), of["damping"], of["exchange_every"]]
    return f"| {' | '.join([what, *how, *scores])} |"


def test_the_scores_with_much_noise_are_those_of_the_recorded_runs():
    path = ROOT / "experiments/results/xla_noise.json"
    recorded = json.loads(path.read_text())
    assert recorded["machine"]["date"] in README
    rows = [noise_row(one) for one in recorded["settings"] if one["epochs"] == 2]
    assert len(set(rows)) == len(rows) > 10
    for row in rows:
        assert row in README.replace("**", ""), row


def test_the_scores_with_fifteen_negatives_are_those_of_the_recorded_runs():
    path = ROOT / "experiments/results/xla_noise.json"
    settings = json.loads(path.read_text())["settings"]
    told = " ".join(README.partition("With fifteen negatives")[2].split()[:90])
    found = [one["runs"] for one in settings if one["epochs"] == 5]
    assert len(found) == 3
    for runs in found:
        for model in ("skipgram", "cbow"):
            of = [run for run in runs if run["model"].startswith(model)]
            assert len(of) == 2
            wordsim, simlex, google = (
                statistics.mean(run[name] for run in of)
                for name in ("wordsim353", "simlex999", "google")
            )
            scores = f"{wordsim:.3f} / {simlex:.3f}".replace("0.", ".")
            assert f"{scores} / {100 * google:.1f} %" in told
