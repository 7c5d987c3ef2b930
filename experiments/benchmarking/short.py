"""A compiled model over a short text of Zipf's law, trained on it again and again."""

import time
from typing import Any

import jax
import numpy as np

from experiments.benchmarking import pairs, zipf
from w2v_jax.config import Config, resolve
from w2v_jax.position import Position
from w2v_jax.training import Trainer

PIECES, FEWEST = 4, 64  # chunks of a text, so that sampling and training overlap
# Small: random text in which "the" is every tenth word would diverge at the models'
# own rates, and what a step costs does not depend on the rate.
RATE = 1e-3


class Short:
    """One pass over a short text, to be timed.

    The tables go on from pass to pass; what a pass costs does not depend on them.

    Attributes:
      config: resolved.
      own_chunk: raw words of the chunks that the model has otherwise.
      kept_tokens: of a pass.
      trainer, state, constants: as of `w2v_jax.training`, compiled.
    """

    def __init__(
        self, config: Config, vocabulary: int, words: int, pieces: int = PIECES
    ) -> None:
        """Compiles the model.

        Args:
          config: epochs and chunk are set here, and the rate where it is open.
          vocabulary: V.
          words: raw words of the text; 0: as many as fill the pieces.
          pieces: chunks of the text, each at most as long as the model's own.
        """
        config = config.replace(epochs=1, learning_rate=config.learning_rate or RATE)
        resolved = resolve(config, jax.device_count())
        self.own_chunk = resolved.chunk
        words = words or pieces * resolved.chunk
        chunk = max(min(resolved.chunk, -(-words // pieces)), FEWEST)
        self.config = resolved.replace(chunk=chunk)
        known = zipf.vocabulary(vocabulary)
        self.trainer = Trainer(zipf.text(known, words), known, self.config)
        self.state, self.constants = self.trainer.start()
        self.trainer.compile(self.state, self.constants)
        self.kept_tokens = 0

    def once(self) -> float:
        """Trains on the whole text once; returns the seconds, all devices done."""
        position, before, done_all = Position(), None, []
        begun = time.perf_counter()
        while position.epoch < 1:
            self.state, position, done = self.trainer.dispatch(
                self.state, self.constants, position
            )
            if before is not None:  # sample one chunk ahead of the devices, no more
                before.block_until_ready()
            before = done
            done_all.append(done)
        jax.block_until_ready(self.state)
        position = self.trainer.counted(self.constants, position, done_all)
        self.kept_tokens = position.kept_tokens
        return time.perf_counter() - begun

    def pairs(self) -> int:
        """Pairs of (hidden vector, predicted word) of a pass."""
        return pairs.in_training(self.trainer)

    def finite(self) -> bool:
        """Whether every number of the tables still is; a pass of NaN proves nothing."""
        tables = self.trainer.engine.local(self.state).values()
        return all(bool(np.isfinite(np.asarray(table)).all()) for table in tables)


def settings(model: str, **more: Any) -> Config:
    """The config of a model named "architecture-objective"."""
    architecture, objective = model.split("-")
    return Config(architecture=architecture, objective=objective, **more)
