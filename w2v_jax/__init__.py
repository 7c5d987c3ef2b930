"""word2vec as pure functions: losses, gradients, training, vectors, evaluation.

Shape legend, used in every docstring:

    V  vocabulary          T  tokens of a block        K  negatives per pair
    D  vector size         C  rows with halo           S  shared noise rows
    N  hidden vectors      L  longest Huffman path

`input_vectors` [V, D] are the v_w of the notes (W; `syn0` in word2vec.c);
`output_vectors` [V, D], or [V-1, D] for the inner nodes of a Huffman tree, are the
u_w (W'; `syn1neg`, `syn1`). Losses are in nats, summed over pairs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from w2v_jax.vectors import Vectors as Vectors

__all__ = ["Vectors"]


def __getattr__(name: str) -> Any:
    """`w2v_jax.Vectors`, imported when asked for, so that the package stays light."""
    if name == "Vectors":
        from w2v_jax.vectors import Vectors

        return Vectors
    raise AttributeError(f"module 'w2v_jax' has no attribute {name!r}")
