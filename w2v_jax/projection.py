"""Vectors to points of the plane: principal components, and t-SNE.

Principal components keep directions: a parallelogram stays one. t-SNE keeps who is near
to whom, and neither distances nor directions between clusters.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

Floats = NDArray[np.float64]
METHODS = ("pca", "tsne")
MOST_POINTS = 5_000  # of t-SNE, which holds all pairs of points


def pca(vectors: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Coordinates [N, 2] on the two axes of largest variance, and their shares [2].

    The vectors [N, D] are centred first. Each axis points to where its largest
    coordinate in size is positive, so that a picture is not mirrored by chance.

    Raises:
      ValueError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError(f"a map needs at least 2 words, not {len(vectors)}")
    centred = np.asarray(vectors, np.float64)
    centred = centred - centred.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(vectors), 2))
    shares = np.zeros(2)
    kept = min(2, len(axes))
    points[:, :kept] = centred @ axes[:kept].T
    shares[:kept] = sizes[:kept] ** 2 / max((sizes**2).sum(), 1e-300)
    largest = np.abs(points).argmax(axis=0)
    return points * np.where(points[largest, [0, 1]] < 0, -1, 1), shares


def tsne(
    vectors: NDArray[np.floating],
    perplexity: float = 15.0,
    steps: int = 500,
) -> Floats:
    """Coordinates [N, 2] by t-SNE, with all pairs of points; starts from `pca`.

    p_ij ~ exp(-|x_i - x_j|^2 / 2 s_i^2), each s_i such that a point has `perplexity`
    neighbours; q_ij ~ 1 / (1 + |y_i - y_j|^2); the points y minimise KL(P | Q) by
    gradient descent with momentum (van der Maaten and Hinton 2008). No draws are made.

    Args:
      vectors: [N, D].
      perplexity: the effective number of neighbours; at most (N - 1) / 3 is used.
      steps: of descent; P is exaggerated fourfold in the first fifth of them.

    Raises:
      ValueError: fewer than 4 or more than 5,000 vectors.
    """
    count = len(vectors)
    if not 4 <= count <= MOST_POINTS:
        raise ValueError(
            f"t-SNE takes 4 to {MOST_POINTS:,} words, not {count:,}; use pca"
        )
    chances = affinities(vectors, min(perplexity, (count - 1) / 3))
    start, _ = pca(vectors)
    start = 1e-2 * start / max(start[:, 0].std(), 1e-12)
    points = _descend(
        jnp.asarray(chances, jnp.float32), jnp.asarray(start, jnp.float32), steps
    )
    return np.asarray(points, np.float64)


def affinities(vectors: NDArray[np.floating], perplexity: float) -> Floats:
    """P [N, N] of t-SNE: symmetric, zero on the diagonal, summing to one.

    Each row's width is found by bisection, so that 2 to its entropy in bits is the
    perplexity.
    """
    x = np.asarray(vectors, np.float64)
    squares = (x * x).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0)
    np.fill_diagonal(distances, np.inf)
    distances /= np.median(distances[np.isfinite(distances)]) or 1.0
    low, high = np.full((2, len(x), 1), -30.0) * [[[1]], [[-1]]]
    for _ in range(60):  # 60 bits of the logarithm of the precision
        middle = (low + high) / 2
        logits = -np.exp(middle) * distances
        logits -= logits.max(axis=1, keepdims=True)
        rows = np.exp(logits)
        rows /= rows.sum(axis=1, keepdims=True)
        entropy = -(rows * np.log(np.maximum(rows, 1e-300))).sum(axis=1, keepdims=True)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    both: Floats = (rows + rows.T) / (2 * len(x))
    return both


@partial(jax.jit, static_argnums=2)
def _descend(chances: Array, start: Array, steps: int) -> Array:
    rate = max(chances.shape[0] / 12, 20.0)
    count = chances.shape[0]
    off_diagonal = 1 - jnp.eye(count, dtype=chances.dtype)

    def step(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        points, speed = carry
        early = i < steps // 5
        gap = points[:, None] - points[None]
        near = off_diagonal / (1 + (gap * gap).sum(-1))
        exaggerated = jnp.where(early, 4.0, 1.0) * chances
        force = (exaggerated - near / near.sum()) * near
        gradient = 4 * (force[..., None] * gap).sum(axis=1)
        speed = jnp.where(early, 0.5, 0.8) * speed - rate * gradient
        points = points + speed
        return points - points.mean(axis=0, keepdims=True), speed

    return jax.lax.fori_loop(0, steps, step, (start, jnp.zeros_like(start)))[0]
