"""Words grouped by how frequent they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

RANKS = (1, 1_001, 5_001, 20_001, 100_001)  # the first rank of each band
OCCURRENCES = (1, 10, 100, 1_000, 10_000)


def bands(
    rows: NDArray[np.int32], counts: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Which rows [Q] fall into which band of frequency; -1 falls into none.

    With counts [V], bands of occurrences; without, of rank: row 0 is rank 1. Bands
    that hold no row are left out.
    """
    values: NDArray[Any]
    if counts is None:
        values, edges, unit = rows + 1, RANKS, "rank"
    else:
        values, edges, unit = counts[rows], OCCURRENCES, "occurrences"
    ends = (*edges[1:], None)
    named = {}
    for low, end in zip(edges, ends, strict=True):
        inside = (rows >= 0) & (values >= low)
        if end is not None:
            inside &= values < end
        last = f"to {end - 1}" if end else "and above"
        named[f"{unit} {low} {last}"] = inside
    return {name: inside for name, inside in named.items() if inside.any()}
