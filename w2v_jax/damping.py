"""Damping: how far rows may move in a step that adds up thousands of pairs.

A step takes the gradients of all its pairs at the rows as they were. Where hundreds of
them share a row, their sum carries it far beyond the least loss of the step, and
training diverges. So row r moves by

    -eta g_r / (1 + damping eta c_r)

where c_r is at least the sum over s of the norms |H_rs| of the blocks [D, D] in row r
of the Hessian of the step's loss. Then diag(c) is no less than that Hessian,

    x' H x  <=  sum_rs |x_r| |H_rs| |x_s|  <=  sum_r c_r |x_r|^2,

by |x_r| |x_s| <= (|x_r|^2 + |x_s|^2) / 2 (Gershgorin's theorem, for blocks), and under
full damping, 1, no rate carries a step beyond the least of the quadratic that touches
the loss where it starts. Rows that few pairs share move as ever: their c is small.

The loss of a pair is a sum of softplus(z) and softplus(-z) over scores z = <h, u>, with
slopes of at most 1 and curvatures of at most 1/4 (Bohning & Lindsay 1988, on logistic
regression). With w_iu the weight of hidden vector i and output row u in the step,
h_i = sum_v A_iv v and a_i = sum_v A_iv, that gives

    c_u = sum_i w_iu (|h_i| (|h_i| + a_i |u|) / 4 + a_i)
    c_v = sum_i A_iv sum_u w_iu (|u| (a_i |u| + |h_i|) / 4 + 1)

The rows of a step point in many directions, so these bounds are far from reached, and a
small part of full damping is enough: `defaults.py`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Rows = dict[str, jax.Array]


def curvatures(
    average: Callable[[jax.Array], jax.Array],
    weigh: Callable[[jax.Array], Rows],
    input_rows: jax.Array,
    output_rows: Rows,
) -> Rows:
    """What each gathered row adds to the c of its row, by table.

    Rows gathered more than once add up (`rowwise.terms_of_rows`).

    Args:
      average: input rows [B, I, D] -> hidden vectors [B, N, D] for any D, linear: A.
      weigh: values [B, N] -> their sums over the pair terms of each output row, [R] by
        table, linear: w.
      input_rows: [B, I, D].
      output_rows: [R, D] by table.

    Returns:
      "input": [B I], and [R] of each output table; nats per unit of a vector, squared.
    """
    hidden = average(input_rows)
    lengths = _norms(hidden)
    ones = jnp.ones_like(input_rows[..., :1])
    sums, back_to_inputs = jax.vjp(average, ones)
    sums = sums[..., 0]
    by_terms, back_to_hidden = jax.vjp(
        jax.vmap(weigh), jnp.stack([lengths * lengths, sums * lengths, sums])
    )
    of_rows = {name: _norms(rows) for name, rows in output_rows.items()}
    stacked = {n: jnp.stack([u * u, u, jnp.ones_like(u)]) for n, u in of_rows.items()}
    ((squares, norms, counts),) = back_to_hidden(stacked)
    of_hidden = (sums * squares + lengths * norms) / 4 + counts
    (of_inputs,) = back_to_inputs(of_hidden[..., None])
    found = {"input": of_inputs.reshape(-1)}
    for name, (squares, norms, counts) in by_terms.items():
        found[name] = (squares + of_rows[name] * norms) / 4 + counts
    return found


def _norms(rows: jax.Array) -> jax.Array:
    """[...]: the lengths of rows [..., D]; their slopes are never asked for."""
    return jnp.sqrt((rows * rows).sum(-1))
