"""Question: how fast are we and how good, beside what people use today?

Command:  python -m experiments.benchmark --corpus=FILE --workdir=DIR \
              --out=benchmark.json --against=gensim --seeds=3
Expected: JSON, Markdown tables and plots. Of each model and trainer: raw and kept
          words/s, pairs/s, WordSim-353, SimLex-999 and Google accuracy, memory,
          seconds to the first step and to the peer's scores. Then the share of the
          machine's product rate that full softmax reaches, and what a token costs
          against V, D, window, negatives and devices.
Cost:     about 40 minutes for all four models and three seeds on two cores, and 30
          for --scaling. A run that is there already is not made again: kill it and go
          on at will.

Runs are interleaved, ours and the peers' in turn, so that a slow hour of the machine
slows all. Words per second are those of training alone, without counting the text; of
fastText, where it is installed, with it. Peers that are not installed are left out;
word2vec.c is an executable `word2vec` on the PATH.
"""

import dataclasses
import json
import tempfile
import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from absl import flags

from experiments import cli, peers, writable
from experiments.benchmarking import children, figures, runs, scaling, start, tables
from experiments.benchmarking.runs import MODELS, OURS
from experiments.benchmarking.tables import table
from w2v_jax.config import OBJECTIVES, Config
from w2v_jax.config_fields import did_you_mean
from w2v_jax.durable import write_whole

__all__ = ["encoding_rate", "main", "table"]
ASKED = (
    *("against", "models", "seeds", "dim", "window", "epochs", "subsample"),
    *("restrict_vocab", "feed"),
    *("ours", "points", "softmax", "scaling", "scaling_models", "scaling_words"),
)
SHARED = ("corpus", "dim", "window", "epochs", "subsample")  # that all trainers take


def main(arguments: list[str]) -> None:
    options = flags.FLAGS
    _check(arguments)
    asked = runs.Asked(
        {name: options[name].value for name in SHARED},
        tuple(options.ours),
        (f"feed={options.feed}",),
        Path(options.cache_dir).expanduser(),
        options.points,
        options.restrict_vocab,
    )
    whole: dict[str, Any] = {
        "machine": children.answer("experiments.benchmarking.machine"),
        "flags": {name: options[name].value for name in ASKED}
        | {"corpus": Path(options.corpus).name},
        "encoded_words_per_second": encoding_rate(Path(options.corpus)),
        "empty_program_bytes": start.empty_program_bytes(),
        "runs": [],
        "softmax": [],
        "scaling": [],
    }
    against = _peers()
    for trainer, model, seed in product(
        (OURS, *against), options.models, range(1, options.seeds + 1)
    ):
        runs.check(trainer, asked, _folder(trainer, model, seed))
    for seed in range(1, options.seeds + 1):
        for model in options.models:
            for trainer in (OURS, *against):
                whole["runs"].append(_run(trainer, model, seed, asked, whole))
                _write(Path(options.out), whole, against)
    _measure(whole, asked.cache)
    _write(Path(options.out), whole, against)
    drawn = figures.draw(
        whole["runs"], whole["softmax"], scaling.fitted(whole["scaling"])
    )
    for path in figures.save(drawn, _figures_folder()):
        cli.note(str(path))
    print(Path(options.out).with_suffix(".md").read_text())


def _check(arguments: list[str]) -> None:
    """Tells every mistake of the flags before the first run."""
    options = flags.FLAGS
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag")
    if not options.corpus or not Path(options.corpus).is_file():
        raise ValueError(f"--corpus={options.corpus}: no such file")
    scaled = [*MODELS, *(f"{a}-softmax" for a in ("skipgram", "cbow"))]
    for flag, known in (
        ("models", list(MODELS)),
        ("against", [*peers.TRAINERS, "none"]),
        ("scaling", list(scaling.VALUES)),
        ("scaling_models", scaled),
    ):
        for value in options[flag].value or ():
            if value not in known:
                raise ValueError(f"--{flag}={value}: must be among {', '.join(known)}")
    for flag in options.ours:
        _check_ours(flag.partition("=")[0])
    out = Path(options.out)
    for size in options.softmax:
        if not size.isdecimal() or int(size) < 2:
            raise ValueError(f"--softmax={size}: must be numbers of words")
    writable.check("out", out, beside=(".md", ".png", ".svg"))
    writable.check("figures", _figures_folder(), folder=True)


def _check_ours(name: str) -> None:
    """Refuses what is no flag of our training, or is one of every trainer."""
    own = {field.name for field in dataclasses.fields(Config)}
    if name in (*SHARED, "architecture", "objective", "seed"):
        given = {"architecture": "models", "objective": "models", "seed": "seeds"}
        raise ValueError(
            f"--ours={name}: of all trainers; give --{given.get(name, name)}"
        )
    if name not in own and name.removeprefix("no") not in own:
        hint = did_you_mean(name, sorted(own))
        raise ValueError(f"--ours={name}: no flag of a training, as name=value.{hint}")


def _peers() -> list[str]:
    """The peers that were asked for and are installed."""
    asked = [name for name in flags.FLAGS.against if name != "none"]
    for name in asked:
        if not peers.installed(name):
            cli.note(f"{name}: not installed, left out")
    return [name for name in asked if peers.installed(name)]


def _run(
    trainer: str, model: str, seed: int, asked: runs.Asked, whole: dict[str, Any]
) -> dict[str, Any]:
    """Makes a run, or takes the one that is there, and returns its record."""
    folder = _folder(trainer, model, seed)
    if not (folder / "summary.json").exists():
        cli.note(f"{trainer} {model}, seed {seed}")
    runs.make(trainer, model, seed, asked, folder)
    if trainer == OURS:
        runs.make_starts(model, seed, asked, folder)
    empty = whole["empty_program_bytes"]
    return runs.record(trainer, model, seed, asked, folder, empty)


def _folder(trainer: str, model: str, seed: int) -> Path:
    return Path(flags.FLAGS.workdir) / trainer / f"{model}-{seed}"


def _measure(whole: dict[str, Any], cache: Path) -> None:
    """The share of softmax, and the scaling of every model, in their own processes."""
    options = flags.FLAGS
    if options.softmax:
        cli.note("full softmax")
        given = {"max_vocabulary": options.softmax, "cache_dir": cache}
        module = "experiments.benchmarking.softmax"
        whole["softmax"] = children.answer(module, *children.as_flags(given))
    for model in options.scaling_models if options.scaling else ():
        cli.note(f"scaling of {model}")
        given = {"model": model, "scaling": options.scaling, "cache_dir": cache}
        given["words"] = options.scaling_words
        module = "experiments.benchmarking.scaling"
        whole["scaling"] += children.answer(module, *children.as_flags(given))


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


def _write(out: Path, whole: dict[str, Any], against: list[str]) -> None:
    """The JSON of all that is known so far and, beside it, the tables."""
    if against:
        runs.race(whole["runs"], against[0])
    out.parent.mkdir(parents=True, exist_ok=True)  # taken away meanwhile
    write_whole(out, (json.dumps(whole, indent=2) + "\n").encode())
    texts = [table(whole["runs"]), tables.costs(whole["runs"])]
    if whole["softmax"]:
        texts.append(tables.softmax(whole["softmax"]))
    if whole["scaling"]:
        texts.append(tables.scaling(scaling.fitted(whole["scaling"])))
    write_whole(out.with_suffix(".md"), "\n".join(texts).encode())


def _figures_folder() -> Path:
    given = flags.FLAGS.figures
    return Path(given) if given else Path(flags.FLAGS.workdir) / "figures"


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file; plain or packed.")
    flags.DEFINE_string(
        "workdir", "runs/benchmark", "Where the runs go, one folder each."
    )
    flags.DEFINE_string("out", "benchmark.json", "JSON; the tables go beside it.")
    flags.DEFINE_string("figures", None, "Folder of the plots; none: WORKDIR/figures.")
    flags.DEFINE_list(
        "against", list(peers.TRAINERS), f"Peers: {', '.join(peers.TRAINERS)}; or none."
    )
    flags.DEFINE_list("models", list(MODELS), f"Which of {', '.join(MODELS)}.")
    flags.DEFINE_integer("seeds", 3, "Runs of each model and trainer.", lower_bound=1)
    flags.DEFINE_integer("dim", 100, "Vector size D, of all trainers.", lower_bound=1)
    flags.DEFINE_integer("window", 5, "Window m, of all trainers.", lower_bound=1)
    flags.DEFINE_integer("epochs", 5, "Passes over the corpus.", lower_bound=1)
    flags.DEFINE_float("subsample", 1e-4, "Subsampling threshold t.")
    flags.DEFINE_integer(
        "restrict_vocab",
        30_000,
        "Analogies within the most frequent words; 0: all.",
        lower_bound=0,
    )
    flags.DEFINE_enum(
        "feed",
        "sentences",
        ["sentences", "corpus_file"],
        "How gensim gets the text: sentences for quality, corpus_file for speed; "
        "experiments.peers says why.",
    )
    flags.DEFINE_list("ours", [], "More flags for our runs, as name=value.")
    flags.DEFINE_integer(
        "points", 10, "Points of our runs to be judged; 0: none.", lower_bound=0
    )
    flags.DEFINE_list(
        "softmax", ["10000", "70000"], "V of the full softmax; empty: left out."
    )
    flags.DEFINE_list(
        "scaling",
        list(scaling.VALUES),
        f"Flags to vary: {', '.join(scaling.VALUES)}; empty: none.",
    )
    flags.DEFINE_list(
        "scaling_models",
        [f"skipgram-{objective}" for objective in OBJECTIVES],
        "Models whose scaling is measured.",
    )
    flags.DEFINE_integer(
        "scaling_words", 500_000, "Raw words of a short training.", lower_bound=256
    )
    flags.DEFINE_string("cache_dir", "~/.cache/w2v_jax", "Encoded and compiled.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
