"""A fresh softmax layer on a model's frozen hidden vectors: one yardstick for all.

    p(o | h) = exp(b_o + a_o . W (h - mean)) / sum_w exp(b_w + a_w . W (h - mean))

The model's own output table is not used, so models that were trained on different
losses are asked the same: how much do your hidden vectors tell about the words around?
The hidden vectors are whitened (mean 0, covariance 1), so that neither their length nor
their coordinates matter, the a_w begin at zero and the b_w at the frequency of the
words: before the first step the layer is the unigram baseline. One pass of Adagrad over
shuffled windows follows; every step sees windows that no step before has seen, and what
it costs is V D floats four times over and N x chunk scores.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray

from w2v_jax.evaluation.likelihood import CHUNK, Batch, in_chunks, pair_scores, softmax

RATE = 0.03  # of Adagrad, see `fit`
RIDGE = 1e-3  # of the mean variance, added to each: no direction is blown up
Layer = tuple[Array, Array]  # a [V, D] and b [V]


class FreshLayer(NamedTuple):
    """What was fitted.

    Attributes:
      mean: [D], of the hidden vectors.
      whitening: [D, D], W above, transposed.
      weights: [V, D], the a_w.
      bias: [V], the b_w.
    """

    mean: Array
    whitening: Array
    weights: Array
    bias: Array

    def whitened(self, batch: Batch) -> Batch:
        """The batch with its hidden vectors as the layer takes them."""
        return _whitened(batch, self.mean, self.whitening)

    def reading(self) -> Callable[[Batch], Array]:
        """A compiled function: Batch -> nats [N] of each window."""
        chunks = in_chunks(self.weights, self.bias, CHUNK)

        def score(batch: Batch) -> Array:
            return softmax(self.whitened(batch), self.weights, chunks, self.bias)

        return jax.jit(score)


def _whitened(batch: Batch, mean: Array, whitening: Array) -> Batch:
    centred = batch.hidden - mean[None]
    return batch._replace(hidden=jnp.matmul(centred, whitening, precision="highest"))


def whitening(batches: Iterable[Batch]) -> tuple[Array, Array]:
    """Mean [D] of the hidden vectors, by pair, and what makes their covariance one.

    Raises:
      ValueError: no pairs at all.
    """
    moments = jax.jit(_moments)
    total = [np.asarray(m, np.float64) for m in ((), (), ())]
    for batch in batches:
        parts = [np.asarray(part, np.float64) for part in moments(batch)]
        total = [a + b if a.size else b for a, b in zip(total, parts, strict=True)]
    pairs, first, second = total
    if not pairs.size or not pairs:
        raise ValueError("no pair to fit a layer on; give more text")
    mean = first / pairs
    values, axes = np.linalg.eigh(second / pairs - np.outer(mean, mean))
    values = np.maximum(values, 0)
    scale = 1 / np.sqrt(values + RIDGE * max(values.mean(), 1e-12))
    return jnp.asarray(mean, jnp.float32), jnp.asarray(axes * scale, jnp.float32)


def _moments(batch: Batch) -> tuple[Array, Array, Array]:
    weights = batch.weights.sum(axis=1)
    weighted = batch.hidden * weights[:, None]
    second = jnp.matmul(weighted.T, batch.hidden, precision="highest")
    return weights.sum(), weighted.sum(axis=0), second


def mean_loss(layer: Layer, batch: Batch) -> Array:
    """Nats per pair [] of a batch with whitened hidden vectors."""
    table, bias = layer

    @partial(jax.checkpoint, prevent_cse=False)
    def step(carry: Array, part: Layer) -> tuple[Array, None]:
        scores = batch.hidden @ part[0].T + part[1][None]
        return jnp.logaddexp(carry, jax.nn.logsumexp(scores, axis=1)), None

    start = jnp.full(batch.hidden.shape[:1], -jnp.inf, batch.hidden.dtype)
    normaliser = jax.lax.scan(step, start, in_chunks(table, bias, CHUNK))[0]
    z = pair_scores(batch, table) + bias[batch.targets]
    pairs = batch.weights.sum(axis=1)
    total = (pairs * normaliser).sum() - (batch.weights * z).sum()
    return total / jnp.maximum(pairs.sum(), 1)


def fit(
    batches: Callable[[], Iterable[Batch]],
    log_prior: NDArray[np.float64],
    rate: float = RATE,
) -> FreshLayer:
    """The layer after one pass over the batches.

    Args:
      batches: called twice, for the whitening and for the fit; the same batches of one
        size, their windows shuffled.
      log_prior: [V], log frequency of the words.
      rate: Adagrad's. Measured on skip-gram vectors of the benchmark, 3,000 words.

    Raises:
      ValueError: the batches hold no pair.
    """
    mean, scale = whitening(batches())
    optimizer = optax.adagrad(rate, initial_accumulator_value=1e-6, eps=1e-8)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(
        layer: Layer, state: optax.OptState, batch: Batch
    ) -> tuple[Layer, optax.OptState]:
        gradient = jax.grad(mean_loss)(layer, _whitened(batch, mean, scale))
        change, state = optimizer.update(gradient, state)
        return (layer[0] + change[0], layer[1] + change[1]), state

    bias = jnp.asarray(log_prior, jnp.float32)
    layer = (jnp.zeros((len(bias), scale.shape[1]), jnp.float32), bias)
    state = optimizer.init(layer)
    for batch in batches():
        layer, state = step(layer, state, batch)
    return FreshLayer(mean, scale, *layer)
