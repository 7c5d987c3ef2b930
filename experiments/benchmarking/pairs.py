"""How many pairs a training trains: counted from the samples themselves.

Skip-gram trains a pair for each centre i and context word j within the reach of i, in
the chunk and in its sentence; CBOW one for each centre that has such a word. What is
kept and how far windows reach are functions of (seed, epoch, position), so the count
is exact, and is made after training, outside every clock.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_jax.blocks import Chunk


def contexts(chunk: Chunk) -> npt.NDArray[np.int64]:
    """[n] context words of each kept token as a centre."""
    count, widest = len(chunk.tokens), int(chunk.reach.max(initial=0))
    found = np.zeros(count, np.int64)
    for distance in range(1, min(widest, count - 1) + 1):
        near = np.ones(count - distance, bool)
        if chunk.sentences is not None:
            near = chunk.sentences[distance:] == chunk.sentences[:-distance]
        found[:-distance] += near & (chunk.reach[:-distance] >= distance)
        found[distance:] += near & (chunk.reach[distance:] >= distance)
    return found


def in_chunk(chunk: Chunk, architecture: str) -> int:
    """Pairs of (hidden vector, predicted word) that a chunk trains."""
    found = contexts(chunk)
    return int(found.sum() if architecture == "skipgram" else np.count_nonzero(found))


def in_training(trainer: Any, epochs: Iterable[int] | None = None) -> int:
    """Pairs of all epochs of a `w2v_jax.training.Trainer`, or of those named."""
    architecture = trainer.config.architecture
    epochs = range(trainer.config.epochs) if epochs is None else epochs
    return sum(
        in_chunk(trainer.chunk(epoch, number), architecture)
        for epoch in epochs
        for number in range(trainer.chunks)
    )
