"""Held-out likelihood: how well does a model predict the words around a word?

Each model is read in nats per pair, in up to three ways:

    own objective   the loss it was trained on; negative sampling's noise is summed out,
                    not drawn: K sum_w q(w) softplus(z_w)
    distribution    one yardstick, a normalised distribution over the V words:
                    softmax                 exp(z_o) / sum_w exp(z_w)
                    hierarchical softmax    the product along the tree's path
                    negative sampling       q(o) exp(z_o) / sum_w q(w) exp(z_w)
    fresh layer     a new softmax layer on the frozen hidden vectors (`fresh_layer`)

z_w = <hidden, u_w>. Trained to the end, negative sampling's scores are
log p(o | c) / (K q(o)) (`w2v_jax.pmi`; Levy and Goldberg 2014), so p(o | c) is
proportional to q(o) exp(z_o), and the log K drops out; exp(z_o) alone, the raw softmax
reading, leaves out how frequent the words are.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from w2v_jax.config import ResolvedConfig
from w2v_jax.evaluation.held_out import Windows
from w2v_jax.huffman import build_huffman
from w2v_jax.losses import hierarchical_softmax_loss, softplus
from w2v_jax.noise import noise_probabilities
from w2v_jax.vocabulary import Vocabulary

BATCH = 256  # windows scored at once
CHUNK = 2048  # words of the vocabulary scored at once
Floats = NDArray[np.float64]
Sums = tuple[Array, Array, Array]


class Batch(NamedTuple):
    """Windows on the device as hidden vectors and what they are to predict.

    Attributes:
      hidden: [N, D].
      targets: int32 [N, J].
      weights: [N, J], 1 for a pair and 0 for an empty slot.
    """

    hidden: Array
    targets: Array
    weights: Array


def batch_of(inputs: Array, windows: Windows, architecture: str, hidden: str) -> Batch:
    """What goes into the output layer, and what should come out.

    Args:
      inputs: [V, D], the v_w.
      windows: N of them.
      architecture: "skipgram": the centre predicts each context word, J = 2 m;
        "cbow": the context predicts the centre, J = 1.
      hidden: CBOW's hidden vector, "average" or "sum".
    """
    centres, context, mask = (jnp.asarray(array) for array in windows)
    weights = mask.astype(inputs.dtype)
    if architecture == "skipgram":
        return Batch(inputs[centres], context, weights)
    total = jnp.einsum("nj,njd->nd", weights, inputs[context])
    words = weights.sum(axis=1)
    if hidden == "average":
        total = total / jnp.maximum(words, 1)[:, None]
    return Batch(total, centres[:, None], jnp.minimum(words, 1)[:, None])


def in_chunks(table: Array, bias: Array, chunk: int) -> tuple[Array, Array]:
    """Rows [n, chunk, D] and biases [n, chunk]; added rows have a bias of -inf."""
    room = -len(table) % chunk
    rows = jnp.pad(table, ((0, room), (0, 0)))
    biases = jnp.pad(bias, (0, room), constant_values=-jnp.inf)
    return rows.reshape(-1, chunk, table.shape[1]), biases.reshape(-1, chunk)


def log_sums(hidden: Array, chunks: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    """Three sums over the words for each hidden vector; N x chunk scores at a time.

    Args:
      hidden: [N, D].
      chunks: of `in_chunks`; the bias b_w is a log probability, or -inf.

    Returns:
      [N] log sum exp(z_w) over rows with a finite bias, log sum exp(b_w + z_w), and
      sum exp(b_w) softplus(z_w).
    """

    def step(carry: Sums, part: tuple[Array, Array]) -> tuple[Sums, None]:
        rows, bias = part[0], part[1][None]
        scores = jnp.matmul(hidden, rows.T, precision="highest")
        real = jnp.isfinite(bias)
        raw = jax.nn.logsumexp(jnp.where(real, scores, -jnp.inf), axis=1)
        biased = jax.nn.logsumexp(scores + bias, axis=1)
        repelled = (jnp.exp(bias) * softplus(scores)).sum(axis=1)
        a, b, c = carry
        return (jnp.logaddexp(a, raw), jnp.logaddexp(b, biased), c + repelled), None

    nothing = jnp.full(hidden.shape[:1], -jnp.inf, hidden.dtype)
    start = (nothing, nothing, jnp.zeros_like(nothing))
    raw, biased, repelled = jax.lax.scan(step, start, chunks)[0]
    return raw, biased, repelled


def pair_scores(batch: Batch, table: Array) -> Array:
    """z [N, J] of each hidden vector with its targets."""
    return jnp.einsum(
        "nd,njd->nj", batch.hidden, table[batch.targets], precision="highest"
    )


def negative_sampling(
    batch: Batch, table: Array, chunks: tuple[Array, Array], noise: Array, k: int
) -> dict[str, Array]:
    """Nats [N] of each window, summed over its pairs, by reading.

    Args:
      batch: N windows.
      table: [V, D], the u_w.
      chunks: of `in_chunks(table, noise)`.
      noise: [V], log q.
      k: negatives per pair.
    """
    pairs = batch.weights.sum(axis=1)
    z = pair_scores(batch, table)
    raw, biased, repelled = log_sums(batch.hidden, chunks)
    attracted = (batch.weights * softplus(-z)).sum(axis=1)
    shifted = (batch.weights * (z + noise[batch.targets])).sum(axis=1)
    return {
        "own": attracted + k * pairs * repelled,
        "distribution": pairs * biased - shifted,
        "raw_softmax": pairs * raw - (batch.weights * z).sum(axis=1),
    }


def softmax(
    batch: Batch, table: Array, chunks: tuple[Array, Array], bias: Array
) -> Array:
    """Nats [N] of each window under p(o) = exp(b_o + z_o) / sum_w exp(b_w + z_w)."""
    _, normaliser, _ = log_sums(batch.hidden, chunks)
    z = pair_scores(batch, table) + bias[batch.targets]
    return batch.weights.sum(axis=1) * normaliser - (batch.weights * z).sum(axis=1)


def tree(batch: Batch, nodes: Array, paths: Array, codes: Array, mask: Array) -> Array:
    """Nats [N] of each window under the product along each target's path.

    Args:
      batch: N windows.
      nodes: [V-1, D].
      paths, codes, mask: [V, L], see `w2v_jax.huffman`.
    """
    each = jax.vmap(hierarchical_softmax_loss, (None, 0, 0, 0))

    def window(hidden: Array, targets: Array, weights: Array) -> Array:
        parts = nodes[paths[targets]], codes[targets], mask[targets]
        return (weights * each(hidden, *parts)).sum()

    return jax.vmap(window)(*batch)


def unigram(vocabulary: Vocabulary, keep: Floats) -> Floats:
    """log p [V] of a word drawn from the subsampled text: the baseline."""
    kept = vocabulary.counts * keep
    logs: Floats = np.log(kept) - np.log(kept.sum())
    return logs


Reading = Callable[[Batch], dict[str, Array]]


def readings(
    config: ResolvedConfig, vocabulary: Vocabulary, outputs: NDArray[np.float32]
) -> Reading:
    """A compiled function: Batch -> nats [N] of each window, by reading.

    The readings are "own" and "distribution", which are one and the same for the
    softmax and its hierarchical form, and "raw_softmax" for negative sampling.
    """
    table = jnp.asarray(outputs)
    if config.objective == "hierarchical_softmax":
        built = build_huffman(vocabulary.counts)
        parts = [jnp.asarray(part) for part in (built.paths, built.codes, built.mask)]

        def score(batch: Batch) -> dict[str, Array]:
            nats = tree(batch, table, *parts)
            return {"own": nats, "distribution": nats}

        return jax.jit(score)
    if config.objective == "softmax":
        bias = jnp.zeros(len(table), table.dtype)
        chunks = in_chunks(table, bias, CHUNK)

        def score(batch: Batch) -> dict[str, Array]:
            nats = softmax(batch, table, chunks, bias)
            return {"own": nats, "distribution": nats}

        return jax.jit(score)
    probabilities = noise_probabilities(vocabulary.counts, config.noise_exponent)
    noise = jnp.asarray(np.log(probabilities), table.dtype)
    return jax.jit(
        partial(
            negative_sampling,
            table=table,
            chunks=in_chunks(table, noise, CHUNK),
            noise=noise,
            k=config.negatives,
        )
    )
