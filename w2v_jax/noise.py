"""The noise distribution of negative sampling and draws from it under jit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt


class AliasTable(NamedTuple):
    """A discrete distribution prepared for draws in constant time (Walker 1977).

    Attributes:
      threshold: float32 [V], the chance that slot i yields i itself.
      alias: int32 [V], what slot i yields otherwise.
    """

    threshold: jax.Array
    alias: jax.Array


def noise_probabilities(
    counts: npt.NDArray[np.int64], exponent: float
) -> npt.NDArray[np.float64]:
    """P(w) = count(w) ** exponent / sum of the same over all words.

    Args:
      counts: [V] occurrences in the corpus, all positive.
      exponent: 0 is uniform, 1 the unigram distribution; 0.75 in Mikolov et al.
        2013b, section 2.2, and in note 000, negative sampling. word2vec.c
        approximates the same with a table of 10^8 slots.

    Returns:
      [V] probabilities that sum to one.
    """
    logs = exponent * np.log(np.asarray(counts, np.float64))
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def build_alias_table(probabilities: npt.NDArray[np.float64]) -> AliasTable:
    """Walker's alias table by Vose's method, O(V).

    Every slot has mass 1/V, shared by at most two words, so that one slot number and
    one coin give an exact draw.

    Args:
      probabilities: [V], non-negative, summing to one.

    Raises:
      ValueError: not a distribution.
    """
    size = len(probabilities)
    if size < 1 or np.any(probabilities < 0) or abs(probabilities.sum() - 1) > 1e-6:
        raise ValueError("noise probabilities must be non-negative and sum to one.")
    scaled = (probabilities * size).tolist()
    alias = list(range(size))
    small = [i for i, mass in enumerate(scaled) if mass < 1.0]
    large = [i for i, mass in enumerate(scaled) if mass >= 1.0]
    while small and large:
        poor, rich = small.pop(), large[-1]
        alias[poor] = rich
        scaled[rich] -= 1.0 - scaled[poor]
        if scaled[rich] < 1.0:
            small.append(large.pop())
    for rest in small + large:  # only rounding is left: such a slot is its own
        scaled[rest] = 1.0
    return AliasTable(
        jnp.asarray(np.array(scaled, np.float32)),
        jnp.asarray(np.array(alias, np.int32)),
    )


def draw_noise(table: AliasTable, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draws int32 word ids of the given shape; the key is consumed."""
    slots, coins = jax.random.bits(key, (2, *shape), jnp.uint32)
    slots = (slots % table.alias.shape[0]).astype(jnp.int32)  # bias below V / 2^32
    own = (
        coins.astype(jnp.float32)
        < table.threshold.at[slots].get(mode="promise_in_bounds") * 2.0**32
    )
    return jnp.where(own, slots, table.alias.at[slots].get(mode="promise_in_bounds"))
