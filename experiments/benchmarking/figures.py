"""The benchmark's records as pictures: each table's numbers, drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from experiments import drawing
from experiments.benchmarking.quality import RACED, SCORES
from experiments.benchmarking.runs import OURS
from experiments.benchmarking.scaling import Fitted
from experiments.benchmarking.tables import Records, groups
from experiments.reporting import scaling
from experiments.reporting.plots import panels
from w2v_jax.durable import write_whole

NAMES = {"wordsim353": "WordSim-353", "simlex999": "SimLex-999", "google": "Google"}


def save(drawn: Mapping[str, Any | None], folder: Path) -> list[Path]:
    """Writes <name>.png and <name>.svg of every figure that there is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in drawn.items():
        if figure is not None:
            png, svg, _ = drawing.rendered(figure)
            for suffix, data in (("png", png), ("svg", svg)):
                paths.append(folder / f"{name}.{suffix}")
                write_whole(paths[-1], data)
    return paths


def draw(
    runs: Records, softmaxes: Records, fitted: Sequence[Fitted]
) -> dict[str, Any | None]:
    """Every picture of a benchmark, by name; None where there is nothing to draw."""
    return {
        "speed": speed(runs),
        "quality": quality(runs),
        "costs": costs(runs),
        "time_to_quality": race(runs),
        "softmax": softmax(softmaxes),
        "scaling": scaling.figure([one.power for one in fitted]),
    }


def _bars(axis: Any, runs: Records, value: Any, label: str) -> None:
    """A bar for each model and trainer: the median, with the least and the most."""
    models = list(dict.fromkeys(run["model"] for run in runs))
    trainers = list(dict.fromkeys(run["trainer"] for run in runs))
    width = 0.8 / len(trainers)
    for place, trainer in enumerate(trainers):
        points = []
        for number, model in enumerate(models):
            same = [r for r in runs if (r["model"], r["trainer"]) == (model, trainer)]
            known = [found for run in same if (found := value(run)) is not None]
            if known:
                mid = median(known)
                points.append((number, mid, mid - min(known), max(known) - mid))
        if points:
            at, *heights = zip(*points, strict=True)
            x = [one + (place - (len(trainers) - 1) / 2) * width for one in at]
            y, *error = heights
            axis.bar(x, y, 0.9 * width, yerr=error, capsize=2, label=trainer)
    names = [model.replace("-", ",\n").replace("_", " ") for model in models]
    axis.set_xticks(range(len(models)), names, fontsize=6)
    axis.set_ylabel(label)
    axis.legend(fontsize=6)


def speed(runs: Records) -> Any | None:
    """Raw words, kept words and pairs a second."""
    return _panels(
        runs,
        {
            "raw words/s, M": ("words_per_second", 1e-6),
            "kept words/s, M": ("kept_words_per_second", 1e-6),
            "pairs/s, M": ("pairs_per_second", 1e-6),
        },
    )


def costs(runs: Records) -> Any | None:
    """Memory and its bound, seconds to the first step."""
    return _panels(
        runs,
        {
            "memory, MB": ("memory_bytes", 1e-6),
            "bound on memory, MB": ("memory_bound_bytes", 1e-6),
            "first step, warm, s": ("first_step_seconds", 1.0),
            "first step, cold, s": ("first_step_seconds_cold", 1.0),
        },
    )


def _panels(runs: Records, shown: Mapping[str, tuple[str, float]]) -> Any | None:
    there = {
        label: (key, scale)
        for label, (key, scale) in shown.items()
        if any(run.get(key) is not None for run in runs)
    }
    if not there:
        return None
    figure, axes = panels(len(there))
    for axis, (label, (key, scale)) in zip(axes, there.items(), strict=True):

        def value(run: Any, key: str = key, scale: float = scale) -> float | None:
            return None if run.get(key) is None else scale * run[key]

        _bars(axis, [run for run in runs if run.get(key) is not None], value, label)
    return figure


def quality(runs: Records) -> Any | None:
    """Mean scores of each model and trainer, with standard deviations over seeds."""
    there = [name for name in SCORES if any(run.get(name) is not None for run in runs)]
    if not there:
        return None
    figure, axes = panels(len(there))
    lines = list(groups(runs))
    names = [f"{model}, {trainer}".replace("-", ",\n") for model, trainer, _ in lines]
    for axis, name in zip(axes, there, strict=True):
        for place, (_, trainer, same) in enumerate(lines):
            scores = [100 * run[name] for run in same if run[name] is not None]
            if scores:
                error = stdev(scores) if len(scores) > 1 else 0.0
                color = "tab:blue" if trainer == OURS else "tab:orange"
                at = [mean(scores)], [place]
                axis.errorbar(*at, xerr=[error], fmt="o", ms=4, color=color)
        first = axis is axes[0]
        axis.set_yticks(range(len(lines)), names if first else [""] * len(lines))
        axis.tick_params(axis="y", labelsize=6)
        axis.set_ylim(len(lines) - 0.5, -0.5)
        axis.set_xlabel(f"{NAMES[name]} × 100")
    return figure


def race(runs: Records) -> Any | None:
    """Scores along our runs against seconds of training; the peer's final one."""
    models = list(dict.fromkeys(run["model"] for run in runs if run.get("points")))
    if not models:
        return None
    figure, axes = panels(len(models) * len(RACED))
    shown = ((model, name) for model in models for name in RACED)
    for axis, (model, name) in zip(axes, shown, strict=True):
        for run in (run for run in runs if run["model"] == model):
            way = [p for p in run.get("points", ()) if p.get(name) is not None]
            if way:
                seconds = [point["seconds"] for point in way]
                scores = [100 * point[name] for point in way]
                axis.plot(seconds, scores, "o-", ms=2, lw=0.8, color="tab:blue")
            elif run["trainer"] != OURS and run.get(name) is not None:
                end = run.get("train_seconds")
                axis.axhline(100 * run[name], color="tab:orange", lw=0.6, ls="--")
                axis.plot([end], [100 * run[name]], "s", ms=3, color="tab:orange")
        axis.set_xlabel("training, s")
        axis.set_ylabel(f"{NAMES[name]} × 100")
        axis.set_title(model.replace("-", ", "), fontsize=7)
    return figure


def softmax(found: Records) -> Any | None:
    """Shares of the machine's product rate."""
    if not found:
        return None
    figure, (axis,) = panels(1)
    names = [
        f"{one['model'].split('-')[0]}\nV={one['max_vocabulary']:,}" for one in found
    ]
    axis.bar(names, [100 * one["share"] for one in found], 0.6)
    axis.set_ylabel("% of a large product's rate")
    axis.tick_params(axis="x", labelsize=7)
    return figure


def step_parts(found: Mapping[str, Any]) -> Any:
    """Microseconds of each part of a step, the longest at the top."""
    rows = sorted(
        (part for part in found["parts"] if part["of_step"]),
        key=lambda part: part["microseconds"],
    )
    figure, (axis,) = panels(1, 5.5, 0.3 * len(rows) + 1)
    axis.barh([p["name"] for p in rows], [p["microseconds"] for p in rows])
    whole = next(p for p in found["parts"] if p["name"] == "whole step")
    axis.set_xlabel(f"µs a step (all but meetings: {whole['microseconds']:.3g})")
    axis.tick_params(axis="y", labelsize=7)
    return figure
