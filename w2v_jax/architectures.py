"""Skip-gram and CBOW as the two matrices A and M of a block.

    hidden = A . input rows          loss = sum_ij M[i, j] . l(hidden_i, target_j)

Skip-gram (note 003, skip-gram; Mikolov et al. 2013a, section 3.2): A is the identity
and M the window: the centre goes in, each context word is predicted. word2vec.c
trains the transpose. CBOW (note 003, CBOW): A is the window with rows divided by
their sums (note 004 leaves the division out) and M the identity.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from w2v_jax.blocks import Block
from w2v_jax.config import ResolvedConfig
from w2v_jax.deviations import RULES


@flax.struct.dataclass
class Pairs:
    """M, the weights of (hidden, target) pairs: a full matrix or its diagonal.

    Attributes:
      weights: float32 [B, N, J], or [B, N] where hidden i meets target i alone.
    """

    weights: jax.Array

    @property
    def diagonal(self) -> bool:
        """Whether hidden vector i is paired with target i alone."""
        return self.weights.ndim == 2

    def scores(self, hidden: jax.Array, targets: jax.Array) -> jax.Array:
        """<hidden_i, target_j>, shaped as the weights.

        Args:
          hidden: [B, N, D].
          targets: [B, J, D].
        """
        form = "bnd,bnd->bn" if self.diagonal else "bnd,bjd->bnj"
        return jnp.einsum(form, hidden, targets)

    def spread(self, matrix: jax.Array) -> jax.Array:
        """M . matrix: [B, J, U] -> [B, N, U]."""
        if self.diagonal:
            return self.weights[:, :, None] * matrix
        return jnp.einsum("bnj,bju->bnu", self.weights, matrix)

    def per_hidden(self) -> jax.Array:
        """[B, N]: the sum of weights over each hidden vector's targets."""
        return self.weights if self.diagonal else self.weights.sum(-1)

    def per_target(self, values: jax.Array | float = 1.0) -> jax.Array:
        """[B, J]: the weighted sum of each target's hidden vectors' values [B, N]."""
        if self.diagonal:
            return self.weights * values
        if isinstance(values, float):
            return self.weights.sum(-2) * values
        return jnp.einsum("bnj,bn->bj", self.weights, values)


class Architecture(NamedTuple):
    """What goes in, what is predicted, and how the two are paired.

    Attributes:
      input_ids: Block -> int32 [B, I], rows of the input table.
      hidden: (input rows [B, I, D], Block) -> [B, N, D].
      target_ids: Block -> int32 [B, J], the words predicted.
      pairs: Block -> Pairs.
    """

    input_ids: Callable[[Block], jax.Array]
    hidden: Callable[[jax.Array, Block], jax.Array]
    target_ids: Callable[[Block], jax.Array]
    pairs: Callable[[Block], Pairs]


def _average(rows: jax.Array, block: Block) -> jax.Array:
    sizes = jnp.maximum(block.window.sum(-1, keepdims=True), 1.0)
    return jnp.einsum("bnc,bcd->bnd", block.window / sizes, rows)


def _sum(rows: jax.Array, block: Block) -> jax.Array:
    return jnp.einsum("bnc,bcd->bnd", block.window, rows)


def _occupied(block: Block) -> Pairs:
    """A centre without any context word takes no part."""
    return Pairs((block.window.max(-1) > 0).astype(block.window.dtype))


SKIPGRAM = Architecture(
    input_ids=lambda block: block.centres,
    hidden=lambda rows, block: rows,
    target_ids=lambda block: block.tokens,
    pairs=lambda block: Pairs(block.window),
)
# Each context word predicts the centre, as in word2vec.c. A pair of words at distance
# d is trained where the target's window reaches d, not the input's: the same
# probability, and for fixed windows the same pairs. Targets carry no halo here.
SKIPGRAM_TO_CENTRE = Architecture(
    input_ids=lambda block: block.tokens,
    hidden=lambda rows, block: rows,
    target_ids=lambda block: block.centres,
    pairs=lambda block: Pairs(jnp.swapaxes(block.window, -1, -2)),
)
CBOW_AVERAGE = Architecture(
    input_ids=lambda block: block.tokens,
    hidden=_average,
    target_ids=lambda block: block.centres,
    pairs=_occupied,
)
CBOW_SUM = CBOW_AVERAGE._replace(hidden=_sum)


def get_architecture(config: ResolvedConfig) -> Architecture:
    """The architecture that the config names, CBOW with the gradient it names."""
    if config.architecture == "skipgram":
        to_centre = config.objective == "hierarchical_softmax"
        return SKIPGRAM_TO_CENTRE if to_centre else SKIPGRAM
    average = config.cbow_hidden == "average"
    if config.gradient == "exact":
        return CBOW_AVERAGE if average else CBOW_SUM
    rule = RULES[config.gradient]
    combine = rule.average if average else rule.sum
    return CBOW_AVERAGE._replace(hidden=lambda rows, block: combine(block.window, rows))
