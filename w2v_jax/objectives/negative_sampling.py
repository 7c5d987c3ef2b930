"""Negative sampling over a block (Mikolov et al. 2013b, eq. 4; note 000).

    loss = sum_ij M_ij softplus(-z_ij) + (K / S) sum_i n_i sum_s softplus(z_is)

z_ij = <hidden_i, target_j>, n_i = sum_j M_ij. The S noise rows are drawn once for all
blocks of a step and each counts K/S per pair, so the expected loss and gradient are
those of K fresh noise words per pair; only the noise of neighbouring pairs is shared.
"""

import jax
import jax.numpy as jnp

from w2v_jax import deviations, losses
from w2v_jax.architectures import Pairs
from w2v_jax.config import ResolvedConfig
from w2v_jax.noise import AliasTable, build_alias_table, draw_noise, noise_probabilities
from w2v_jax.objectives.protocol import Objective, Tables
from w2v_jax.vocabulary import Vocabulary


def _init(vocabulary: Vocabulary, config: ResolvedConfig) -> tuple[Tables, AliasTable]:
    probabilities = noise_probabilities(vocabulary.counts, config.noise_exponent)
    table = jnp.zeros((len(vocabulary), config.dim), jnp.float32)
    return {"output": table}, build_alias_table(probabilities)


def _draw(
    constants: AliasTable, config: ResolvedConfig, key: jax.Array, steps: int
) -> jax.Array:
    return draw_noise(constants, key, (steps, config.shared_noise))


def _rows(
    constants: AliasTable, targets: jax.Array, noise: jax.Array
) -> dict[str, jax.Array]:
    return {"output": jnp.concatenate([targets.reshape(-1), noise])}


def _noise_weight(config: ResolvedConfig) -> float:
    return config.negatives / config.shared_noise


def _block_loss(
    hidden: jax.Array,
    rows: Tables,
    pairs: Pairs,
    targets: jax.Array,
    noise: jax.Array,
    constants: AliasTable,
    config: ResolvedConfig,
) -> jax.Array:
    dim = hidden.shape[-1]
    words, noise_rows = jnp.split(rows["output"], [targets.size])
    positive = pairs.scores(hidden, words.reshape(*targets.shape, dim))
    negative = jnp.einsum("bnd,sd->bns", hidden, noise_rows)
    rule = deviations.RULES[config.gradient]
    terms = rule.sampled(negative)
    repelled = (terms.sum(-1) * pairs.per_hidden()).sum()
    if rule.drops_targets:
        kept = deviations.noise_without_targets(pairs, targets, noise)
        repelled = deviations.valued_as(repelled, (kept * terms).sum())
    attracted = rule.sampled(-positive) * pairs.weights
    return attracted.sum() + _noise_weight(config) * repelled


def _row_terms(
    pairs: Pairs,
    targets: jax.Array,
    noise: jax.Array,
    constants: AliasTable,
    config: ResolvedConfig,
) -> dict[str, jax.Array]:
    each = jnp.full(noise.shape, _noise_weight(config)) * pairs.weights.sum()
    return {"output": jnp.concatenate([pairs.per_target().reshape(-1), each])}


def _pair_loss(
    hidden: jax.Array,
    tables: Tables,
    target: jax.Array,
    noise: jax.Array,
    constants: AliasTable,
    config: ResolvedConfig,
) -> jax.Array:
    table = tables["output"]
    weight = _noise_weight(config)
    return losses.negative_sampling_loss(hidden, table[target], table[noise], weight)


NEGATIVE_SAMPLING = Objective(_init, _draw, _rows, _block_loss, _row_terms, _pair_loss)
