"""The benchmark's records as Markdown tables.

Every table takes records with or without what a later version has added to them: what
is not there is a dash.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median, stdev
from typing import Any

from experiments.benchmarking.scaling import Fitted
from experiments.reporting.tables import NOTHING, interval_text

Records = Sequence[dict[str, Any]]


def groups(runs: Records) -> Iterable[tuple[str, str, list[dict[str, Any]]]]:
    """(model, trainer, its runs over the seeds), in order of first appearance."""
    for model, trainer in dict.fromkeys((run["model"], run["trainer"]) for run in runs):
        same = [r for r in runs if (r["model"], r["trainer"]) == (model, trainer)]
        yield model, trainer, same


def table(runs: Records) -> str:
    """One Markdown row for each model and trainer: mean and standard deviation."""
    rows = []
    for model, trainer, same in groups(runs):
        speed = median(run["words_per_second"] for run in same) / 1e6
        rows.append(
            [
                *(model.replace("-", ", "), trainer, str(len(same)), f"{speed:.2f} M"),
                spread([run["wordsim353"] for run in same], 1, 3),
                spread([run["simlex999"] for run in same], 1, 3),
                spread([run["google"] for run in same], 100, 1, " %"),
            ]
        )
    heads = "model trainer seeds,raw words/s (median),WordSim-353,SimLex-999,Google"
    first, *others = heads.split(",")
    return _markdown([*first.split(), *others], rows)


def spread(
    values: Sequence[float | None], scale: float, digits: int, unit: str = ""
) -> str:
    """mean ± standard deviation; a dash where a set is not on the machine."""
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    middle = f"{scale * mean(known):.{digits}f}"
    if len(known) == 1:
        return middle + unit
    return f"{middle} ± {scale * stdev(known):.{digits}f}{unit}"


def costs(runs: Records) -> str:
    """Speed in kept words and pairs, memory, start and time to quality: medians."""
    rows = []
    for model, trainer, same in groups(runs):
        rows.append(
            [
                *(model.replace("-", ", "), trainer),
                middle(same, lambda r: r.get("kept_words_per_second"), 1e-6, 2, " M"),
                middle(same, lambda r: r.get("pairs_per_second"), 1e-6, 2, " M"),
                middle(same, lambda r: r.get("memory_bytes"), 1e-6, 0),
                middle(same, lambda r: r.get("memory_bound_bytes"), 1e-6, 0),
                middle(same, lambda r: r.get("first_step_seconds"), 1, 1),
                middle(same, lambda r: r.get("first_step_seconds_cold"), 1, 1),
                _race(same),
            ]
        )
    heads = (
        *("model", "trainer", "kept words/s", "pairs/s", "memory, MB", "its bound, MB"),
        *("first step, s", "cold, s", "to the peer's scores, s"),
    )
    note = (
        "Medians over the seeds. Memory: the peak of the process, for ours less that "
        "of an empty jax program; bound: (replicas + 1) times the tables, the encoded "
        "corpus and 200 MB. First step: from the start of the process, with the "
        "corpus encoded and programs compiled before (cold: not compiled). Last "
        "column: seconds of training until WordSim-353 and Google both stood at the "
        "peer's final scores of the same seed, in brackets the peer's own seconds."
    )
    return _markdown(heads, rows) + "\n" + note + "\n"


def middle(
    runs: Records,
    value: Callable[[dict[str, Any]], float | None],
    scale: float,
    digits: int,
    unit: str = "",
) -> str:
    """The median of what the runs tell; a dash where none does."""
    known = [found for run in runs if (found := value(run)) is not None]
    if not known:
        return NOTHING
    return f"{scale * median(known):.{digits}f}{unit}"


def _race(runs: Records) -> str:
    """Median seconds to the peer's scores, of the seeds that got there."""
    raced = [run["seconds_to_quality"] for run in runs if "seconds_to_quality" in run]
    if not raced:
        return NOTHING
    there = [one["both"] for one in raced if one["both"] is not None]
    own = f"({raced[0]['of']} {median(one['its_seconds'] for one in raced):.0f})"
    if not there:
        return f"never {own}"
    short = "" if len(there) == len(raced) else f", {len(there)} of {len(raced)} seeds"
    return f"{median(there):.0f}{short} {own}"


def softmax(found: Records) -> str:
    """The share of the machine's product rate that full softmax reaches."""
    rows = [
        [
            one["model"].replace("-", ", "),
            f"{one['max_vocabulary']:,}",
            str(one["dim"]),
            f"{one['hidden_vectors_per_second']:,.0f}",
            f"{one['flop_per_second'] / 1e9:.0f}",
            f"{one['product_flop_per_second'] / 1e9:.0f}",
            f"{100 * one['share']:.0f} %",
        ]
        for one in found
    ]
    heads = (
        *("model", "V", "D", "hidden vectors/s", "GFLOP/s (6 V D)"),
        *("large product, GFLOP/s", "share"),
    )
    return _markdown(heads, rows)


def scaling(found: Sequence[Fitted]) -> str:
    """Fitted exponents of what a kept token costs."""
    rows = []
    for one in found:
        power, of_log = one.power, one.of_log
        log = f"{of_log[0]:.2f} {interval_text(of_log[1], 2, 1.0)}" if of_log else ""
        rows.append(
            [
                f"`--{power.field}`",
                power.group.replace("-", ", "),
                f"{power.x[0]:,.0f} to {power.x[-1]:,.0f}",
                f"{power.seconds[0]:.3g} to {power.seconds[-1]:.3g}",
                f"{power.exponent:.2f} {interval_text(power.interval, 2, 1.0)}".strip(),
                log.strip(),
                f"{100 * one.change:+.0f} %",
            ]
        )
    heads = (
        *("flag", "model", "from, to", "µs a kept token, from, to"),
        *("exponent of x", "exponent of log x", "kept words/s"),
    )
    note = (
        "Cost fitted as x ^ e and as (log x) ^ e, one median a value, with Student's "
        "95 % interval. e of x is 1 in proportion and 0 without dependence; e of log x "
        "is 1 where the cost grows as the logarithm. Last column: the change of the "
        "throughput from the first value to the last."
    )
    return _markdown(heads, rows) + "\n" + note + "\n"


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
