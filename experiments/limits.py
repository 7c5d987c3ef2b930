"""What a run may ask of this machine, and what is said when it goes too far."""

import math
import os
from typing import Any


def check_memory(config: Any, words: int) -> None:
    """Refuses tables that this machine cannot hold, before it tries."""
    trained = 1 if config.kernel == "native" else config.replicas
    copies = trained + 2  # while they are made, settled or saved
    tables = 2 if config.optimizer == "sgd" else 4
    needed = copies * tables * words * config.dim * 4
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise ValueError(
            f"--dim={config.dim} with {words:,} words and {config.replicas} replicas "
            f"takes {needed / 2**30:,.1f} GiB and this machine has "
            f"{there / 2**30:,.1f}; lower --dim, --replicas or --max_vocabulary"
        )


def diverged(config: Any, metrics: Any, left: str = "") -> str:
    """Where a training left the finite numbers, what it has left, and the remedy."""
    told = f"{config.objective}, learning rate {metrics.learning_rate:.3g}"
    return (
        f"diverged by step {metrics.position.step:,} ({told}){left and f'; {left}'}. "
        f"{remedy(config)}"
    )


def remedy(config: Any) -> str:
    """What keeps a training from diverging that has begun to."""
    lower = "--learning_rate" + (" or --streams" if config.streams > 1 else "")
    if config.objective == "softmax":  # every pair is behind every row
        lower += " or --block"
    if config.damping or config.kernel == "xla_large":
        return f"Lower {lower}, or {'raise' if config.damping else 'set a'} --damping."
    return f"Lower {lower}, or {'lower' if config.row_cap else 'set a'} --row_cap."


def untrained(config: Any, words: int) -> float:
    """Nats per pair before the first step, when every score is 0.

    (K + 1) ln 2 under negative sampling, ln V under full softmax. A tree's is ln 2 for
    each edge of the paths, by Huffman's codes about log2 V of them or fewer.
    """
    if config.objective == "negative_sampling":
        return float((config.negatives + 1) * math.log(2))
    return math.log(words)


class Watch:
    """Tells once that the loss has risen far above its lowest: the rate is too high.

    A training may lose what it has learnt long before a number is not finite. The loss
    is that of one sample of text, so a healthy one does not rise by a tenth of this.

    Args:
      start: the loss of untrained tables: the first that is seen may be ruined already.
    """

    RISE = 1.25

    def __init__(self, start: float = math.inf) -> None:
        self.lowest, self.told = start, False

    def see(self, config: Any, metrics: Any) -> str | None:
        """What to say after a settled point with a loss; None: nothing."""
        if metrics.loss is None:
            return None
        self.lowest = min(self.lowest, metrics.loss)
        if self.told or metrics.loss <= self.RISE * self.lowest:
            return None
        self.told = True
        return (
            f"the loss has risen from {self.lowest:.3f} to {_short(metrics.loss)} nats "
            f"by step {metrics.position.step:,}. {remedy(config)}"
        )


def _short(loss: float) -> str:
    return f"{loss:.3f}" if loss < 1e6 else f"{loss:.3g}"
