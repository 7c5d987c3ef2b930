"""Layer e: the layers themselves are checked, by mistakes that they must notice."""

from collections.abc import Iterator, Sequence

import numpy as np

from w2v_jax.verification.comparison import Comparison
from w2v_jax.verification.inputs import SCORES
from w2v_jax.verification.mutants import MUTANTS, Mutant
from w2v_jax.verification.suite import check_loss


def find_out(mutant: Mutant, seed: int = 0) -> Comparison | None:
    """The first comparison that a mutant fails; None if it passes all of them.

    Layers a to c over all of its cases, ordinary scores first.
    """
    for size in sorted(SCORES, key=lambda size: size != "ordinary"):
        for one in check_loss(mutant.spec, np.random.default_rng(seed), scores=(size,)):
            if not one.passed:
                return one
    return None


def check_mutants(
    mutants: Sequence[Mutant] = MUTANTS, seed: int = 0
) -> Iterator[Comparison]:
    """One comparison for each mutant: 0 mistakes missed, or 1.

    Args:
      mutants: of `MUTANTS`, or of your own.
      seed: of all examples.
    """
    for mutant in mutants:
        found = find_out(mutant, seed)
        yield Comparison(
            layer="mutation",
            loss=mutant.name,
            check="goes red" if found else "passes every layer",
            quantity=f"{found.layer}: {found.check}" if found else "",
            inputs=found.inputs if found else "",
            error=0.0 if found else 1.0,
            tolerance=0.0,
        )
