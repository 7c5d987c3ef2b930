"""Full softmax over a block (Mikolov et al. 2013b, eq. 2; note 003).

    loss = sum_i n_i logsumexp_v <hidden_i, u_v> - sum_ij M_ij <hidden_i, u_j>

n_i = sum_j M_ij: the log-sum-exp is taken once per hidden vector, however many words
it predicts, in chunks over V, so that memory holds N x chunk scores, not N x V.
"""

import functools

import jax
import jax.numpy as jnp

from w2v_jax import losses
from w2v_jax.architectures import Pairs
from w2v_jax.config import ResolvedConfig
from w2v_jax.objectives.protocol import Objective, Tables
from w2v_jax.vocabulary import Vocabulary


def _init(vocabulary: Vocabulary, config: ResolvedConfig) -> tuple[Tables, tuple[()]]:
    return {"output": jnp.zeros((len(vocabulary), config.dim), jnp.float32)}, ()


def log_normaliser(hidden: jax.Array, table: jax.Array, chunk: int) -> jax.Array:
    """[N] log sum_v exp <hidden_i, u_v>, holding N x chunk scores at a time.

    Args:
      hidden: [N, D].
      table: [V, D], the u_v.
      chunk: rows of the table scored together.
    """
    size, dim = table.shape
    whole = size // chunk * chunk

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def step(carry: jax.Array, rows: jax.Array) -> tuple[jax.Array, None]:
        part = jax.nn.logsumexp(hidden @ rows.T, axis=-1)
        return jnp.logaddexp(carry, part), None

    start = jnp.full(hidden.shape[:1], -jnp.inf, hidden.dtype)
    if whole < size:
        start = step(start, table[whole:])[0]
    return jax.lax.scan(step, start, table[:whole].reshape(-1, chunk, dim))[0]


def _block_loss(
    hidden: jax.Array,
    rows: Tables,
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: tuple[()],
    config: ResolvedConfig,
) -> jax.Array:
    table = rows["output"]
    dim = hidden.shape[-1]
    normaliser = log_normaliser(hidden.reshape(-1, dim), table, config.softmax_chunk)
    scores = pairs.scores(hidden, table[targets])
    totals = pairs.per_hidden().reshape(-1)
    return (totals * normaliser).sum() - (pairs.weights * scores).sum()


def _row_terms(
    values: jax.Array | float,
    pairs: Pairs,
    targets: jax.Array,
    draw: tuple[()],
    constants: tuple[()],
    config: ResolvedConfig,
) -> Tables:
    """An output row's terms are the pairs that it is the target of.

    Every pair moves every row, but without the cap it is those that overshoot whose
    pairs come in bursts: a word that an article repeats. Its input row does too.
    """
    terms = {"output": pairs.per_target(values).reshape(-1)}
    if config.architecture == "skipgram":
        terms["input"] = (pairs.per_hidden() * values).reshape(-1)
    return terms


def _pair_loss(
    hidden: jax.Array,
    tables: Tables,
    target: jax.Array,
    draw: tuple[()],
    constants: tuple[()],
    config: ResolvedConfig,
) -> jax.Array:
    return losses.softmax_loss(hidden, tables["output"], target)


SOFTMAX = Objective(
    init=_init,
    draw=lambda constants, config, key, steps: (),
    rows=None,
    block_loss=_block_loss,
    row_terms=_row_terms,
    pair_loss=_pair_loss,
)
