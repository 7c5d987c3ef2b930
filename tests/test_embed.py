import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax import embed
from w2v_jax.vectors import Vectors

MATRIX = np.array([[1, 2], [3, 5], [-7, 0.1]], np.float32)
VECTORS = Vectors(["the", "cat", "北京"], MATRIX)


def test_the_layer_holds_the_vectors_bit_for_bit():
    layer = embed.layer(VECTORS)
    assert isinstance(layer, nnx.Embed)
    np.testing.assert_array_equal(layer.embedding[...][:-1], MATRIX)
    found = layer(jnp.asarray(embed.ids(VECTORS, ["北京", "the"])))
    np.testing.assert_array_equal(found, MATRIX[[2, 0]])


def test_unknown_words_share_the_last_row_the_mean():
    ids = embed.ids(VECTORS, ["cat", "dog", "fish"])
    np.testing.assert_array_equal(ids, [1, 3, 3])
    # the mean is taken in float64 and rounded once
    expected = MATRIX.astype(np.float64).mean(axis=0).astype(np.float32)
    layer = embed.layer(VECTORS)
    np.testing.assert_array_equal(layer(jnp.asarray(ids))[1], expected)


def test_the_layer_is_a_parameter_that_trains():
    layer = embed.layer(VECTORS)
    grads = nnx.grad(lambda layer: layer(jnp.array([1])).sum())(layer)
    expected = np.zeros((4, 2))
    expected[1] = 1
    np.testing.assert_array_equal(grads.embedding[...], expected)
