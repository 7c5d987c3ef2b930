"""Question: many runs that differ in numbers alone: which way are they done soonest?

Command:  python -m experiments.many_runs --corpus=FILE \
              --out=experiments/results/many_runs.json
Expected: JSON and a Markdown table: seconds by the clock and of the processors, and
          WordSim-353, for the same sweep done in three ways, in turn:
            one after another    --jobs=1, each run with a replica on every core
            one on each core     --jobs=<cores>, each run with one replica
            together             --together=always, all runs in one program
Cost:     on two cores about five minutes for three rounds of eight runs.

Every way is `experiments.ablate` as a process of its own in a new folder; the text is
encoded and all programs are compiled once before, and kept for all.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from absl import flags

from experiments import cli, writable
from w2v_jax.evaluation import suites

SWEEP = ("--sweep=learning_rate=0.0125,0.025", "--sweep=noise_exponent=0.5,0.75")


class Way(NamedTuple):
    """A way of doing a sweep.

    Attributes:
      name: in tables.
      flags: of experiments.ablate.
    """

    name: str
    flags: tuple[str, ...]


def ways(cores: int) -> tuple[Way, ...]:
    """The three ways on a machine of so many cores."""
    return (
        Way("one after another", ("--jobs=1", "--together=never")),
        Way("one on each core", (f"--jobs={cores}", "--together=never")),
        Way("together", ("--together=always",)),
    )


def main(arguments: list[str]) -> None:
    options = flags.FLAGS
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag")
    if not options.corpus or not Path(options.corpus).is_file():
        raise ValueError(f"--corpus={options.corpus}: no such file")
    writable.check("out", Path(options.out), beside=(".md",))
    same = [
        f"--corpus={options.corpus}",
        f"--max_words={options.max_words}",
        f"--epochs={options.epochs}",
        f"--seeds={options.seeds}",
        "--subsample=1e-4",
        *SWEEP,
    ]
    suites.find_one("wordsim353")
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        same.append(f"--cache_dir={home / 'cache'}")
        for round in range(options.rounds + 1):
            for number, way in enumerate(ways(len(os.sched_getaffinity(0)))):
                cli.note(f"round {round}: {way.name}")
                one = measure(way, same, home / f"{round}-{number}")
                if round:  # the first one encodes and compiles
                    found.append(one)
                    _write(Path(options.out), found, same[1:-1])
    print(Path(options.out).with_suffix(".md").read_text())


def measure(way: Way, same: Sequence[str], workdir: Path) -> dict[str, Any]:
    """One sweep, done in one way.

    Returns:
      seconds by the clock and of the processors, those of training as the runs' own
      summaries count them, runs, the mean score, and the load of the machine before.

    Raises:
      CheckError: the sweep failed.
    """
    load, begun, before = os.getloadavg()[0], time.monotonic(), _processor_seconds()
    command = [sys.executable, "-m", "experiments.ablate", *same, *way.flags]
    command.append(f"--workdir={workdir}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, spent = time.monotonic() - begun, _processor_seconds() - before
    if done.returncode:
        raise cli.CheckError(f"{way.name}: {(done.stderr.splitlines() or [''])[-1]}")
    paths = sorted(workdir.glob("*/seed-*/summary.json"))
    summaries = [json.loads(path.read_bytes()) for path in paths]
    scores = [json.loads((p.parent / "eval.json").read_bytes()) for p in paths]
    return {
        "way": way.name,
        "runs": len(summaries),
        "load_before": load,
        "seconds": seconds,
        "processor_seconds": spent,
        "train_seconds": sum(one["train_seconds"] for one in summaries),
        "compile_seconds": sum(one["compile_seconds"] for one in summaries),
        "wordsim353": mean_score([one["similarity"]["wordsim353"] for one in scores]),
    }


def mean_score(scores: Sequence[dict[str, Any]]) -> float | None:
    """The mean correlation; None where a run knows too few of the words for one."""
    found = [one["spearman"] for one in scores]
    return None if None in found else mean(found)


def _processor_seconds() -> float:
    """Of all processes that have been started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(out: Path, found: list[dict[str, Any]], asked: Sequence[str]) -> None:
    from w2v_jax.provenance import cpu_model

    whole = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in asked if not flag.startswith("--corpus")],
        "sweeps": found,
    }
    writable.save(out, json.dumps(whole, indent=2) + "\n")
    writable.save(out.with_suffix(".md"), table(found))


def table(found: Sequence[dict[str, Any]]) -> str:
    """A Markdown row for each way: medians over the rounds."""
    lines = [
        "| way | runs | rounds | seconds, a run | processor seconds, a run "
        "| WordSim-353 |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(one["way"] for one in found):
        same = [one for one in found if one["way"] == name]
        each = [
            median(one[key] / one["runs"] for one in same)
            for key in ("seconds", "processor_seconds")
        ]
        scores = [one["wordsim353"] for one in same]
        score = "-" if None in scores else f"{mean(scores):.3f}"
        lines.append(
            f"| {name} | {same[0]['runs']} | {len(same)} | {each[0]:.1f} "
            f"| {each[1]:.1f} | {score} |"
        )
    return "\n".join(lines) + "\n"


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file; plain or packed.")
    flags.DEFINE_string("out", "many_runs.json", "JSON file; the table goes beside it.")
    flags.DEFINE_integer("max_words", 1_000_000, "Raw words of it; 0: all.")
    flags.DEFINE_integer("epochs", 2, "Passes over the text.", lower_bound=1)
    flags.DEFINE_integer("seeds", 2, "Of each of the four cells.", lower_bound=1)
    flags.DEFINE_integer("rounds", 3, "Times that each way is taken.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    cli.run(main)
