"""Question: how fast are we and how good, beside what people use today?

Command:  python -m experiments.benchmark --corpus=FILE --workdir=DIR \
              --out=benchmark.json --against=gensim --seeds=3
Expected: JSON and a Markdown table: raw words/s, WordSim-353, SimLex-999 and Google
          accuracy of each model and trainer, mean and spread over the seeds.
Cost:     about 40 minutes for all four models and three seeds on two cores. A run
          that is there already is not made again: kill it and go on at will.

Runs are interleaved, ours and the peer's in turn, so that a slow hour of the machine
slows both. Words per second are those of training alone, without reading the text.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from absl import flags

from experiments import cli

MODELS = {
    "skipgram-negative_sampling": 0.025,
    "cbow-negative_sampling": 0.05,
    "skipgram-hierarchical_softmax": 0.025,
    "cbow-hierarchical_softmax": 0.05,
}  # with the learning rate that word2vec.c and gensim use
ASKED = (
    "against",
    "models",
    "seeds",
    "epochs",
    "subsample",
    "restrict_vocab",
    "feed",
    "ours",
)
SCORES = {"wordsim353": "similarity", "simlex999": "similarity", "google": "analogy"}


def main(arguments: list[str]) -> None:
    options = flags.FLAGS
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag")
    if not options.corpus or not Path(options.corpus).is_file():
        raise ValueError(f"--corpus={options.corpus}: no such file")
    for model in options.models:
        if model not in MODELS:
            raise ValueError(f"--models={model}: must be among {', '.join(MODELS)}")
    trainers = ["w2v_jax"] + ([options.against] if options.against != "none" else [])
    encoding = encoding_rate(Path(options.corpus))
    runs = []
    for seed in range(1, options.seeds + 1):
        for model in options.models:
            for trainer in trainers:
                folder = Path(options.workdir) / trainer / f"{model}-{seed}"
                if not (folder / "summary.json").exists():
                    cli.note(f"{trainer} {model}, seed {seed}")
                    _train(trainer, model, seed, folder)
                runs.append(_read(trainer, model, seed, folder))
                _write(Path(options.out), runs, encoding)
    print(Path(options.out).with_suffix(".md").read_text())


def _train(trainer: str, model: str, seed: int, folder: Path) -> None:
    """One run in a process of its own, so that no trainer warms the next."""
    architecture, objective = model.split("-")
    options = flags.FLAGS
    command = [
        f"--corpus={options.corpus}",
        f"--workdir={folder}",
        f"--architecture={architecture}",
        f"--objective={objective}",
        f"--seed={seed}",
        f"--epochs={options.epochs}",
        f"--subsample={options.subsample}",
    ]
    if trainer == "w2v_jax":
        command += [f"--{flag}" for flag in options.ours]
    else:
        command += [f"--learning_rate={MODELS[model]}", f"--feed={options.feed}"]
    module = "experiments.train" if trainer == "w2v_jax" else "experiments.peers"
    done = subprocess.run(
        [sys.executable, "-m", module, *command], capture_output=True, text=True
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise ValueError(f"{folder}: {module} failed: {lines[-1]}")


def _read(trainer: str, model: str, seed: int, folder: Path) -> dict[str, Any]:
    """The summary of a run and its scores, judged once and kept beside it."""
    cut = flags.FLAGS.restrict_vocab
    judged = folder / f"scores-{cut}.json"
    if not judged.exists():
        from w2v_jax.evaluation import suites
        from w2v_jax.vectors import Vectors

        vectors = Vectors.load(folder / "vectors.bin")
        found: dict[str, Any] = {}
        for name, kind in SCORES.items():  # similarity over all words, as is usual
            within = cut if kind == "analogy" else 0
            one = suites.evaluate(vectors, suites.find([name]), within)
            found[name] = one[kind][name]
        judged.write_text(json.dumps(found, indent=2) + "\n")
    scores = json.loads(judged.read_text())
    summary = json.loads((folder / "summary.json").read_text())
    key = {"similarity": "spearman", "analogy": "accuracy"}
    return {
        "trainer": trainer,
        "model": model,
        "seed": seed,
        "words_per_second": summary["words_per_second"],
        **{name: scores[name][key[kind]] for name, kind in SCORES.items()},
    }


def encoding_rate(corpus: Path, times: int = 3) -> float:
    """Words a second of counting and encoding a text, the median of some times."""
    from w2v_jax import corpus as texts

    rates = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            encoded = texts.encode(corpus, cache_dir=folder)
            rates.append(encoded.raw_words / (time.perf_counter() - begun))
    return median(rates)


def _write(out: Path, runs: list[dict[str, Any]], encoding: float) -> None:
    """The JSON of all runs and, beside it, the table of their means."""
    machine = {
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor(),
        "platform": platform.platform(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    asked = {name: flags.FLAGS[name].value for name in ASKED}
    asked["corpus"] = Path(flags.FLAGS.corpus).name
    whole = {
        "machine": machine,
        "flags": asked,
        "encoded_words_per_second": encoding,
        "runs": runs,
    }
    out.write_text(json.dumps(whole, indent=2) + "\n")
    out.with_suffix(".md").write_text(table(runs))


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def table(runs: list[dict[str, Any]]) -> str:
    """One Markdown row for each model and trainer: mean and standard deviation."""
    lines = [
        "| model | trainer | seeds | raw words/s (median) | WordSim-353 | SimLex-999 "
        "| Google |",
        "|---|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys((run["model"], run["trainer"]) for run in runs)
    for model, trainer in keys:
        same = [r for r in runs if (r["model"], r["trainer"]) == (model, trainer)]
        speed = median(run["words_per_second"] for run in same) / 1e6
        cells = [
            _spread([run["wordsim353"] for run in same], 1, 3),
            _spread([run["simlex999"] for run in same], 1, 3),
            _spread([run["google"] for run in same], 100, 1) + " %",
        ]
        lines.append(
            f"| {model.replace('-', ', ')} | {trainer} | {len(same)} "
            f"| {speed:.2f} M | {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def _spread(values: list[float], scale: float, digits: int) -> str:
    middle = f"{scale * mean(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ± {scale * stdev(values):.{digits}f}"


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file; plain or packed.")
    flags.DEFINE_string(
        "workdir", "runs/benchmark", "Where the runs go, one folder each."
    )
    flags.DEFINE_string("out", "benchmark.json", "JSON file; the table goes beside it.")
    flags.DEFINE_enum("against", "gensim", ["gensim", "none"], "The peer.")
    flags.DEFINE_list("models", list(MODELS), f"Which of {', '.join(MODELS)}.")
    flags.DEFINE_integer("seeds", 3, "Runs of each model and trainer.", lower_bound=1)
    flags.DEFINE_integer("epochs", 5, "Passes over the corpus.", lower_bound=1)
    flags.DEFINE_float("subsample", 1e-4, "Subsampling threshold t.")
    flags.DEFINE_integer(
        "restrict_vocab", 30_000, "Analogies within the most frequent words; 0: all."
    )
    flags.DEFINE_enum(
        "feed",
        "sentences",
        ["sentences", "corpus_file"],
        "How gensim gets the text: sentences for quality, corpus_file for speed; "
        "experiments.peers says why.",
    )
    flags.DEFINE_list("ours", [], "More flags for our runs, as name=value.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
