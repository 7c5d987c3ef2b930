"""Layer d for any loss: gathered rows and row-wise optax against whole tables."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import rowwise
from w2v_jax.verification.comparison import Comparison, in_float64
from w2v_jax.verification.inputs import SIZES, draw
from w2v_jax.verification.spec import Arguments, LossSpec
from w2v_jax.verification.training_path import (
    RATE,
    dense_direction,
    filled,
    movement,
)


@in_float64
def compare(
    spec: LossSpec, rng: np.random.Generator, optimizer: str = "adagrad"
) -> list[Comparison]:
    """One step on examples whose vectors are rows of tables.

    Eight examples draw the rows of each vector argument from a table of five, so that
    rows repeat within and between examples. Gradients in the gathered rows, summed
    over equal rows and given to row-wise optax, must move the tables as `jax.grad`
    over them and dense optax do.
    """
    examples, rows = 8, 5
    drawn = [draw(spec, rng, "tiny") for _ in range(examples)]
    stacked = {n: jnp.asarray(np.stack([d[n] for d in drawn])) for n in spec.kinds}
    tables, ids = {}, {}
    for name in spec.vectors:
        leading, *rest = [SIZES[letter] for letter in spec.kinds[name].split()]
        shape = rest or [leading]
        tables[name] = jnp.asarray(rng.standard_normal([rows, *shape]))
        many = (examples, leading) if rest else (examples,)
        ids[name] = jnp.asarray(rng.integers(0, rows, many).astype(np.int32))
    others = {n: stacked[n] for n in spec.kinds if n not in spec.vectors}
    made = rowwise.OPTIMIZERS[optimizer]
    states = {n: filled(rowwise.init(made, t), t.shape, rng) for n, t in tables.items()}

    def total(vectors: Arguments) -> jax.Array:
        each = jax.vmap(lambda given: spec.loss(**given))(others | vectors)
        return jnp.asarray(each).sum()

    gathered = {n: t[ids[n]] for n, t in tables.items()}
    in_rows = jax.jit(jax.grad(total))(gathered)
    dense = jax.jit(jax.grad(lambda t: total({n: t[n][ids[n]] for n in t})))(tables)
    results = []

    @jax.jit
    def touched_rows(table: jax.Array, state: Any, ids: Any, slopes: Any) -> jax.Array:
        flat = slopes.reshape(-1, *table.shape[1:])
        distinct, sums = rowwise.sum_equal_rows(ids.reshape(-1), flat, rows)
        rate = jnp.asarray(RATE)
        return rowwise.apply(made, table, state, distinct, sums, rate)[0]

    for name, table in tables.items():
        found = touched_rows(table, states[name], ids[name], in_rows[name])
        direction = dense_direction(made, dense[name], states[name])
        check = f"rows of tables, {optimizer} = dense step"
        results.append(
            movement(spec.label, check, name, "tiny", found - table, -RATE * direction)
        )
    return results
