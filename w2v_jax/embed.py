"""Vectors as the first layer of a flax model.

    layer = embed.layer(vectors)                       # nnx.Embed, V + 1 rows
    ids = embed.ids(vectors, ["the", "cat", "zyx"])    # unknown words get the last row
    layer(ids)                                         # [3, D]

`experiments/downstream.py` is a model that starts from such a layer.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from w2v_jax.vectors import Vectors

if TYPE_CHECKING:
    from flax import nnx


def layer(vectors: Vectors) -> "nnx.Embed":
    """An `nnx.Embed` of V + 1 rows: the vectors bit for bit, then one for the unknown.

    The last row is the mean of all vectors: what is known of a word before it is seen.
    The rows are a parameter and train with the model; keep them fixed by leaving them
    out of the optimizer: `nnx.Optimizer(model, optax.adam(1e-3), wrt=...)`.
    """
    import jax.numpy as jnp
    from flax import nnx

    unknown = vectors.matrix.mean(axis=0, dtype=np.float64, keepdims=True)
    rows = np.concatenate([vectors.matrix, unknown.astype(np.float32)])
    return nnx.Embed(
        *rows.shape, embedding_init=lambda *_: jnp.asarray(rows), rngs=nnx.Rngs(0)
    )


def ids(vectors: Vectors, words: Iterable[str]) -> NDArray[np.int32]:
    """The rows [N] of words in `layer(vectors)`; V for a word that is unknown."""
    unknown = len(vectors)
    return np.array([vectors.rows.get(word, unknown) for word in words], np.int32)
