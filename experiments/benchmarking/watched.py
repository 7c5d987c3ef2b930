"""One of our trainings, as `experiments.train` does it, with more noted down.

    python -m experiments.benchmarking.watched --corpus=FILE --workdir=DIR --points=10

takes every flag of `experiments.train` and leaves the same run directory. Vectors at
some points of the way go to DIR/points/<raw words>.bin, with the seconds of training
in a .json beside each; the summary tells pairs and bytes too. All of it is done at
settled points or at the end, outside the clock.

With --first_step the training stops after a single step and the summary is the time
that took since --started.
"""

import functools
import json
import time
from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli, train, training_run

POINTS = "points"


class Watched(training_run.Training):
    """A training that keeps its vectors at points of the way."""

    def __init__(self, *arguments: Any, points: int) -> None:
        super().__init__(*arguments)
        self.points = points
        self.kept = self.shares(self.position.raw_words)

    def shares(self, raw_words: int) -> int:
        """Which share of all words so many are, from 0 to the number of points."""
        return raw_words * self.points // self.trainer.total_words

    def settled(self, metrics: Any) -> None:
        """Keeps the vectors where another share of the words is done."""
        reached = self.shares(metrics.position.raw_words)
        if reached > self.kept:
            self.kept = reached
            self.keep(metrics)

    def keep(self, metrics: Any) -> None:
        """Writes the input vectors, then the seconds: a point with seconds is whole."""
        import numpy as np

        from w2v_jax import durable, formats

        folder = self.run.path / POINTS
        folder.mkdir(exist_ok=True)
        name = f"{metrics.position.raw_words:015d}"
        table = np.asarray(self.trainer.engine.local(self.state)["input"])
        formats.write(folder / f"{name}.bin", self.vocabulary.words, table)
        point = {
            "raw_words": metrics.position.raw_words,
            "seconds": self.before + metrics.seconds,
        }
        durable.write_whole(folder / f"{name}.json", json.dumps(point).encode())

    def finish(self, checkpoint_seconds: float) -> dict[str, Any]:
        """The summary of any training, with what only counting can tell."""
        summary = super().finish(checkpoint_seconds)
        # The peak of memory is taken by now.
        from experiments.benchmarking import pairs

        return summary | {
            "pairs": pairs.in_training(self.trainer),
            "replicas": self.config.replicas,
            "table_bytes": sum(
                t.nbytes for t in self.trainer.host(self.state).tables.values()
            ),
            "encoded_corpus_bytes": self.trainer.ids.nbytes,
            "device_peak_bytes": device_peak_bytes(),
        }


class FirstStep(training_run.Training):
    """A training that ends with its first step."""

    def __init__(self, *arguments: Any, started: float) -> None:
        super().__init__(*arguments)
        self.started = started

    def finish(self, checkpoint_seconds: float) -> dict[str, Any]:
        """Samples a chunk, trains on what one step takes of it, and waits for that."""
        feed = first_feed(self.trainer, self.constants)
        _, done = self.trainer.engine.run(self.state, self.constants, feed)
        done.block_until_ready()
        return {"first_step_seconds": time.time() - self.started}


def first_feed(trainer: Any, constants: Any) -> Any:
    """What the devices need for the first step of a training, and no more.

    The whole first chunk is sampled, as for any training; its first tokens, one block
    for each stream of each replica, go to the devices.
    """
    import jax
    import numpy as np

    config, chunk = trainer.config, trainer.chunk(0, 0)
    taken = config.replicas * config.streams * config.block
    lines = chunk.sentences
    first = chunk._replace(
        tokens=chunk.tokens[:taken],
        reach=chunk.reach[:taken],
        sentences=None if lines is None else lines[:taken],
    )
    rates = np.full(2, trainer.rate(0), np.float32)
    return trainer.feed(first, constants, rates, jax.random.key(config.seed))


def device_peak_bytes() -> int | None:
    """The most memory used at once on the first device; None where it has none."""
    import jax

    device = jax.devices()[0]
    statistics = None if device.platform == "cpu" else device.memory_stats()
    return statistics and statistics.get("peak_bytes_in_use")


def main(_: list[str]) -> None:
    options = flags.FLAGS
    kind: Any = functools.partial(Watched, points=options.points)
    if options.first_step:
        started = options.started or time.time()
        kind = functools.partial(FirstStep, started=started)
    training_run.carry_out(
        cli.config_from_flags(),
        Path(options.workdir),
        Path(options.cache_dir).expanduser(),
        overwrite=options.overwrite,
        checkpoint_seconds=options.checkpoint_seconds,
        kind=kind,
    )


def define_flags() -> None:
    """The flags of `experiments.train`, and those of this command."""
    train.define_flags()
    flags.DEFINE_integer("points", 0, "Points of the way to keep.", lower_bound=0)
    flags.DEFINE_boolean("first_step", False, "Stop after one step.")
    flags.DEFINE_float("started", 0.0, "Seconds since 1970 at the process's start.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
