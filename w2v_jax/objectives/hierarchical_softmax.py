"""Hierarchical softmax over a block (Morin and Bengio 2005; note 004).

    loss = sum_ij M_ij sum_l softplus(-(1 - 2 code_jl) <hidden_i, node_jl>)

The H nodes nearest the root carry most of the visits, so they form one dense product
Z = hidden . nodes^T under two weight matrices, P for code 0 and Q for code 1:

    sum(P softplus(-Z) + Q softplus(Z)),   P = M . [node u on path j with code 0]

The rest of each path goes node by node. The split changes nothing in the sum.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import losses
from w2v_jax.architectures import Pairs
from w2v_jax.config import ResolvedConfig
from w2v_jax.deviations import RULES
from w2v_jax.huffman import build_huffman
from w2v_jax.objectives.protocol import Objective, Tables
from w2v_jax.vocabulary import Vocabulary

# H, measured: skip-gram's J x N pairs pay for a dense product, CBOW's N pairs do not.
TOP_NODES = {"skipgram": 31, "cbow": 0}


@flax.struct.dataclass
class PathConstants:
    """The Huffman tree, cut into the H nodes nearest the root and the rest.

    Attributes:
      top: int8 [V, H]: 1 where node u is on the word's path with code 0, -1 with
        code 1, 0 where it is not on the path.
      deep: int32 [V, E], the nodes below the top; 0 where padded.
      deep_signs: int8 [V, E]: 1 for code 0, -1 for code 1, 0 where padded.
      paths: int32 [V, L], codes: int32 [V, L], mask: bool [V, L]: the whole tree.
    """

    top: jax.Array
    deep: jax.Array
    deep_signs: jax.Array
    paths: jax.Array
    codes: jax.Array
    mask: jax.Array


def _init(
    vocabulary: Vocabulary, config: ResolvedConfig
) -> tuple[Tables, PathConstants]:
    tree = build_huffman(vocabulary.counts)
    size = len(vocabulary)
    signs = np.where(tree.mask, 1 - 2 * tree.codes, 0).astype(np.int8)
    height = min(TOP_NODES[config.architecture], size - 1)
    is_top = tree.mask & (tree.paths < height)
    top = np.zeros((size, height), np.int8)
    words, places = np.nonzero(is_top)
    top[words, tree.paths[words, places]] = signs[words, places]
    cut = int(is_top.sum(1).min())  # ids grow along a path: its top part comes first
    below = tree.mask[:, cut:] & ~is_top[:, cut:]
    constants = PathConstants(
        top=jnp.asarray(top),
        deep=jnp.asarray(np.where(below, tree.paths[:, cut:], 0)),
        deep_signs=jnp.asarray(np.where(below, signs[:, cut:], 0).astype(np.int8)),
        paths=jnp.asarray(tree.paths),
        codes=jnp.asarray(tree.codes.astype(np.int32)),
        mask=jnp.asarray(tree.mask),
    )
    return {"output": jnp.zeros((size - 1, config.dim), jnp.float32)}, constants


def _rows(
    constants: PathConstants, targets: jax.Array, draw: tuple[()]
) -> dict[str, jax.Array]:
    top = jnp.arange(constants.top.shape[1], dtype=jnp.int32)
    return {"output": jnp.concatenate([top, constants.deep[targets].reshape(-1)])}


def _weights(
    pairs: Pairs, targets: jax.Array, constants: PathConstants
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """P and Q [B, N, H] of the top nodes, and the deep signs [B, J, E] as floats."""
    kind = pairs.weights.dtype
    top = constants.top[targets]
    p, q = pairs.spread((top > 0).astype(kind)), pairs.spread((top < 0).astype(kind))
    return p, q, constants.deep_signs[targets].astype(kind)


def _block_loss(
    hidden: jax.Array,
    rows: Tables,
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: PathConstants,
    config: ResolvedConfig,
) -> jax.Array:
    softplus = RULES[config.gradient].path
    p, q, signs = _weights(pairs, targets, constants)
    top, deep = jnp.split(rows["output"], [constants.top.shape[1]])
    nodes = deep.reshape(*signs.shape, -1)
    if pairs.diagonal:
        z = jnp.einsum("bnd,bned->bne", hidden, nodes)
    else:
        z = jnp.einsum("bnd,bjed->bnje", hidden, nodes)
        signs = signs[:, None]
    each = softplus(-signs * z) * jnp.abs(signs)
    loss = (each.sum(-1) * pairs.weights).sum()
    if not len(top):
        return loss
    z = jnp.einsum("bnd,hd->bnh", hidden, top)
    return loss + (p * softplus(-z) + q * softplus(z)).sum()


def _row_terms(
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: PathConstants,
    config: ResolvedConfig,
) -> dict[str, jax.Array]:
    p, q, signs = _weights(pairs, targets, constants)
    deep = jnp.abs(signs) * pairs.per_target()[..., None]
    return {"output": jnp.concatenate([(p + q).sum((0, 1)), deep.reshape(-1)])}


def _pair_loss(
    hidden: jax.Array,
    tables: Tables,
    target: jax.Array,
    draw: tuple[()],
    constants: PathConstants,
    config: ResolvedConfig,
) -> jax.Array:
    nodes = tables["output"][constants.paths[target]]
    return losses.hierarchical_softmax_loss(
        hidden, nodes, constants.codes[target], constants.mask[target]
    )


HIERARCHICAL_SOFTMAX = Objective(
    init=_init,
    draw=lambda constants, config, key, steps: (),
    rows=_rows,
    block_loss=_block_loss,
    row_terms=_row_terms,
    pair_loss=_pair_loss,
)
