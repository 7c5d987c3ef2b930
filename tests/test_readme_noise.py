"""The README's table of XLA's steps with much noise is that of the recorded runs."""

import json
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
