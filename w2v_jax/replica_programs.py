"""What one replica runs between meetings, compiled for its own device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from w2v_jax import parallel
from w2v_jax.chunk_loop import Feed, Laid, lay, one_round, own_tables
from w2v_jax.objectives import Constants, Tables
from w2v_jax.step import Model, TrainState


class Programs(NamedTuple):
    """Compiled functions of one device; those that return a state take its buffers.

    Attributes:
      lay: (feed with the numbers of its key, replica) -> `Laid`.
      round: (state, hot rows of the last meeting, constants, `Laid`, number of the
        round, replica) -> (state, its hot rows, the next number).
      begin: state -> (hot rows, warm rows).
      warm: state -> its warm rows.
      put_hot: (state, rows) -> state.
      put_warm: (state, rows) -> state.
      share: of each replica: state -> that share of the other rows, by table.
      put_rest: (state, every replica's share) -> state.
    """

    lay: Callable[..., Laid]
    round: Any
    begin: Callable[..., tuple[jax.Array, jax.Array]]
    warm: Callable[..., jax.Array]
    put_hot: Callable[..., TrainState]
    put_warm: Callable[..., TrainState]
    share: list[Callable[..., Tables]]
    put_rest: Callable[..., TrainState]


def share_bounds(rows: int, replica: int, replicas: int) -> tuple[int, int]:
    """First row and row after the last that a replica adds up, of those after WARM."""
    first = min(parallel.WARM, rows)
    size = -(-(rows - first) // replicas)
    return tuple(min(first + k * size, rows) for k in (replica, replica + 1))  # type: ignore[return-value]


def compile_programs(
    model: Model,
    capacity: int,
    state: TrainState,
    constants: Constants,
    feed: Feed,
    device: Any,
) -> Programs:
    """Compiles a replica's programs without running them.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
      state: of one replica; only shapes count here and below.
      constants: of the objective.
      feed: with the numbers of its key.
      device: where they will run.
    """
    replicas = model.config.replicas
    here = SingleDeviceSharding(device)

    def compiled(function: Callable[..., Any], *like: Any, donate: Any = ()) -> Any:
        specs = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here),
            like,
        )
        return jax.jit(function, donate_argnums=donate).lower(*specs).compile()

    def rows(state: TrainState, start: int, stop: int) -> jax.Array:
        return parallel.rows(own_tables(model, state.tables), start, stop)

    def put(state: TrainState, flat: jax.Array, start: int, stop: int) -> TrainState:
        own = own_tables(model, state.tables)
        met = parallel.put_rows(own, flat, start, stop)
        return TrainState(state.tables | met, state.optimizer)

    def laid(feed: Feed, replica: jax.Array) -> Laid:
        key = jax.random.wrap_key_data(feed.key)
        return lay(model, capacity, feed.replace(key=key), replica)  # type: ignore[attr-defined]

    def begin(state: TrainState) -> tuple[jax.Array, jax.Array]:
        return rows(state, 0, parallel.HOT), warm(state)

    def warm(state: TrainState) -> jax.Array:
        return rows(state, parallel.HOT, parallel.WARM)

    def put_hot(state: TrainState, flat: jax.Array) -> TrainState:
        return put(state, flat, 0, parallel.HOT)

    def put_warm(state: TrainState, flat: jax.Array) -> TrainState:
        return put(state, flat, parallel.HOT, parallel.WARM)

    def round(
        state: TrainState,
        hot: jax.Array,
        constants: Constants,
        laid: Laid,
        number: jax.Array,
        replica: jax.Array,
    ) -> tuple[TrainState, jax.Array, jax.Array]:
        state = put_hot(state, hot)
        state = one_round(model, state, constants, laid, number, replica)
        return state, rows(state, 0, parallel.HOT), number + 1

    def share(replica: int) -> Callable[[TrainState], Tables]:
        def own_share(state: TrainState) -> Tables:
            own = own_tables(model, state.tables)
            return {
                name: table[slice(*bounds(table, replica))]
                for name, table in own.items()
            }

        return own_share

    def bounds(table: jax.Array, replica: int) -> tuple[int, int]:
        return share_bounds(table.shape[0], replica, replicas)

    def put_rest(state: TrainState, shares: list[Tables]) -> TrainState:
        tables = dict(state.tables)
        for replica, one in enumerate(shares):
            for name, new in one.items():
                first, _ = bounds(tables[name], replica)
                tables[name] = jax.lax.dynamic_update_slice_in_dim(
                    tables[name], new, first, 0
                )
        return TrainState(tables, state.optimizer)

    number = np.int32(0)
    like_laid = jax.eval_shape(laid, feed, number)
    like_hot, like_warm = jax.eval_shape(begin, state)
    like_shares = [jax.eval_shape(share(k), state) for k in range(replicas)]
    return Programs(
        compiled(laid, feed, number),
        compiled(
            round, state, like_hot, constants, like_laid, number, number, donate=0
        ),
        compiled(begin, state),
        compiled(warm, state),
        compiled(put_hot, state, like_hot, donate=0),
        compiled(put_warm, state, like_warm, donate=0),
        [compiled(share(k), state) for k in range(replicas)],
        compiled(put_rest, state, like_shares, donate=0),
    )
