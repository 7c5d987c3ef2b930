"""Layer d: one step of training moves every table as dense training would.

The path of training: text, blocks, gathered rows, the block loss, row-wise optax. The
dense path: the one-example losses of `w2v_jax.losses`, pair by pair, `jax.grad` over
whole tables, dense optax. Both start from the same tables and see the same noise.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import blocks, losses, rowwise
from w2v_jax.config import (
    ARCHITECTURES,
    OBJECTIVES,
    Config,
    ResolvedConfig,
    resolve,
)
from w2v_jax.step import Model, TrainState, get_model, train_step
from w2v_jax.verification.comparison import (
    Comparison,
    Floats,
    error_map,
    in_float64,
    largest,
)
from w2v_jax.vocabulary import Vocabulary

# Equal rows are summed in another order: a few dozen roundings of 2^-53.
TOLERANCE = 1e-12
RATE = 0.1
EXACT = tuple(name for name, made in rowwise.OPTIMIZERS.items() if made.exact)
MODELS = tuple(
    (architecture, hidden, objective)
    for architecture in ARCHITECTURES
    for hidden in (("average", "sum") if architecture == "cbow" else ("average",))
    for objective in OBJECTIVES
)


@dataclasses.dataclass(frozen=True)
class World:
    """A small model with random tables, one block of text and one draw of noise.

    Attributes:
      model: the functions; its config has no row cap, which is not a gradient.
      state: tables and optimizer states in float64.
      block: cut from a text with repeated words, sentence ends and empty slots.
      noise: the objective's random part.
      constants: of the objective.
    """

    model: Model
    state: TrainState
    block: blocks.Block
    noise: Any
    constants: Any


def make_world(
    architecture: str,
    objective: str,
    rng: np.random.Generator,
    optimizer: str = "sgd",
    cbow_hidden: str = "average",
) -> World:
    """A world of 11 words in 5 dimensions.

    Args:
      architecture: of the config; so are objective, optimizer and cbow_hidden.
      objective: negative_sampling, hierarchical_softmax or softmax.
      rng: consumed.
      optimizer: of `EXACT`.
      cbow_hidden: average or sum.
    """
    size, dim, window = 11, 5, 2
    config = Config(
        architecture=architecture,
        objective=objective,
        cbow_hidden=cbow_hidden,
        optimizer=optimizer,
        gradient="exact",
        dim=dim,
        window=window,
        shared_noise=4,
        softmax_chunk=4,
        row_cap=0.0,
        block=6,
        streams=2,
        replicas=1,
        input_rate_scale=2.0,
        path_room=0.0,
    )
    model = get_model(resolve(config, 1))
    counts = np.maximum(100 // np.arange(1, size + 1), 1).astype(np.int64)
    counts[0] = counts[1:].sum() + 1  # so that its path has one node
    vocabulary = Vocabulary(tuple(f"w{i}" for i in range(size)), counts)
    outputs, constants = model.objective.init(vocabulary, model.config)
    shapes = {"input": (size, dim)} | {n: table.shape for n, table in outputs.items()}
    tables = {n: jnp.asarray(rng.standard_normal(s)) for n, s in shapes.items()}
    states = {
        name: filled(rowwise.init(model.optimizer, table), table.shape, rng)
        for name, table in tables.items()
    }
    key = jax.random.key(int(rng.integers(2**31)))
    draws = model.objective.draw(constants, model.config, key, 1)
    noise = jax.tree.map(lambda leaf: leaf[0], draws)
    block = _cut(rng, size, model.config)
    if objective == "negative_sampling":
        noise = noise.at[0, 0].set(_busiest(block))
    return World(model, TrainState(tables, states), block, noise, constants)


def _busiest(block: blocks.Block) -> jax.Array:
    """The centre with the most context words: a target of either architecture."""
    place = jnp.argmax(block.window[0].sum(axis=-1))
    return block.centres[0, place]


def filled(state: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """An optimizer state as if some steps had been taken."""
    return jax.tree.map(
        lambda leaf: (
            jnp.asarray(rng.uniform(0.5, 2.0, shape))
            if jnp.shape(leaf) == shape
            else leaf
        ),
        state,
    )


def _cut(rng: np.random.Generator, size: int, config: Any) -> blocks.Block:
    """One block of two streams, by the functions that training uses."""
    ids = np.minimum(rng.geometric(0.25, 30) - 1, size - 1).astype(np.int32)
    ids[rng.random(30) < 0.15] = -1
    keep = blocks.keep_thresholds(np.ones(size))
    sampler = blocks.Sampler(ids, keep, 0, config.window, config.dynamic_window)
    chunk = sampler.chunk(0, 0, len(ids))
    share = -(-len(chunk.tokens) // config.streams)
    room = blocks.stream_room(len(ids), config.streams, config.block, config.window)
    padded = blocks.pad_chunk(chunk, 2 * room + len(ids), config.window, True)
    firsts = [jnp.int32(b * share) for b in range(config.streams)]
    flat = tuple(map(jnp.asarray, padded))
    laid = blocks.lay_streams(flat, firsts, jnp.int32(share), room, config.window)
    start = jnp.int32(max(share - config.block // 2, 0))  # half of it beyond the text
    block = blocks.cut_blocks(laid, start, config.block, config.window)
    return blocks.Block(block.tokens, block.window.astype(jnp.float64))


def dense_loss(
    tables: dict[str, jax.Array],
    block: blocks.Block,
    noise: Any,
    constants: Any,
    model: Model,
) -> jax.Array:
    """The loss of the block in nats: one-example losses, summed pair by pair.

    Skip-gram predicts each word in a centre's window (under hierarchical softmax each
    of them predicts the centre), CBOW the centre from its window; written with
    `losses.cbow_hidden` and the objective's `pair_loss`, without A or M.
    """
    inside = block.window > 0

    def pair(hidden: jax.Array, target: jax.Array, noise: Any) -> jax.Array:
        outputs = {name: table for name, table in tables.items() if name != "input"}
        return model.objective.pair_loss(
            hidden, outputs, target, noise, constants, model.config
        )

    if model.config.architecture == "skipgram":
        every = jax.vmap(jax.vmap(jax.vmap(pair, (None, 0, None)), (0, None, None)))
        ones, others = block.centres, block.tokens
        if model.config.objective == "hierarchical_softmax":
            ones, others, inside = others, ones, jnp.swapaxes(inside, 1, 2)
        return every(tables["input"][ones], others, noise).sum(where=inside)
    average = model.config.cbow_hidden == "average"
    combine = losses.cbow_hidden if average else losses.cbow_hidden_sum
    hidden = jax.vmap(jax.vmap(combine, (None, 0)))(
        tables["input"][block.tokens], inside
    )
    each = jax.vmap(jax.vmap(pair, (0, 0, None)))(hidden, block.centres, noise)
    return each.sum(where=inside.any(axis=-1))


def dense_step(
    world: World, slopes: dict[str, jax.Array], rate: jax.Array
) -> dict[str, jax.Array]:
    """The tables after one step of dense optax.

    Args:
      world: the tables before it.
      slopes: `jax.grad` of `dense_loss` over the whole tables.
      rate: [], the learning rate.
    """
    model, state = world.model, world.state
    moved = {}
    for name, table in state.tables.items():
        direction = dense_direction(
            model.optimizer, slopes[name], state.optimizer[name]
        )
        scale = model.config.input_rate_scale if name == "input" else 1.0
        moved[name] = table - scale * rate * direction
    return moved


def dense_direction(
    optimizer: rowwise.RowOptimizer, slopes: jax.Array, state: Any
) -> jax.Array:
    """optax's update of a whole table, at a learning rate of one."""
    # optax counts steps in int32 and raises floats to that power.
    with jax.numpy_dtype_promotion("standard"):
        direction, _ = optimizer.transformation.update(slopes, state)
    return jnp.asarray(direction)


@functools.lru_cache
def dense_slopes(config: ResolvedConfig) -> Callable[..., dict[str, jax.Array]]:
    """`jax.grad` of `dense_loss` in the tables, compiled once for all optimizers."""
    slopes = jax.grad(functools.partial(dense_loss, model=get_model(config)))
    # A reference need not be fast, only compiled fast.
    return jax.jit(slopes, compiler_options={"xla_backend_optimization_level": 0})


@in_float64
def compare(world: World, inputs: str = "") -> list[Comparison]:
    """One step on both paths, one comparison for each table.

    Relative to the largest movement of the table's entries.
    """
    config, rate = world.model.config, jnp.asarray(RATE)
    step = jax.jit(functools.partial(train_step, world.model))
    found = step(world.state, world.block, world.noise, world.constants, rate).tables
    dense = dense_slopes(config.replace(optimizer="sgd"))
    slopes = dense(world.state.tables, world.block, world.noise, world.constants)
    expected = dense_step(world, slopes, rate)
    return [
        movement(
            label(config),
            f"one step of {config.optimizer} = dense step",
            f"{name} table",
            inputs,
            found[name] - world.state.tables[name],
            expected[name] - world.state.tables[name],
        )
        for name in found
    ]


def label(config: ResolvedConfig) -> str:
    """The name of a model, as its loss has it in `SPECS`."""
    hidden = f"_{config.cbow_hidden}" if config.architecture == "cbow" else ""
    return f"{config.objective}, {config.architecture}{hidden}"


def movement(
    label: str, check: str, quantity: str, inputs: str, found: Any, expected: Any
) -> Comparison:
    """How a table moved against how it should; a table must move to be compared."""
    errors: Floats = error_map(found, expected, largest(expected))
    return Comparison(
        layer="training_path",
        loss=label,
        check=check,
        quantity=quantity,
        inputs=inputs,
        error=largest(errors) if largest(expected) > 0 else np.inf,
        tolerance=TOLERANCE,
        map=errors,
    )
