"""Runs of a model, ours and the peers', and the record of each.

A run that is there already is not made again. Seconds of training are those of
training alone, without the reading of the text; fastText does not part the two.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiments.benchmarking import children, quality, start
from w2v_jax.durable import write_whole
from w2v_jax.json_file import read_json

OURS = "w2v_jax"
MODELS = {
    "skipgram-negative_sampling": 0.025,
    "cbow-negative_sampling": 0.05,
    "skipgram-hierarchical_softmax": 0.025,
    "cbow-hierarchical_softmax": 0.05,
}  # with the learning rate that word2vec.c and gensim use
ALLOWED = 200e6  # bytes beside tables and corpus that a training may take


class Asked(NamedTuple):
    """What a run is made from.

    Attributes:
      shared: flags that all trainers take: corpus, epochs, subsample and others.
      ours: more flags for our runs, "name=value" each.
      peers: more flags for the peers' runs.
      cache: of encoded corpora and compiled programs.
      points: of our runs, at which the vectors are judged.
      cut: analogies within so many words.
    """

    shared: Mapping[str, Any]
    ours: tuple[str, ...]
    peers: tuple[str, ...]
    cache: Path
    points: int
    cut: int


def flags_of(asked: Asked, model: str, seed: int) -> list[str]:
    """The flags of a model that every trainer takes."""
    architecture, objective = model.split("-")
    named = {"architecture": architecture, "objective": objective, "seed": seed}
    return children.as_flags(dict(asked.shared) | named)


def check(trainer: str, asked: Asked, folder: Path) -> dict[str, str]:
    """What a run is made from, by the names of flags.

    Raises:
      ValueError: the folder holds a run that was made from something else.
    """
    own = asked.ours if trainer == OURS else asked.peers
    if trainer == OURS and asked.points:  # judged once, then their vectors go
        own = (*own, f"points={asked.points}", f"restrict_vocab={asked.cut}")
    corpus = Path(asked.shared["corpus"])
    made = {name: str(value) for name, value in asked.shared.items()}
    made["corpus"] = f"{corpus.name} ({corpus.stat().st_size:,} bytes)"
    made |= {name: value for name, _, value in (flag.partition("=") for flag in own)}
    if folder.exists():
        before = read_json(_asked(folder)) if _asked(folder).exists() else {}
        for name in (*made, *before):
            if before.get(name) != made.get(name):
                raise ValueError(
                    f"{folder}: made with --{name}={before.get(name, 'unknown')}, not "
                    f"{made.get(name, 'its default')}; name another --workdir"
                )
    return made


def _asked(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def make(trainer: str, model: str, seed: int, asked: Asked, folder: Path) -> None:
    """One run in a process of its own, judged in another one."""
    made = check(trainer, asked, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_whole(_asked(folder), (json.dumps(made, indent=2) + "\n").encode())
    command = flags_of(asked, model, seed)
    if not (folder / "summary.json").exists():
        if trainer == OURS:
            module = "experiments.benchmarking.watched"
            more = [f"--{flag}" for flag in asked.ours]
            more += [f"--cache_dir={asked.cache}", f"--points={asked.points}"]
        else:
            module = "experiments.peers"
            more = [f"--{flag}" for flag in asked.peers]
            more += [f"--trainer={trainer}", f"--learning_rate={MODELS[model]}"]
        children.call("-m", module, *command, f"--workdir={folder}", *more)
    judge = ("-m", "experiments.benchmarking.quality")
    children.call(*judge, f"--folder={folder}", f"--restrict_vocab={asked.cut}")


def make_starts(model: str, seed: int, asked: Asked, folder: Path) -> None:
    """Times the way to the first step, warm and cold, after a run has warmed caches."""
    told = folder / "first_step.json"
    if told.exists():
        return
    command = [*flags_of(asked, model, seed), *(f"--{flag}" for flag in asked.ours)]
    found = {
        "first_step_seconds": start.first_step(command, asked.cache),
        "first_step_seconds_cold": start.cold_first_step(command, asked.cache),
    }
    write_whole(told, (json.dumps(found) + "\n").encode())


def record(
    trainer: str, model: str, seed: int, asked: Asked, folder: Path, empty: float
) -> dict[str, Any]:
    """All that is known of a run; what a trainer does not tell is left out.

    Args:
      empty: bytes of an empty jax program, taken off our peak.

    Raises:
      ValueError: a file of the run lacks what it should hold.
    """
    try:
        return _record(trainer, model, seed, asked, folder, empty)
    except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(
            f"{folder}: not the files of a run ({error!r}); remove the folder, and the "
            f"run is made again"
        ) from None


def _record(
    trainer: str, model: str, seed: int, asked: Asked, folder: Path, empty: float
) -> dict[str, Any]:
    summary = read_json(folder / "summary.json")
    seconds = summary["train_seconds"]
    found = {
        "trainer": trainer,
        "model": model,
        "seed": seed,
        "words_per_second": float(summary["words_per_second"]),
        "train_seconds": seconds,
        **quality.final(folder, asked.cut),
    }
    for name, key in (("kept_words", "kept_tokens"), ("pairs", "pairs")):
        if summary.get(key):
            found[f"{name}_per_second"] = summary[key] / seconds
    if summary.get("device_peak_bytes"):
        found["device_peak_bytes"] = summary["device_peak_bytes"]
    peak = summary.get("peak_memory_bytes")
    if peak is not None:
        found["memory_bytes"] = peak - (empty if trainer == OURS else 0)
    if "table_bytes" in summary:
        found["memory_bound_bytes"] = memory_bound(summary)
    if (folder / "first_step.json").exists():
        found |= read_json(folder / "first_step.json")
    if way := quality.points(folder, asked.cut):
        found["points"] = way
    return found


def memory_bound(summary: Mapping[str, Any]) -> float:
    """(replicas + 1) times all tables, the encoded corpus, and 200 MB: in bytes."""
    tables = (summary["replicas"] + 1) * summary["table_bytes"]
    return float(tables + summary["encoded_corpus_bytes"] + ALLOWED)


def race(records: list[dict[str, Any]], peer: str) -> None:
    """Adds to our records how long they took to the peer's score of the same run."""
    targets = {(r["model"], r["seed"]): r for r in records if r["trainer"] == peer}
    for one in records:
        target = targets.get((one["model"], one["seed"]))
        if one["trainer"] == OURS and target and one.get("points"):
            one["seconds_to_quality"] = {
                "of": peer,
                "its_seconds": target["train_seconds"],
                **quality.seconds_to(one["points"], target),
            }
