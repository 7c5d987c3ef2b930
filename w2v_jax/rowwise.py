"""Any row-separable optax transformation, applied to the touched rows only.

optax works on whole arrays. A transformation is row-separable when row i of its
update and of its state depends on row i of the gradient alone; then the rows a step
touches can be gathered from parameters and state, updated, and written back, and no
[V, D] gradient is ever made.

    sgd       linear in the gradient: repeated rows may be added one by one. Exact.
    adagrad   untouched rows would not move: exact once equal rows are summed.
    adam      lazy: the moments of untouched rows do not decay and these rows do not
              move, as they would under a dense Adam; the step count is global.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

State = Any


class RowOptimizer(NamedTuple):
    """An optax transformation with unit learning rate, and what it allows.

    Attributes:
      transformation: gradient -> direction; the rate is multiplied in afterwards, so
        that it can change at every step without a new trace.
      linear: whether the update of a sum is the sum of the updates.
      exact: whether the touched rows get what a dense update would give them, and
        the others nothing.
    """

    transformation: optax.GradientTransformation
    linear: bool
    exact: bool


OPTIMIZERS = {
    "sgd": RowOptimizer(optax.identity(), linear=True, exact=True),
    "adagrad": RowOptimizer(optax.scale_by_rss(), linear=False, exact=True),
    "adam": RowOptimizer(optax.scale_by_adam(), linear=False, exact=False),
}


def gather(table: jax.Array, ids: jax.Array) -> jax.Array:
    """Rows [R, D] of table [V, D]; ids must be in range."""
    return table.at[ids].get(mode="promise_in_bounds")


def add(table: jax.Array, ids: jax.Array, changes: jax.Array) -> jax.Array:
    """The table with changes [R, D] added to rows ids [R], repeats one by one."""
    return table.at[ids].add(changes, mode="promise_in_bounds")


def sum_equal_rows(
    ids: jax.Array, gradients: jax.Array, size: int
) -> tuple[jax.Array, jax.Array]:
    """Sums the gradients of equal rows; shapes stay static.

    Args:
      ids: int32 [R], with repeats.
      gradients: [R, ...].
      size: V; slots left over get the id V, which is out of range on purpose.

    Returns:
      (int32 [R], sorted and distinct but for the padding, summed [R, ...]).
    """
    order = jnp.argsort(ids)
    sorted_ids = ids[order]
    first = jnp.concatenate([jnp.ones((1,), bool), sorted_ids[1:] != sorted_ids[:-1]])
    segment = jnp.cumsum(first, dtype=jnp.int32) - 1
    sums = jax.ops.segment_sum(
        gradients[order], segment, len(ids), indices_are_sorted=True
    )
    distinct = jnp.full_like(ids, size).at[segment].set(sorted_ids)
    return distinct, sums


def cap_rows(
    ids: jax.Array, gradients: jax.Array, terms: jax.Array, cap: float, size: int
) -> jax.Array:
    """Scales each row's summed step by min(1, cap / its pair terms in the step).

    A row that hundreds of pairs touch at the same old value (the root of the tree)
    would overshoot; the cap bounds its step and leaves the loss alone.

    Args:
      ids: int32 [R], with repeats.
      gradients: [R, D].
      terms: float32 [R], pair terms behind each gradient.
      cap: in pair terms; 0 turns it off.
      size: V.
    """
    if not cap:
        return gradients
    return cap_table(gradients, sum_over_equal_rows(ids, terms, size), cap)


def terms_of_rows(ids: jax.Array, terms: jax.Array, size: int) -> jax.Array:
    """[V]: the terms [R] of ids [R], summed row by row."""
    return jnp.zeros((size,), terms.dtype).at[ids].add(terms, mode="promise_in_bounds")


def sum_over_equal_rows(ids: jax.Array, values: jax.Array, size: int) -> jax.Array:
    """[R]: for each of ids [R], the sum of the values [R] of all equal ids."""
    return gather(terms_of_rows(ids, values, size), ids)


def cap_table(gradients: jax.Array, terms: jax.Array, cap: float) -> jax.Array:
    """The same for rows that stand once each, [R, D], with all their terms, [R]."""
    return gradients * jnp.minimum(1.0, cap / jnp.maximum(terms, 1.0))[:, None]


def init(optimizer: RowOptimizer, table: jax.Array) -> State:
    """The optax state of a whole table."""
    return optimizer.transformation.init(table)


def direction(
    optimizer: RowOptimizer, gradients: jax.Array, state: State
) -> tuple[jax.Array, State]:
    """optax's update of whatever rows are given: (direction, new state)."""
    # optax counts steps in int32 and raises floats to that power.
    with jax.numpy_dtype_promotion("standard"):
        moved, state = optimizer.transformation.update(gradients, state)
    return moved.astype(gradients.dtype), state


def apply(
    optimizer: RowOptimizer,
    table: jax.Array,
    state: State,
    ids: jax.Array,
    gradients: jax.Array,
    rate: jax.Array,
) -> tuple[jax.Array, State]:
    """One update of the touched rows: table[ids] -= rate * direction(gradients).

    Args:
      optimizer: see `OPTIMIZERS`.
      table: [V, D].
      state: of `init`.
      ids: int32 [R], distinct (`sum_equal_rows`); ids of V and above are padding.
      gradients: [R, D].
      rate: [], the learning rate of this step.
    """
    is_row_state = jax.tree.map(lambda leaf: jnp.shape(leaf) == table.shape, state)
    local = jax.tree.map(
        lambda leaf, row: leaf.at[ids].get(mode="clip") if row else leaf,
        state,
        is_row_state,
    )
    moved, local = direction(optimizer, gradients, local)
    state = jax.tree.map(
        lambda leaf, new, row: leaf.at[ids].set(new, mode="drop") if row else new,
        state,
        local,
        is_row_state,
    )
    return table.at[ids].add(-rate * moved, mode="drop"), state
