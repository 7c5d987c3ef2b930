"""Negative sampling over a block (Mikolov et al. 2013b, eq. 4; note 000).

    loss = sum_ij M_ij softplus(-z_ij) + (K / S) sum_i n_i sum_s softplus(z_is)

z_ij = <hidden_i, target_j>, n_i = sum_j M_ij. The S noise rows are drawn once for each
block and each counts K/S per pair, so the expected loss and gradient are those of K
fresh noise words per pair; only the noise of neighbouring pairs is shared. For
skip-gram targets and noise stand side by side, and all scores are one product.
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
    shape = (steps, config.streams, config.shared_noise)
    if not config.noise_pool:
        return draw_noise(constants, key, shape)
    of_words, of_choices = jax.random.split(key)
    pool = draw_noise(constants, of_words, (config.noise_pool,))
    return jax.random.choice(of_choices, pool, shape)


def _rows(
    constants: AliasTable, targets: jax.Array, noise: jax.Array
) -> dict[str, jax.Array]:
    return {"output": jnp.concatenate([targets, noise], axis=1).reshape(-1)}


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
    blocks, words = targets.shape
    table = rows["output"].reshape(blocks, -1, hidden.shape[-1])
    rule = deviations.RULES[config.gradient]
    each = _noise_weight(config) * pairs.per_hidden()[:, :, None]
    if not pairs.diagonal and not rule.drops_targets:
        scores = jnp.einsum("bnd,bkd->bnk", hidden, table)
        is_noise = jnp.arange(scores.shape[-1], dtype=jnp.int32) >= words
        signs = jnp.where(is_noise, 1.0, -1.0).astype(scores.dtype)
        of_noise = jnp.broadcast_to(each, (*each.shape[:2], noise.shape[1]))
        weights = jnp.concatenate([pairs.weights, of_noise], axis=2)
        return (weights * rule.sampled(signs[None, None] * scores)).sum()
    positive = pairs.scores(hidden, table[:, :words])
    terms = rule.sampled(jnp.einsum("bnd,bsd->bns", hidden, table[:, words:]))
    repelled = (each * terms).sum()
    if rule.drops_targets:
        kept = deviations.noise_without_targets(pairs, targets, noise)
        followed = (_noise_weight(config) * kept * terms).sum()
        repelled = deviations.valued_as(repelled, followed)
    return (rule.sampled(-positive) * pairs.weights).sum() + repelled


def _row_terms(
    values: jax.Array | float,
    pairs: Pairs,
    targets: jax.Array,
    noise: jax.Array,
    constants: AliasTable,
    config: ResolvedConfig,
) -> dict[str, jax.Array]:
    each = _noise_weight(config) * (pairs.per_hidden() * values).sum(
        axis=1, keepdims=True
    )
    noise_terms = jnp.broadcast_to(each, noise.shape)
    terms = jnp.concatenate([pairs.per_target(values), noise_terms], axis=1)
    return {"output": terms.reshape(-1)}


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
