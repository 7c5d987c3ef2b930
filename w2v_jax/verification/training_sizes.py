"""Layer d at every size of scores, in float64 and in the float32 of training.

Float32 steps are held against the dense step in float64 from the same numbers, so
that an error of both paths would show; what they may be off by follows from their
roundings, see `step_tolerance`.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import rowwise
from w2v_jax.step import TrainState, train_step
from w2v_jax.verification.comparison import Comparison, in_float64, largest
from w2v_jax.verification.inputs import SCORES
from w2v_jax.verification.training_path import (
    EXACT,
    RATE,
    TOLERANCE,
    World,
    dense_slopes,
    dense_step,
    filled,
    label,
    movement,
)

# What the block of every world holds, see `make_world`.
CASES = "masked slots, repeated words, empty context, noise = target, path of one"


def _scores(world: World, sizes_only: bool = False) -> jax.Array:
    """Every hidden vector of the block against every output row: [B, N, V].

    With `sizes_only` sums of |products|, which bound the roundings of a score.
    """
    model, tables = world.model, world.state.tables
    size = jnp.abs if sizes_only else jnp.asarray
    rows = size(tables["input"][model.architecture.input_ids(world.block)])
    hidden = model.architecture.hidden(rows, world.block)
    return hidden @ size(tables["output"]).T


def at_size(world: World, scores: str) -> World:
    """The same world with its input table scaled: the largest score is `SCORES`'."""
    factor = SCORES[scores] / largest(_scores(world))
    tables = dict(world.state.tables)
    # Numbers that float32 holds too, so that both types start from the same tables.
    for name, table in tables.items():
        wide = np.asarray(table * factor if name == "input" else table)
        tables[name] = jnp.asarray(wide.astype(np.float32).astype(np.float64))
    state = TrainState(tables, world.state.optimizer)
    return dataclasses.replace(world, state=state)


def step_tolerance(world: World, dtype: Any, before: Any, moved: Any) -> float:
    """What the step of one table may be off by, relative to its largest movement.

    With the unit roundoff u, a score of D products over C averaged rows is off by
    (D + C) u Z, Z the largest sum of |products|, and so, twice, is exp of it, relative
    to p; a row adds up to R pair terms, R u more. 8 stands for exp, the optimizer's
    root and quotient, and a cast. And a table keeps its movement to u times its own
    size only, once for each time that a row is added to: a few dozen roundings, which
    walk at random to some 8.
    """
    unit = float(np.finfo(dtype).eps) / 2
    *_, slots, dim = world.state.tables["input"][world.block.tokens].shape
    terms = world.block.window.size + world.state.tables["output"].shape[0]
    reach = float(_scores(world, sizes_only=True).max())
    kept = largest(before) / max(largest(moved), 1e-300)
    roundings = 2 * ((dim + slots) * reach + 2 * terms + 8) + 8 * kept
    return max(TOLERANCE, unit * roundings)


def _narrow(tree: Any) -> Any:
    """Floats as float32, whole numbers as they are, on the host."""
    return jax.tree.map(
        lambda leaf: (
            np.asarray(leaf, np.float32)
            if jnp.issubdtype(leaf.dtype, jnp.floating)
            else np.asarray(leaf)
        ),
        tree,
    )


@in_float64
def compare(
    world: World,
    rng: np.random.Generator,
    optimizers: Sequence[str] = EXACT,
    sizes: Sequence[str] = tuple(SCORES),
) -> list[Comparison]:
    """One step on both paths: each size, float type, optimizer and table.

    Args:
      world: of `make_world`.
      rng: consumed by the optimizers' states.
      optimizers: of `EXACT`.
      sizes: of `SCORES`.
    """
    return list(_compare(world, rng, optimizers, sizes))


def _compare(
    world: World,
    rng: np.random.Generator,
    optimizers: Sequence[str],
    sizes: Sequence[str],
) -> Iterator[Comparison]:
    config, tables = world.model.config, world.state.tables
    models, states = {}, {}
    for name in optimizers:
        made = rowwise.OPTIMIZERS[name]
        models[name] = world.model._replace(
            config=config.replace(optimizer=name), optimizer=made
        )
        states[name] = {
            n: filled(rowwise.init(made, t), t.shape, rng) for n, t in tables.items()
        }

    @jax.jit  # all optimizers at once, so that their gradient is compiled once
    def steps(tables: Any, states: Any, *given: Any) -> dict[str, Any]:
        return {
            name: train_step(model, TrainState(tables, states[name]), *given).tables
            for name, model in models.items()
        }

    slopes = dense_slopes(config.replace(optimizer="sgd"))
    for size in sizes:
        sized = at_size(world, size)
        tables, given = sized.state.tables, (sized.block, sized.noise, sized.constants)
        # Tiny input rows hardly move the output table, which then keeps few digits.
        rate = jnp.asarray(RATE / min(1.0, largest(tables["input"])))
        found = {"float64": steps(tables, states, *given, rate)}
        with jax.enable_x64(False):
            found["float32"] = steps(*_narrow((tables, states, *given, rate)))
        dense = slopes(tables, *given)
        for optimizer, model in models.items():
            state = TrainState(tables, states[optimizer])
            begun = dataclasses.replace(sized, model=model, state=state)
            expected = dense_step(begun, dense, rate)
            for dtype, name in itertools.product(found, tables):
                moved = expected[name] - tables[name]
                stepped = np.asarray(found[dtype][optimizer][name], np.float64)
                one = movement(
                    label(config),
                    f"one step of {optimizer} in {dtype} = dense step",
                    f"{name} table",
                    f"{size}, {CASES}",
                    stepped - tables[name],
                    moved,
                )
                tolerance = step_tolerance(sized, dtype, tables[name], moved)
                yield dataclasses.replace(one, tolerance=tolerance)
