"""From a command line to runs: everything that can be wrong with it, before any runs.

Corpora are encoded here, once, where every run finds them; the numbers of words are
what the estimates need.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import limits
from experiments.sweeps import runs as runs_module
from experiments.sweeps.estimate import Estimator, Text, text_key
from experiments.sweeps.runs import Judging, Run, State, make_runs
from experiments.sweeps.sweep import Cell, configs, make_cells
from w2v_jax.config import Config
from w2v_jax.text_files import Progress as Report


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
      base: the config that all cells share.
      sweeps: of --sweep, or a preset's.
      named: of --cell, or a preset's.
      seeds: of each cell.
      draw_seed: of random draws.
      suites: of evaluation sets.
      restrict: judge within the first so many words; 0: all.
      preset: its name, or None.
      command: the command line itself.
    """

    base: Config
    sweeps: tuple[str, ...]
    named: tuple[str, ...]
    seeds: tuple[int, ...]
    draw_seed: int
    suites: tuple[str, ...]
    restrict: int
    preset: str | None
    command: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What there is to do, and what sweep.json will say of it.

    Attributes:
      cells: in order.
      runs: of every cell and seed.
      judging: what eval.json must hold.
      record: for sweep.json.
    """

    cells: tuple[Cell, ...]
    runs: tuple[Run, ...]
    judging: Judging
    record: dict[str, Any]


def make_plan(workdir: Path, asked: Asked) -> Plan:
    """The cells and runs of a command line.

    Raises:
      ValueError: whatever is wrong with a flag, a cell's config, a suite's name or
        the file of a set.
    """
    from w2v_jax.evaluation import suites

    for path in suites.find(asked.suites).values():
        if path is not None:
            suites.read(path)
    cells = make_cells(asked.sweeps, asked.named, asked.draw_seed)
    of_cells = configs(asked.base, cells)
    runs = make_runs(workdir, of_cells, asked.seeds)
    judging = Judging(
        asked.suites, frozenset(suites.find(asked.suites)), asked.restrict
    )
    said = {
        "preset": asked.preset,
        "sweeps": list(asked.sweeps),
        "named": list(asked.named),
        "draw_seed": asked.draw_seed,
        "flags": asked.base.to_dict(),
        "seeds": list(asked.seeds),
        "suites": list(asked.suites),
        "restrict_vocab": asked.restrict,
        "cells": [{"name": c.name, "overrides": dict(c.overrides)} for c in cells],
        "commands": [asked.command],
    }
    return Plan(cells, runs, judging, said)


def estimator(plan: Plan, cache: Path, report: Report) -> Estimator:
    """Encodes the corpora, checks the directories and learns from finished runs.

    Raises:
      ValueError, OSError: a text that cannot be trained on, or a directory that holds
        another run.
    """
    texts: dict[tuple[Any, ...], Text] = {}
    for run in plan.runs:
        if text_key(run.config) not in texts:
            texts[text_key(run.config)] = _text(run.config, cache, report)
    made = Estimator(texts)
    for run in plan.runs:
        text = made.text(run.config)
        _check_size(run, text.vocabulary(run.config))
        runs_module.check(run, text.sha256)
        made.learn(run)
    return made


def _check_size(run: Run, words: int) -> None:
    """Refuses a run that has too few words, or more than this machine can hold."""
    config = run.config
    try:
        if words < 2:
            raise ValueError(
                f"--min_count={config.min_count} leaves {words} words; lower it"
            )
        least = {"replicas": config.replicas or 1, "kernel": config.kernel or "native"}
        limits.check_memory(config.replace(**least), words)
    except ValueError as error:
        raise ValueError(f"{run.cell}: {error}") from None


def _text(config: Config, cache: Path, report: Report) -> Text:
    from w2v_jax.corpus import encode
    from w2v_jax.datasets import resolve_corpus

    corpus = encode(
        resolve_corpus(config.corpus, cache, report),
        tokenizer=config.tokenizer,
        invalid_utf8=config.invalid_utf8,
        max_words=config.max_words,
        cache_dir=cache,
        progress=report,
    )
    return Text(corpus.raw_words, corpus.counts, corpus.source_sha256)


def todo(
    runs: Sequence[Run], states: Mapping[Run, State], retry: bool
) -> tuple[Run, ...]:
    """The runs that are not done, in order; failed ones only with `retry`."""
    wanted = {State.NEW, State.STARTED, State.TRAINED}
    if retry:
        wanted.add(State.FAILED)
    return tuple(run for run in runs if states[run] in wanted)
