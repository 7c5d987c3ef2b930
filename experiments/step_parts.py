"""Question: where does the time of a training step go, and what could it be?

Command:  python -m experiments.step_parts --architecture=skipgram \
              --objective=negative_sampling --vocabulary=70000 --out=step_parts.json
Expected: a table, JSON and a plot: each part of a step, compiled alone at the step's
          shapes, in microseconds, GFLOP/s and GB/s, beside a large product and a copy
          on the same device; then the step and the training as a whole.
Cost:     one to two minutes a model on two cores.

Every flag of the config may be given; the text is drawn by Zipf's law with V words.
Parts of XLA's step run as a replica would run them: on a CPU on one core, where
replicas have one each. Rates of the machine are taken there too, in turn with the
parts; beyond 100 % of a copy comes from caches, which a large copy does not. The whole
step has no meetings in it. What its parts do not add up to is the cost of their being
together: fusion saves some, caches lose some.

The native step is timed as it trains, by the clocks of its replicas: time and work are
those of all replicas side by side, beside the rates of the whole machine.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

from absl import flags

from experiments import cli, kernel, writable
from experiments.benchmarking import timing
from w2v_jax import runtime

TURNS = {"softmax": 4}  # steps of a timed program; otherwise MANY
MANY = 256
PIECES = 2  # chunks of the text: the second is sampled while the first trains
SOFTMAX_WORDS = 8192  # of a softmax whose chunk would take minutes


def measure(config: Any, vocabulary: int, words: int, times: int) -> dict[str, Any]:
    """Microseconds of every part, and the rates of the device they run on.

    Args:
      config: of the model; what is open is resolved.
      vocabulary: V.
      words: of the text; 0: PIECES of the model's own chunks, or SOFTMAX_WORDS.
      times: timings of each; their median counts.
    """
    from experiments.benchmarking import machine, meetings, one_step, parts, short

    if config.objective == "softmax":
        words = words or SOFTMAX_WORDS
    trained = short.Short(config, vocabulary, words, PIECES)
    if trained.config.kernel == "native":
        return _measure_native(trained, vocabulary, times)
    place = one_step.home(trained.trainer.model)
    turns = TURNS.get(config.objective, MANY)
    found = parts.parts(trained, turns) + meetings.meetings(trained)
    found += meetings.around(trained)
    multiply, per_second = machine.product(place.device)
    copy, copied = machine.copy(place.device)
    calls: dict[str, Any] = {part.name: part.run for part in found}
    calls |= {"product": lambda: place.run(multiply), "copy": lambda: place.run(copy)}
    spent = {name: median(s) for name, s in timing.interleaved(calls, times).items()}
    if not trained.finite():
        raise cli.DivergedError("diverged; lower --learning_rate")
    return {
        "config": trained.config.to_dict(),
        "vocabulary": vocabulary,
        "one_core": place.one_core,
        "product_flop_per_second": per_second(spent["product"]),
        "copy_bytes_per_second": copied(spent["copy"]),
        "parts": [
            {
                "name": part.name,
                "microseconds": 1e6 * spent[part.name] / part.steps,
                "flop": part.flop,
                "bytes": part.bytes,
                "of_step": part.of_step,
            }
            for part in found
        ],
    }


def _measure_native(trained: Any, vocabulary: int, times: int) -> dict[str, Any]:
    from experiments.benchmarking import machine, native_parts

    found = native_parts.parts(trained, times)
    if not trained.finite():
        raise cli.DivergedError("diverged; lower --learning_rate")
    return {
        "config": trained.config.to_dict(),
        "vocabulary": vocabulary,
        "one_core": False,
        **machine.rates(times),
        "parts": found,
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: what was timed, a row for each part, and two for the machine."""
    whole = next(p for p in found["parts"] if p["name"] == "whole step")
    model = found["config"]
    lines = [
        f"{model['architecture']}, {model['objective']}, "
        f"V = {found['vocabulary']:,}, D = {model['dim']}, "
        f"kernel {model['kernel']}, replicas {model['replicas']}",
        "",
        "| part | µs a step | of the step | GFLOP/s | of a large product | GB/s "
        "| of a copy |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for part in found["parts"]:
        spent = part["microseconds"]
        share = (
            f"{100 * spent / whole['microseconds']:.0f} %" if part["of_step"] else ""
        )
        cells = [part["name"], f"{spent:.3g}", share]
        for amount, rate in (("flop", "product_flop"), ("bytes", "copy_bytes")):
            reached = 1e6 * part[amount] / spent
            of = 100 * reached / found[f"{rate}_per_second"]
            cells += [f"{reached / 1e9:.3g}", f"{of:.0f} %"] if reached else ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    flop, moved = (
        found[f"{rate}_per_second"] / 1e9 for rate in ("product_flop", "copy_bytes")
    )
    where = "one core" if found["one_core"] else "one device"
    lines.append(f"| large product, {where} | | | {flop:.3g} | 100 % | | |")
    lines.append(f"| large copy, {where} | | | | | {moved:.3g} | 100 % |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; every option is --name=value")
    options = flags.FLAGS
    out = Path(options.out)
    writable.check("out", out, beside=(".md", ".png", ".svg"))
    cache = Path(options.cache_dir).expanduser()
    config = kernel.settle(cli.config_from_flags(), None, cache)
    runtime.configure(config.replicas, cache)
    from experiments.benchmarking import figures, machine

    found = measure(config, options.vocabulary, options.words, options.times)
    whole = {"machine": machine.facts(), **found}
    writable.save(out, json.dumps(whole, indent=2) + "\n")
    writable.save(out.with_suffix(".md"), table(found))
    figures.save({out.stem: figures.step_parts(found)}, out.parent)
    print(table(found))


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("out", "step_parts.json", "JSON; table and plot go beside it.")
    flags.DEFINE_integer("vocabulary", 70_000, "V of the text.", lower_bound=2)
    flags.DEFINE_integer(
        "words", 0, "Raw words of the text; 0: two chunks of the model.", lower_bound=0
    )
    flags.DEFINE_integer("times", 5, "Timings of each part.", lower_bound=1)
    flags.DEFINE_string("cache_dir", "~/.cache/w2v_jax", "Compiled programs.")
    cli.define_config_flags(skip=("corpus",))


if __name__ == "__main__":
    define_flags()
    cli.run(main)
