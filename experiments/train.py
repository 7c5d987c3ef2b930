"""Question: what vectors does this text give?

Command:  python -m experiments.train --corpus=FILE_OR_NAME --workdir=DIR
Expected: a run directory with config, environment, metrics, checkpoints, vocabulary,
          vectors and a summary; the same command again goes on after a kill.
Cost:     half a minute for 85 M words of skip-gram with negative sampling on two
          cores; the first run of a text also encodes it, at 10 M words/s.
"""

import time
from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli, training_run


def main(arguments: list[str]) -> None:
    begun = time.perf_counter()
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; every option is --name=value")
    asked = cli.config_from_flags()
    if not asked.corpus:
        raise ValueError("--corpus: missing; name a text file or a known corpus")
    if not flags.FLAGS.workdir:
        raise ValueError("--workdir: missing; name the run directory")
    summary = training_run.carry_out(
        asked,
        Path(flags.FLAGS.workdir),
        Path(flags.FLAGS.cache_dir).expanduser(),
        overwrite=flags.FLAGS.overwrite,
        checkpoint_seconds=flags.FLAGS.checkpoint_seconds,
        begun=begun,
    )
    _print_summary(summary)


def _print_summary(summary: dict[str, Any]) -> None:
    loss = summary["final_loss"]
    print(
        f"{summary['raw_words']:,} words in {summary['train_seconds']:.1f} s, "
        f"{summary['words_per_second'] or 0:,.0f} raw words/s, "
        f"loss {'unknown' if loss is None else f'{loss:.4f}'} nats per pair, "
        f"peak memory {summary['peak_memory_bytes'] / 2**20:,.0f} MiB"
    )


def define_flags() -> None:
    """The flags of this command; `experiments.ablate` has most of them too."""
    flags.DEFINE_string("workdir", None, "Run directory: one run, all files.")
    flags.DEFINE_boolean(
        "overwrite",
        False,
        "Clear the run directory of another or a finished run first.",
    )
    define_training_flags()


def define_training_flags() -> None:
    """What a single run and a sweep have in common."""
    flags.DEFINE_string(
        "cache_dir",
        "~/.cache/w2v_jax",
        "Encoded corpora, downloads, compiled programs.",
    )
    flags.DEFINE_float(
        "checkpoint_seconds",
        60.0,
        "Seconds between checkpoints; changes no bits. 0: at every settled point.",
        lower_bound=0.0,
    )
    cli.define_config_flags()


if __name__ == "__main__":
    define_flags()
    cli.run(main)
