"""What the README tells of other sizes and windows is that of the recorded runs."""

import json
import re
import statistics

import pytest

from tests.test_readme import README, ROOT, medians

TRAINERS = ("w2v_jax", "gensim")


def scores(runs, trainer, model, seeds=3):
    """Means over the seeds as the README has them."""
    own = [run for run in runs if (run["trainer"], run["model"]) == (trainer, model)]
    assert len({run["seed"] for run in own}) == len(own) == seeds
    wordsim, simlex, google = (
        statistics.mean(run[of] for run in own)
        for of in ("wordsim353", "simlex999", "google")
    )
    similar = f"{wordsim:.3f} / {simlex:.3f}".replace("0.", ".")
    return f"{similar} / {100 * google:.1f} %"


def test_the_ratios_at_other_sizes_are_those_of_the_recorded_runs():
    section = README.partition("Three seeds each, negative sampling")[2]
    section = section.partition("What these figures")[0]
    for name in ("window10", "dim300"):
        path = ROOT / f"experiments/results/{name}.json"
        speed = medians(json.loads(path.read_text())["runs"])
        skipgram, cbow = (
            f"{speed['w2v_jax', model] / speed['gensim', model]:.1f}"
            for model in ("skipgram-negative_sampling", "cbow-negative_sampling")
        )
        who = " (skip-gram)" if name == "dim300" else ""
        told = " ".join(section.split())
        assert f"{skipgram}{who} and {cbow} times" in told, name


def test_the_scores_at_other_sizes_are_those_of_the_recorded_runs():
    undivided = "window 10, `--gradient=undivided`"
    for name, size, models in (
        ("window10", "window 10", ("skipgram", "cbow")),
        ("window10_undivided", undivided, ("cbow",)),
        ("dim300", "D = 300", ("skipgram", "cbow")),
        ("dim300_undivided", undivided.replace("window 10", "D = 300"), ("cbow",)),
    ):
        path = ROOT / f"experiments/results/quality_{name}.json"
        recorded = json.loads(path.read_text())
        runs = recorded["runs"]
        assert recorded["flags"]["epochs"] == 5
        for model in models:
            words = {"skipgram": "skip-gram", "cbow": "CBOW"}[model]
            of = f"{model}-negative_sampling"
            cells = [scores(runs, trainer, of) for trainer in TRAINERS]
            assert f"| {words}, {size} | {' | '.join(cells)} |" in README


def ratio(runs, model):
    speed = medians(runs)
    return speed["w2v_jax", model] / speed["gensim", model]


OTHER_SIZES = [
    (f"{name}_{part}", f"{words}, {size} | {objective}", model, seeds)
    for name, size in (("dim300", "D = 300"), ("window10", "window 10"))
    for part, words, objective, model, seeds in (
        ("skipgram", "skip-gram", "negative sampling", "skipgram-negative_sampling", 3),
        (
            "cbow",
            "CBOW",
            "negative sampling, undivided",
            "cbow-negative_sampling",
            6 if name == "dim300" else 3,
        ),
        ("hs", "skip-gram", "hierarchical softmax", "skipgram-hierarchical_softmax", 3),
        ("hs", "CBOW", "hierarchical softmax", "cbow-hierarchical_softmax", 3),
    )
]


@pytest.mark.parametrize(("name", "told", "model", "seeds"), OTHER_SIZES)
def test_speed_and_scores_at_other_sizes_are_those_of_one_recorded_run(
    name, told, model, seeds
):
    recorded = json.loads((ROOT / f"experiments/results/{name}.json").read_text())
    assert recorded["flags"]["epochs"] == 5
    assert recorded["flags"]["feed"] == "corpus_file"
    assert recorded["flags"]["ours"] == ["gradient=undivided"] * name.endswith("cbow")
    assert recorded["machine"]["git_clean"]
    runs = recorded["runs"]
    cells = [scores(runs, trainer, model, seeds) for trainer in TRAINERS]
    row = f"| {told} | {ratio(runs, model):.2f} | {' | '.join(cells)} |"
    assert row in README, row


def test_what_a_larger_size_costs_is_what_the_recorded_runs_say():
    results = ROOT / "experiments/results"
    before = json.loads((results / "speed_before.json").read_text())["runs"]
    slower = {trainer: [] for trainer in TRAINERS}
    for name, _, model, _ in OTHER_SIZES:
        path = ROOT / f"experiments/results/{name}.json"
        runs = json.loads(path.read_text())["runs"]
        if name.startswith("window10"):  # keeps the ratios, as the README says
            assert ratio(runs, model) >= ratio(before, model) - 0.005
            continue
        for trainer in TRAINERS:
            at = medians(before)[trainer, model] / medians(runs)[trainer, model]
            slower[trainer].append(f"{at:.1f}")
    ours, theirs = (
        ", ".join(times[:-1]) + f" and {times[-1]} times" for times in slower.values()
    )
    told = " ".join(README.split())
    assert f"we are {ours} as slow as at D = 100, gensim {theirs}." in told


@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_three_runs_of_one_machine_are_those_of_their_records(architecture, objective):
    part = {"n": "ns", "h": "hs"}[objective[0]]
    model = f"{architecture}-{objective}"
    cells, found = [], []
    for name in ("speed_before", f"speed_registers_{part}", "speed"):
        path = ROOT / f"experiments/results/{name}.json"
        recorded = json.loads(path.read_text())
        assert recorded["flags"]["epochs"] == 5
        assert recorded["flags"]["feed"] == "corpus_file"
        assert recorded["machine"]["git_clean"]
        runs = recorded["runs"]
        speed = [f"{medians(runs)[trainer, model] / 1e6:.2f}" for trainer in TRAINERS]
        cells.append(f"{' / '.join(speed)} M, {ratio(runs, model):.2f}")
        own = [
            (run["seed"], run["wordsim353"], run["simlex999"], run["google"])
            for run in runs
            if (run["trainer"], run["model"]) == ("w2v_jax", model)
        ]
        assert len(own) == 3
        found.append(sorted(own))
    words = {"skipgram": "skip-gram", "cbow": "CBOW"}[architecture]
    row = [words, objective.replace("_", " "), *cells]
    assert f"| {' | '.join(row)} |" in README
    # The same bits: the same scores, of each seed.
    assert found[0] == found[1] == found[2]


def test_what_gensims_tree_reaches_varies_as_the_records_say():
    model, told = "skipgram-hierarchical_softmax", " ".join(README.split())
    theirs, ours = [], []
    for name in ("speed_before", "speed_registers_hs", "speed"):
        path = ROOT / f"experiments/results/{name}.json"
        runs = json.loads(path.read_text())["runs"]
        for trainer, means in (("gensim", theirs), ("w2v_jax", ours)):
            own = [r for r in runs if (r["trainer"], r["model"]) == (trainer, model)]
            means.append(statistics.mean(run["simlex999"] for run in own))
    first, second, third, own, last, mean = (
        f"{one:.{digits}f}".removeprefix("0")
        for one, digits in (
            *((one, 3) for one in [*theirs, ours[0], theirs[-1] - ours[-1]]),
            (statistics.mean(theirs) - ours[0], 4),
        )
    )
    assert f"{first}, {second} and {third} on SimLex-999, ours {own}, so" in told
    assert f"it is {last} below in the run above" in told
    assert f"and {mean} in the mean of the three" in told


def test_one_training_by_the_cap_of_window_5_diverged_at_window_10():
    path = ROOT / "experiments/results/window10_hs_cap16.json"
    runs = json.loads(path.read_text())["runs"]
    lost = [run for run in runs if run["google"] < 0.01]
    assert [(run["trainer"], run["model"]) for run in lost] == [
        ("w2v_jax", "cbow-hierarchical_softmax")
    ]
    told = " ".join(README.split())
    assert "one of three trainings of CBOW diverged there" in told


def test_the_scores_of_the_sum_are_those_of_the_recorded_runs():
    results = ROOT / "experiments/results"
    found = json.loads((results / "cbow_sum.json").read_text())
    assert found["flags"]["ours"] == ["cbow_hidden=sum"]
    assert found["machine"]["git_clean"]
    lost = []
    for words in ("negative sampling", "hierarchical softmax"):
        model = f"cbow-{words.replace(' ', '_')}"
        own = scores(found["runs"], "w2v_jax", model)
        assert f"| sum, {words} | {own.replace(' / ', ' | ')} |" in README
        file = {"n": "quality_ns", "h": "quality_hs"}[words[0]]
        average = json.loads((results / f"{file}.json").read_text())["runs"]
        than = scores(average, "w2v_jax", model)
        lost.append(float(than.split()[-2]) - float(own.split()[-2]))
    assert f"which is {lost[0]:.1f} and {lost[1]:.1f} points of Google less" in README


@pytest.mark.parametrize(
    "name",
    [
        *("quality_ns", "speed", "speed_one_epoch", "speed_one_epoch_2026-11-22"),
        *("scaling", "cbow_hs", "dim300", "dim300_2026-11-22", "window10"),
        *("dim300_hs", "dim300_skipgram", "dim300_cbow"),
        *("window10_hs", "window10_skipgram", "window10_cbow"),
        *("speed_before", "speed_registers_ns", "speed_registers_hs"),
    ],
)
def test_a_speed_stands_beside_the_processor_that_it_was_measured_on(name):
    path = ROOT / f"experiments/results/{name}.json"
    machine = json.loads(path.read_text())["machine"]
    (own,) = (one for one in ("Xeon", "EPYC") if one in machine["processor"])
    (where,) = (
        part
        for part in README.split("\n\n")
        if re.search(rf"[/`]{re.escape(name)}\.(json|md)`", part)
    )
    assert own in where
    assert machine["date"] in where or "the day before" in where or "that day" in where
    assert machine["cores"] == 2
