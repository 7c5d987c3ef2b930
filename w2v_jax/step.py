"""One training step, and the loop over a chunk that one dispatch runs.

    gather rows -> differentiate -> optax on the touched rows -> scatter

The loop keeps the tables in place: each is gathered from once and scattered to once
in a step, and the loss itself is never computed, only its derivative.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from w2v_jax import parallel, rowwise
from w2v_jax.architectures import Architecture, get_architecture
from w2v_jax.blocks import Block, cut_blocks, lay_streams, stream_room
from w2v_jax.config import Config
from w2v_jax.objectives import REGISTRY, Constants, Draw, Objective, Tables


@flax.struct.dataclass
class TrainState:
    """What training changes.

    Attributes:
      tables: "input" [V, D] and the objective's output tables; under `shard_map`'s
        outside view each leaf has a leading axis of replicas.
      optimizer: the optax state of each table.
    """

    tables: Tables
    optimizer: dict[str, Any]


class Model(NamedTuple):
    """The pure functions that the config names."""

    config: Config
    architecture: Architecture
    objective: Objective
    optimizer: rowwise.RowOptimizer


def get_model(config: Config) -> Model:
    """Looks up the architecture, the objective and the optimizer of a config."""
    return Model(
        config,
        get_architecture(config),
        REGISTRY[config.objective],
        rowwise.OPTIMIZERS[config.optimizer],
    )


class Update(NamedTuple):
    """A step's change to one table: row ids [R] (None: every row), gradients [R, D]."""

    ids: jax.Array | None
    gradients: jax.Array


def block_gradients(
    model: Model, tables: Tables, block: Block, draw: Draw, constants: Constants
) -> dict[str, Update]:
    """The gradient of the block loss in the gathered rows, by table, row cap applied.

    Args:
      model: the functions.
      tables: "input" and the output tables, each [V, D].
      block: B blocks.
      draw: the objective's random part for this step.
      constants: of the objective.
    """
    config, architecture, objective = model.config, model.architecture, model.objective
    input_ids = architecture.input_ids(block)
    targets = architecture.target_ids(block)
    pairs = architecture.pairs(block)
    ids = objective.rows(constants, targets, draw)

    def loss(input_rows: jax.Array, output_rows: Tables) -> jax.Array:
        split = input_rows.reshape(*input_ids.shape, -1)
        hidden = architecture.hidden(split, block)
        return objective.block_loss(
            hidden, output_rows, pairs, targets, draw, constants, config
        )

    # Without the barrier XLA works each id out anew for every column it gathers.
    flat, ids = jax.lax.optimization_barrier((input_ids.reshape(-1), ids))
    outputs = {name: table for name, table in tables.items() if name != "input"}
    rows = (
        outputs if ids is None else {n: rowwise.gather(outputs[n], ids[n]) for n in ids}
    )
    in_grad, out_grads = jax.grad(loss, argnums=(0, 1))(
        rowwise.gather(tables["input"], flat), rows
    )
    updates = {"input": Update(flat, in_grad)}
    terms = objective.row_terms(pairs, targets, draw, constants, config)
    for name, grad in out_grads.items():
        row_ids = None if ids is None else ids[name]
        if row_ids is not None and terms is not None and config.row_cap:
            size = tables[name].shape[0]
            grad = rowwise.cap_rows(row_ids, grad, terms[name], config.row_cap, size)
        updates[name] = Update(row_ids, grad)
    return updates


def _record(model: Model, name: str, update: Update, rate: jax.Array, size: int) -> Any:
    """(ids, gradients, rate) in the form `_replay` adds; rate folded in if linear."""
    if name == "input":
        rate = rate * model.config.input_rate_scale
    if model.optimizer.linear:
        return update.ids, rate * update.gradients, jnp.ones_like(rate)
    ids, sums = rowwise.sum_equal_rows(update.ids, update.gradients, size)
    return ids, sums, rate


def _apply(model: Model, state: TrainState, name: str, record: Any) -> TrainState:
    table, inner = rowwise.apply(
        model.optimizer, state.tables[name], state.optimizer[name], *record
    )
    return TrainState(state.tables | {name: table}, state.optimizer | {name: inner})


def _apply_whole(
    model: Model, state: TrainState, name: str, gradient: jax.Array, rate: jax.Array
) -> TrainState:
    direction, inner = model.optimizer.transformation.update(
        gradient, state.optimizer[name]
    )
    table = state.tables[name] - rate * direction
    return TrainState(state.tables | {name: table}, state.optimizer | {name: inner})


def train_step(
    model: Model,
    state: TrainState,
    block: Block,
    draw: Draw,
    constants: Constants,
    rate: jax.Array,
    axis: str | None = None,
) -> tuple[TrainState, dict[str, Any]]:
    """One step of one replica.

    Returns:
      (new state, records by table of what other replicas must replay). A gradient of
      a whole table (full softmax) is summed over the replicas at once instead.
    """
    updates = block_gradients(model, state.tables, block, draw, constants)
    records = {}
    for name, update in updates.items():
        if update.ids is None:
            whole = update.gradients
            whole = whole if axis is None else jax.lax.psum(whole, axis)
            state = _apply_whole(model, state, name, whole, rate)
        else:
            size = state.tables[name].shape[0]
            records[name] = _record(model, name, update, rate, size)
            state = _apply(model, state, name, records[name])
    return state, records


def _replay(model: Model, state: TrainState, records: dict[str, Any]) -> TrainState:
    """Does what another replica did in a round of steps: records lead with [E]."""
    for name, (ids, gradients, rates) in records.items():
        if model.optimizer.linear:
            flat = gradients.reshape(-1, gradients.shape[-1])
            state = _apply(model, state, name, (ids.reshape(-1), flat, rates[0]))
        else:

            def one(state: TrainState, record: Any, name: str = name) -> Any:
                return _apply(model, state, name, record), None

            state, _ = jax.lax.scan(one, state, (ids, gradients, rates))
    return state


def chunk_loop(model: Model, capacity: int) -> Callable[..., TrainState]:
    """The loop of one replica over its part of a chunk, for use under `shard_map`.

    The function returned takes (state, constants, padded, length, rates, key): the
    chunk of `pad_chunk`, its kept tokens, and the learning rate [2] where it begins
    and ends. The kept tokens are cut into R x B streams of equal length that advance
    side by side, T tokens a step.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
    """
    config = model.config
    replicas, every = config.replicas, config.exchange_every
    streams, size, window = config.streams, config.block, config.window
    assert streams is not None  # the config is resolved
    assert size is not None
    room = stream_room(capacity, replicas * streams, size, window)

    def loop(
        state: TrainState,
        constants: Constants,
        padded: tuple[jax.Array, ...],
        length: jax.Array,
        rates: jax.Array,
        key: jax.Array,
    ) -> TrainState:
        replica = jax.lax.axis_index(parallel.AXIS)
        share = -(-length // (replicas * streams))
        steps = -(-share // size)
        firsts = [(replica * streams + b) * share for b in range(streams)]
        laid = lay_streams(padded, firsts, share, room, window)

        def one_round(number: jax.Array, state: TrainState) -> TrainState:
            own = jax.random.fold_in(jax.random.fold_in(key, number), replica)
            draws = model.objective.draw(constants, config, own, every)

            def one_step(state: TrainState, inputs: Any) -> Any:
                place, draw = inputs
                step = number * every + place
                done = jnp.minimum(step.astype(rates.dtype) / jnp.maximum(steps, 1), 1)
                rate = rates[0] + (rates[1] - rates[0]) * done
                # Steps past the end fall on the last T slots, which hold no centre.
                block = cut_blocks(laid, step * size, size, window)
                axis = parallel.AXIS if replicas > 1 else None
                return train_step(model, state, block, draw, constants, rate, axis)

            places = jnp.arange(every, dtype=jnp.int32)
            state, records = jax.lax.scan(one_step, state, (places, draws))
            for other in parallel.from_the_others(records, replicas):
                state = _replay(model, state, other)
            return state

        return jax.lax.fori_loop(0, -(-steps // every), one_round, state)

    return loop
