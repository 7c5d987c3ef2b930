"""What an objective is: the contract that training, checks and flags rely on.

To add one: its one-example loss in `losses.py`, its gradient in `closed_form.py`, a
file here that ends in an `Objective`, its line in the registry, and their tests.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from w2v_jax.architectures import Pairs
from w2v_jax.config import ResolvedConfig
from w2v_jax.vocabulary import Vocabulary

Tables = dict[str, jax.Array]
Constants = Any  # a pytree of arrays that training reads and never writes
Draw = Any  # a pytree of arrays: the random part of a step, () if there is none


class Objective(NamedTuple):
    """A loss of (hidden vector, target word), for one pair and for a block.

    Attributes:
      init: (vocabulary, config) -> (output tables, constants). A dict of tables, so
        that biases fit; each begins at zero, as in word2vec.c.
      draw: (constants, config, key, steps) -> Draw with leading axes [steps, B].
      rows: (constants, target ids [B, J], Draw) -> ids of the output rows that the
        blocks touch, by table: int32 [R]; None where every row is touched.
      block_loss: (hidden [B, N, D], rows by table [R, D], Pairs, target ids [B, J],
        Draw, constants, config) -> [], nats, the weighted sum over all pairs.
      row_terms: (value of each hidden vector [B, N] or 1.0, Pairs, target ids, Draw,
        constants, config) -> [R] by table: the values summed over the pair terms in
        which each row takes part, so with 1.0 their number; of a table every row of
        which is touched, [B J]: those of each target. A table left out has no cap.
      pair_loss: (hidden [D], whole tables, target [], one block's part of Draw,
        constants, config) -> [], nats, one pair by `losses.py`: what block_loss is
        tested against.
      budget: constants -> (int [V], int): a block ends before the first number,
        summed over its target words, exceeds the second; None: it never does.
    """

    init: Callable[[Vocabulary, ResolvedConfig], tuple[Tables, Constants]]
    draw: Callable[[Constants, ResolvedConfig, jax.Array, int], Draw]
    rows: Callable[[Constants, jax.Array, Draw], dict[str, jax.Array]] | None
    block_loss: Callable[
        [jax.Array, Tables, Pairs, jax.Array, Draw, Constants, ResolvedConfig],
        jax.Array,
    ]
    row_terms: Callable[
        [jax.Array | float, Pairs, jax.Array, Draw, Constants, ResolvedConfig],
        dict[str, jax.Array],
    ]
    pair_loss: Callable[
        [jax.Array, Tables, jax.Array, Draw, Constants, ResolvedConfig], jax.Array
    ]
    budget: Callable[[Constants], tuple[jax.Array, int] | None] = lambda constants: None
