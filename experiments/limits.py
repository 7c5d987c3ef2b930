"""What a run may ask of this machine, and what is said when it goes too far."""

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
    lower = "--learning_rate" + (" or --streams" if config.streams > 1 else "")
    return (
        f"diverged by step {metrics.position.step:,} ({told}){left and f'; {left}'}. "
        f"Lower {lower}, or set a --row_cap."
    )
