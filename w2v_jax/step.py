"""One training step.

    gather rows -> differentiate -> optax on the touched rows -> scatter

Each table is gathered from once and scattered to once, in place, and the loss itself
is never computed, only its derivative.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from w2v_jax import damping, rowwise
from w2v_jax.architectures import Architecture, get_architecture
from w2v_jax.blocks import Block
from w2v_jax.config import ResolvedConfig
from w2v_jax.objectives import REGISTRY, Constants, Draw, Objective, Tables
from w2v_jax.vocabulary import Vocabulary


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

    config: ResolvedConfig
    architecture: Architecture
    objective: Objective
    optimizer: rowwise.RowOptimizer


def get_model(config: ResolvedConfig) -> Model:
    """Looks up the architecture, the objective and the optimizer of a config."""
    return Model(
        config,
        get_architecture(config),
        REGISTRY[config.objective],
        rowwise.OPTIMIZERS[config.optimizer],
    )


def initial_tables(
    model: Model, vocabulary: Vocabulary
) -> tuple[TrainState, Constants]:
    """Tables before the first step, and what the objective needs beside them.

    Input vectors are uniform in [-1/2D, 1/2D), output vectors zero, as in word2vec.c.
    """
    config = model.config
    outputs, constants = model.objective.init(vocabulary, config)
    shape = (len(vocabulary), config.dim)
    key = jax.random.key(config.seed)
    drawn = jax.random.uniform(key, shape, jnp.float32, -0.5, 0.5) / config.dim
    tables = {"input": drawn, **outputs}
    states = {name: rowwise.init(model.optimizer, t) for name, t in tables.items()}
    return TrainState(tables, states), constants


class Update(NamedTuple):
    """A step's change to one table: row ids [R] (None: every row), gradients [R, D].

    A gradient of every row is the sum of all replicas', and capped only then, by the
    pair terms [V] that come with it. Under damping others come with their curvatures
    [R], in which equal rows are summed already.
    """

    ids: jax.Array | None
    gradients: jax.Array
    terms: jax.Array | None = None
    curvatures: jax.Array | None = None


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
    ids = objective.rows and objective.rows(constants, targets, draw)

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
    gathered = rowwise.gather(tables["input"], flat)
    in_grad, out_grads = jax.grad(loss, argnums=(0, 1))(gathered, rows)
    found: dict[str, tuple[jax.Array | None, jax.Array]] = {"input": (flat, in_grad)}
    for name, grad in out_grads.items():
        found[name] = None if ids is None else ids[name], grad
    terms: Tables = {}
    if config.row_cap:
        terms = objective.row_terms(1.0, pairs, targets, draw, constants, config)
    curvatures: Tables = {}
    if config.damping:
        curvatures = row_curvatures(model, gathered, rows, block, draw, constants)
    updates = {}
    for name, (row_ids, grad) in found.items():
        size, behind = tables[name].shape[0], terms.get(name)
        if row_ids is None:
            if behind is not None:
                behind = rowwise.terms_of_rows(targets.reshape(-1), behind, size)
            updates[name] = Update(None, grad, behind)
            continue
        if behind is not None:
            grad = rowwise.cap_rows(row_ids, grad, behind, config.row_cap, size)
        bounds = curvatures.get(name)
        if bounds is not None:
            bounds = rowwise.sum_over_equal_rows(row_ids, bounds, size)
        updates[name] = Update(row_ids, grad, curvatures=bounds)
    return updates


def row_curvatures(
    model: Model,
    input_rows: jax.Array,
    output_rows: Tables,
    block: Block,
    draw: Draw,
    constants: Constants,
) -> Tables:
    """What each gathered row of a step adds to the curvature bound of its row.

    Args:
      model: the functions.
      input_rows: as gathered, [B I, D].
      output_rows: as gathered, [R, D] by table.
      block: B blocks.
      draw: the objective's random part.
      constants: of the objective.
    """
    architecture, objective = model.architecture, model.objective
    pairs, targets = architecture.pairs(block), architecture.target_ids(block)
    return damping.curvatures(
        lambda rows: architecture.hidden(rows, block),
        lambda values: objective.row_terms(
            values, pairs, targets, draw, constants, model.config
        ),
        input_rows.reshape(*architecture.input_ids(block).shape, -1),
        output_rows,
    )


def train_step(
    model: Model,
    state: TrainState,
    block: Block,
    draw: Draw,
    constants: Constants,
    rate: jax.Array,
    axis: str | None = None,
    live: jax.Array | None = None,
) -> TrainState:
    """One step of one replica.

    Under an optimizer that is linear in the gradient (SGD) a replica updates its own
    tables, which meet those of the others later. The others sum the gradients of all
    replicas first, and so does a gradient of a whole table (full softmax): there
    every replica does the same step.

    Args:
      model: the functions.
      state: before the step.
      block: B blocks of this replica.
      draw: the objective's random part.
      constants: of the objective.
      rate: [], the learning rate of the step.
      axis: the mesh axis of the replicas; None where there is one.
      live: [], whether the step takes place; if not, no bit changes. None: it does.
    """
    updates = block_gradients(model, state.tables, block, draw, constants)
    tables, inner = dict(state.tables), dict(state.optimizer)
    for name, (ids, gradients, terms, curvatures) in updates.items():
        scale = model.config.input_rate_scale if name == "input" else 1.0
        table, optimizer = tables[name], model.optimizer
        if ids is None:
            if axis is not None:
                gradients, terms = jax.lax.psum((gradients, terms), axis)
            if terms is not None:
                gradients = rowwise.cap_table(gradients, terms, model.config.row_cap)
            moved, new = rowwise.direction(optimizer, gradients, inner[name])
            inner[name] = _where(live, new, inner[name])
            tables[name] = _where(live, table - scale * rate * moved, table)
            continue
        if optimizer.linear:
            if curvatures is not None:
                stiff = model.config.damping * scale * rate * curvatures
                gradients = gradients / (1.0 + stiff)[:, None]
            changes = -scale * rate * gradients
            if live is not None:  # x + -0.0 is x, bit for bit, also where x is -0.0
                changes = jnp.where(live, changes, -0.0)
            tables[name] = rowwise.add(table, ids, changes)
            continue
        if axis is not None:
            ids, gradients = jax.lax.all_gather((ids, gradients), axis, tiled=True)
        ids, gradients = rowwise.sum_equal_rows(ids, gradients, table.shape[0])
        if live is not None:
            ids = jnp.where(live, ids, table.shape[0])  # padding, like slots left over
        tables[name], new = rowwise.apply(
            optimizer, table, inner[name], ids, gradients, scale * rate
        )
        inner[name] = jax.tree.map(
            # The rows of a state have stayed as they were; its counts have not.
            lambda new, old: new if new.ndim else _where(live, new, old),
            new,
            inner[name],
        )
    return TrainState(tables, inner)


def _where(live: jax.Array | None, new: Any, old: Any) -> Any:
    """New leaves where the step takes place, the old ones where it does not."""
    if live is None:
        return new
    return jax.tree.map(lambda after, before: jnp.where(live, after, before), new, old)
