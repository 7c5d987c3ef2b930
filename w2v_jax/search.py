"""The best rows of a matrix for many queries, by cosine or any score, under jit.

A product of all queries with all words is never held: the matrix goes past in chunks
of rows, and only the best score and row of each query are kept. Scores are laid out
[chunk, queries], because XLA's CPU backend takes a maximum over the leading axis at
the speed of memory and one over the trailing axis far slower.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

CHUNK = 1024  # rows scored at once
BATCH = 2048  # queries scored at once: [CHUNK, BATCH] floats take 8 MB
SLAB_BYTES = 1 << 28  # of a memory-mapped matrix, this much at a time on the device
COSMUL_EPSILON = 1e-6  # Levy and Goldberg 2014, section 6

# (rows [C, D], inverse norms [C], queries) -> scores [C, B]
Score = Callable[[Array, Array, Any], Array]
Slab = tuple[int, Array, Array]


def cosine(rows: Array, inverse_norms: Array, queries: Array) -> Array:
    """Cosines [C, B] of rows [C, D] with queries [B, D]; 0 where one is zero."""
    lengths = jnp.linalg.norm(queries, axis=1, keepdims=True)
    queries = queries / jnp.where(lengths > 0, lengths, 1)
    return _unit_rows_times(rows, inverse_norms, queries)


def cosine_product(rows: Array, inverse_norms: Array, queries: Array) -> Array:
    """3CosMul [C, B] for queries [3, B, D]: a is to b as c is to the row.

    s(b) s(c) / (s(a) + 1e-6) with s = (1 + cosine) / 2: Levy and Goldberg 2014, eq. 4
    and footnote 7.
    """
    a, b, c = ((1 + cosine(rows, inverse_norms, query)) / 2 for query in queries)
    return b * c / (a + COSMUL_EPSILON)


def class_times_cosine(rows: Array, inverse_norms: Array, queries: Array) -> Array:
    """LRCos [C, B] for queries [3, B, D]: a word c, weights w, and a bias b.

    P(the row's class) times its cosine with c, P = s(w . unit row + b); the bias
    stands in the first column (Drozd, Gladkova and Matsuoka 2016, section 3.2).
    """
    word, weights, bias = queries
    logits = _unit_rows_times(rows, inverse_norms, weights) + bias[:, 0][None]
    return jax.nn.sigmoid(logits) * cosine(rows, inverse_norms, word)


def _unit_rows_times(rows: Array, inverse_norms: Array, queries: Array) -> Array:
    products = jnp.matmul(rows, queries.T, precision="highest")
    return products * inverse_norms[:, None]


SCORES: dict[str, Score] = {
    "cosine": cosine,
    "3cosmul": cosine_product,
    "lrcos": class_times_cosine,
}


def slabs(matrix: NDArray[np.float32]) -> Iterator[Slab]:
    """Yields (first row, rows [n, D], inverse norms [n]) on the device, in order."""
    rows = max(CHUNK, SLAB_BYTES // (4 * matrix.shape[1]) // CHUNK * CHUNK)
    for start in range(0, len(matrix), rows):
        part = matrix[start : start + rows]
        norms = np.linalg.norm(part, axis=1)
        inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        yield start, jnp.asarray(part), jnp.asarray(inverse)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each vector [..., D] divided by its norm; zero stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), np.float32)


def best_rows(
    parts: Iterator[Slab] | list[Slab],
    queries: NDArray[np.float32],
    excluded: NDArray[np.int32],
    k: int,
    score: Score = cosine,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The k best rows of each query, best first; equal scores in row order.

    Args:
      parts: what `slabs` yields.
      queries: [..., B, D], whatever `score` takes; the last but one axis is the batch.
      excluded: [B, X] rows that are never an answer; -1 fills up.
      k: answers wanted, at most the number of rows.
      score: one of `SCORES`.

    Returns:
      Scores [B, k] and rows [B, k]; where fewer than k rows are left, the score is
      minus infinity.
    """
    total = queries.shape[-2]
    size = min(BATCH, 1 << max(total - 1, 0).bit_length())
    found = None
    for start, rows, inverse_norms in parts:
        here = []
        for first in range(0, total, size):
            pad = max(0, first + size - total)
            batch = queries[..., first : first + size, :]
            widths = [(0, 0)] * (queries.ndim - 2) + [(0, pad), (0, 0)]
            barred = np.pad(excluded[first : first + size], ((0, pad), (0, 0)))
            here.append(
                _best(rows, inverse_norms, np.pad(batch, widths), barred - start,
                      min(k, len(rows)), score)
            )  # fmt: skip
        scores = np.concatenate([np.asarray(s) for s, _ in here], axis=1)[:, :total]
        ids = np.concatenate([np.asarray(i) for _, i in here], axis=1)[:, :total]
        ids = ids + np.int32(start)
        if found is not None:
            scores = np.concatenate([found[0], scores])
            ids = np.concatenate([found[1], ids])
        order = np.argsort(-scores, axis=0, kind="stable")[:k]
        found = (
            np.take_along_axis(scores, order, axis=0),
            np.take_along_axis(ids, order, axis=0),
        )
    assert found is not None  # a matrix has at least one row
    return found[0].T, found[1].T


@partial(jax.jit, static_argnums=(4, 5))
def _best(
    rows: Array, inverse_norms: Array, queries: Any, excluded: Array, k: int,
    score: Score,
) -> tuple[Array, Array]:  # fmt: skip
    """Scores and rows [k, B] of the best among rows [n, D], chunk after chunk."""
    count, batch = rows.shape[0], queries.shape[-2]
    size = min(CHUNK, count)
    columns = jnp.arange(batch, dtype=jnp.int32)[:, None]
    places = jnp.arange(size, dtype=jnp.int32)[:, None]
    keep = _first if k == 1 else partial(_first_k, k)

    def step(best: tuple[Array, Array], start: Array) -> tuple[Any, None]:
        # The last chunk steps back so as to end with the matrix; the rows it shares
        # with the chunk before are barred, as are those the caller excludes.
        first = jnp.minimum(start, count - size)
        chunk = lax.dynamic_slice_in_dim(rows, first, size)
        norms = lax.dynamic_slice_in_dim(inverse_norms, first, size)
        scores = score(chunk, norms, queries)
        scores = jnp.where(places >= start - first, scores, -jnp.inf)
        outside = (excluded < first) | (excluded >= first + size)
        barred = jnp.where(outside, size, excluded - first)
        scores = scores.at[barred, columns].set(-jnp.inf, mode="drop")
        return keep(best, scores, places + first), None

    start = (
        jnp.full((k, batch), -jnp.inf, jnp.float32),
        jnp.zeros((k, batch), jnp.int32),
    )
    return lax.scan(step, start, jnp.arange(0, count, size, dtype=jnp.int32))[0]


def _first(
    best: tuple[Array, Array], scores: Array, ids: Array
) -> tuple[Array, Array]:  # fmt: skip
    """The better of what is kept [1, B] and scores [C, B], the earlier row on a tie."""
    top = scores.max(axis=0, keepdims=True)
    last = np.iinfo(np.int32).max
    row = jnp.where(scores == top, ids, last).min(axis=0, keepdims=True)
    return jnp.maximum(top, best[0]), jnp.where(top > best[0], row, best[1])


def _first_k(
    k: int, best: tuple[Array, Array], scores: Array, ids: Array
) -> tuple[Array, Array]:
    """The same for k answers [k, B]; top_k keeps the order of equal scores."""
    scores = jnp.concatenate([best[0], scores]).T
    ids = jnp.concatenate(
        [best[1], jnp.broadcast_to(ids, (len(ids), best[1].shape[1]))]
    )
    top, at = lax.top_k(scores, k)
    return top.T, jnp.take_along_axis(ids, at.T, axis=0)
