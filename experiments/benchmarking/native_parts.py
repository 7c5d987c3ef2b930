"""The parts of a native step, by the clocks that its replicas carry.

C++ needs no program for each part: every replica reads its clock where one part ends,
some times in a round of steps, and the kernel adds the seconds up. Work is counted from
the samples themselves, so that what a tile multiplies beyond it (slots without a pair,
floats that fill a vector up) lowers the rate.
"""

import ctypes
from typing import Any

import numpy as np

from experiments.benchmarking import pairs
from experiments.benchmarking.parts import FLOAT
from experiments.benchmarking.short import Short

CLOCKS = ("fetch rows", "take steps", "wait for the others", "meet: write rows back")


def taken() -> dict[str, float]:
    """Seconds of CLOCKS, rows fetched and steps, of all replicas since last asked."""
    from w2v_jax.native import build

    found = np.zeros(len(CLOCKS) + 2)
    build.symbol("w2v_jax_times", None)(ctypes.c_void_p(found.ctypes.data))
    return dict(zip((*CLOCKS, "rows", "steps"), map(float, found), strict=True))


def flop(trainer: Any, constants: Any) -> float:
    """Floating-point operations that one pass over the text needs in products.

    A pair of a hidden vector and an output row costs 6 D: their score, and the gradient
    of each. CBOW adds up, and hands back to, every context word: 2 D more for both.
    """
    config, total = trainer.config, 0.0
    is_cbow = config.architecture == "cbow"
    for number in range(trainer.chunks):
        chunk = trainer.chunk(0, number)
        contexts = pairs.contexts(chunk)
        hidden = np.count_nonzero(contexts)
        predicted = np.minimum(contexts, 1) if is_cbow else contexts
        if config.objective == "hierarchical_softmax":
            depths = np.asarray(constants.mask.sum(1))[chunk.tokens]
            total += 6 * config.dim * float(predicted @ depths)
        elif config.objective == "softmax":
            total += 6 * config.dim * float(hidden) * len(trainer.vocabulary)
        else:
            total += 6 * config.dim * float(predicted.sum())
            total += 6 * config.dim * float(hidden) * config.shared_noise
        total += 4 * config.dim * float(contexts.sum()) * is_cbow
    return total


def parts(trained: Short, passes: int) -> list[dict[str, Any]]:
    """Microseconds, flop and bytes of each part, as `experiments.step_parts` has it.

    Work and time are those of a step of all replicas side by side.

    Args:
      trained: a short training with the native kernel.
      passes: trainings on the text, after one that warms the caches.
    """
    trained.once()
    taken()
    spent = sum(trained.once() for _ in range(passes))
    found, replicas = taken(), trained.config.replicas
    steps = found["steps"] / replicas
    moved = 2 * found["rows"] * trained.config.dim * FLOAT / steps  # read and written
    needed = passes * flop(trained.trainer, trained.constants) / steps
    amounts = {
        "fetch rows": (0.0, moved),
        "take steps": (needed, 0.0),
        "meet: write rows back": (0.0, moved),
    }
    listed = [
        (name, found[name] / replicas, *amounts.get(name, (0.0, 0.0)), True)
        for name in CLOCKS
    ]
    listed.append(("whole step", sum(found[n] for n in CLOCKS) / replicas, 0, 0, False))
    listed.append(("training, with sampling and dispatch", spent, needed, 0.0, False))
    return [
        {
            "name": name,
            "microseconds": 1e6 * seconds / steps,
            "flop": work,
            "bytes": touched,
            "of_step": is_part,
        }
        for name, seconds, work, touched, is_part in listed
    ]
