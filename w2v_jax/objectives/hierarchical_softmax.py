"""Hierarchical softmax over a block (Morin and Bengio 2005; note 004).

    loss = sum_ij M_ij sum_l softplus(-(1 - 2 code_jl) <hidden_i, node_jl>)

The H nodes nearest the root carry most of the visits, so they form one dense product
Z = hidden . nodes^T under two weight matrices, P for code 0 and Q for code 1:

    sum(P softplus(-Z) + Q softplus(Z)),   P = M . [node u on path j with code 0]

The rest of all paths of a block lie one behind the other in R entries, one product
more: entry r is a node of target j where own_jr = 1, and sign_r says 1 - 2 code:

    sum((M . own) softplus(-sign Z)),      Z = hidden . entries^T

Paths differ in length; R is a little above what a block needs on average and blocks
end early where it is not enough. CBOW pairs each hidden vector with one target, which
a product over all entries would waste: there every path has a row of its own, padded
to the longest. Neither split changes anything in the sum.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax import losses
from w2v_jax.architectures import Pairs
from w2v_jax.config import ResolvedConfig
from w2v_jax.deviations import RULES
from w2v_jax.huffman import build_huffman
from w2v_jax.objectives.protocol import Objective, Tables
from w2v_jax.vocabulary import Vocabulary, keep_probabilities

# H, measured: skip-gram's J x N pairs pay for a dense product, CBOW's N pairs do not.
# No more than a quarter of all nodes, so that small trees have a part below the top.
TOP_NODES = {"skipgram": 31, "cbow": 0}


_static: Callable[[], Any] = functools.partial(
    flax.struct.field,
    pytree_node=False,
)


@flax.struct.dataclass
class PathConstants:
    """The Huffman tree, cut into the H nodes nearest the root and the rest.

    Attributes:
      top: int8 [V, H]: 1 where node u is on the word's path with code 0, -1 with
        code 1, 0 where it is not on the path.
      branches: int32, the paths below the top, word after word: 2 node + code.
      firsts: int32 [V], where each word's begins.
      lengths: int32 [V], how many it has.
      paths: int32 [V, L], codes: int32 [V, L], mask: bool [V, L]: the whole tree.
      room: R, entries of a block; for CBOW those of a path.
      budgeted: whether a block may have paths for more than R.
    """

    top: jax.Array
    branches: jax.Array
    firsts: jax.Array
    lengths: jax.Array
    paths: jax.Array
    codes: jax.Array
    mask: jax.Array
    room: int = _static()
    budgeted: bool = _static()


def _init(
    vocabulary: Vocabulary, config: ResolvedConfig
) -> tuple[Tables, PathConstants]:
    tree = build_huffman(vocabulary.counts)
    size = len(vocabulary)
    height = min(TOP_NODES[config.architecture], (size - 1) // 4)
    is_top = tree.mask & (tree.paths < height)
    top = np.zeros((size, height), np.int8)
    words, places = np.nonzero(is_top)
    top[words, tree.paths[words, places]] = 1 - 2 * tree.codes[words, places]
    below = tree.mask & ~is_top
    lengths = below.sum(1, dtype=np.int32)
    longest, budgeted = int(lengths.max()), config.architecture == "skipgram"
    constants = PathConstants(
        top=jnp.asarray(top),
        branches=jnp.asarray(2 * tree.paths[below] + tree.codes[below]),
        firsts=jnp.asarray(np.cumsum(lengths, dtype=np.int32) - lengths),
        lengths=jnp.asarray(lengths),
        paths=jnp.asarray(tree.paths),
        codes=jnp.asarray(tree.codes.astype(np.int32)),
        mask=jnp.asarray(tree.mask),
        room=_room(vocabulary, config, lengths) if budgeted else longest,
        budgeted=budgeted,
    )
    return {"output": jnp.zeros((size - 1, config.dim), jnp.float32)}, constants


def _room(
    vocabulary: Vocabulary, config: ResolvedConfig, lengths: npt.NDArray[np.int32]
) -> int:
    """R: enough for any block, or `path_room` times its average, a multiple of 8."""
    most = config.block * int(lengths.max())
    if not config.path_room:
        return most
    counts = vocabulary.counts
    total = int(counts.sum())
    keep = keep_probabilities(counts, config.subsample, config.subsample_formula, total)
    mean = float(np.average(lengths, weights=counts * keep))
    wanted = config.path_room * config.block * mean
    if wanted >= most:  # an infinite number too
        return most
    return min(most, max(int(np.ceil(wanted / 8)) * 8, int(lengths.max())))


class Entries(NamedTuple):
    """The paths of the targets below the top.

    Attributes:
      own: bool [B, J, R], whether entry r is target j's; for CBOW, whose entries lie
        target by target, whether it is one at all.
      nodes: int32 [B, R], for CBOW [B, J, R].
      sign: int32 like the nodes, 1 - 2 code, 0 for an empty entry.
    """

    own: jax.Array
    nodes: jax.Array
    sign: jax.Array


def _entries(constants: PathConstants, targets: jax.Array) -> Entries:
    lengths, firsts = constants.lengths[targets], constants.firsts[targets]
    place = jnp.arange(constants.room, dtype=jnp.int32)[None, None]
    if constants.budgeted:
        stops = jnp.cumsum(lengths, -1, dtype=jnp.int32)
        starts = stops - lengths
        own = (place >= starts[..., None]) & (place < stops[..., None])
        used = place[0] < stops[..., -1:]
        shift = jnp.where(own, (firsts - starts)[..., None], 0)
        entry = shift.sum(-2, dtype=jnp.int32) + place[0]
    else:
        used = own = place < lengths[..., None]
        entry = firsts[..., None] + place
    branch = constants.branches[jnp.where(used, entry, 0)]
    sign = jnp.where(used, 1 - 2 * (branch & 1), 0)
    return Entries(own, jnp.where(used, branch >> 1, 0), sign)


def _rows(
    constants: PathConstants, targets: jax.Array, draw: tuple[()]
) -> dict[str, jax.Array]:
    top = jnp.arange(constants.top.shape[1], dtype=jnp.int32)
    nodes = _entries(constants, targets).nodes
    return {"output": jnp.concatenate([top, nodes.reshape(-1)])}


def _top_weights(
    pairs: Pairs, targets: jax.Array, constants: PathConstants
) -> tuple[jax.Array, jax.Array]:
    """P and Q [B, N, H]: weights of the top nodes for code 0 and code 1."""
    kind, top = pairs.weights.dtype, constants.top[targets]
    return pairs.spread((top > 0).astype(kind)), pairs.spread((top < 0).astype(kind))


def _block_loss(
    hidden: jax.Array,
    rows: Tables,
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: PathConstants,
    config: ResolvedConfig,
) -> jax.Array:
    kind, softplus = hidden.dtype, RULES[config.gradient].path
    own, nodes, sign = _entries(constants, targets)
    top, deep = jnp.split(rows["output"], [constants.top.shape[1]])
    deep, sign = deep.reshape(*nodes.shape, -1), sign.astype(kind)
    form, sign = (
        ("bnd,brd->bnr", sign[:, None])
        if constants.budgeted
        else ("bnd,bnrd->bnr", sign)
    )
    z = jnp.einsum(form, hidden, deep)
    loss = (pairs.spread(own.astype(kind)) * softplus(-sign * z)).sum()
    if not len(top):
        return loss
    p, q = _top_weights(pairs, targets, constants)
    z = jnp.einsum("bnd,hd->bnh", hidden, top)
    return loss + (p * softplus(-z) + q * softplus(z)).sum()


def _row_terms(
    values: jax.Array | float,
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: PathConstants,
    config: ResolvedConfig,
) -> dict[str, jax.Array]:
    terms = pairs.per_target(values)
    deep = _entries(constants, targets).own.astype(terms.dtype) * terms[..., None]
    deep = (deep.sum(-2) if constants.budgeted else deep).reshape(-1)
    p, q = _top_weights(pairs, targets, constants)
    top = p + q if isinstance(values, float) else (p + q) * values[..., None]
    return {"output": jnp.concatenate([top.sum((0, 1)), deep])}


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
    budget=lambda constants: (
        (constants.lengths, constants.room) if constants.budgeted else None
    ),
)
