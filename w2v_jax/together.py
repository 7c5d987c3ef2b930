"""Cells that differ only in numbers, trained together: one program under `vmap`.

A cell is a run whose config differs from its neighbours' in `NUMBERS` alone: a seed, a
rate, the noise distribution, how much is subsampled. Their tables stand one behind the
other, [G, V, D], and every step is `step.train_step` of all cells at once. Each cell
draws what it would draw alone, since all sampling is a function of (seed, epoch,
position); only the rounding of sums differs.

All cells take as many steps as the one with most tokens in the chunk. Under `vmap` a
loop with a bound for each cell would choose, at every step, between the old and the
new tables, which copies them; here the bound is one number for all, and a cell that
has come to its end is masked: its steps add -0.0, which changes no bit.
"""

import types
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.chunk_loop import Feed, Laid, draw_round, lay, take_step
from w2v_jax.config import ResolvedConfig
from w2v_jax.objectives import Constants, Draw
from w2v_jax.provenance import changes
from w2v_jax.step import Model, TrainState

Tree = TypeVar("Tree")

# What cells may differ in, each at a value that stands for all in `alike`. The first
# ones reach the program as data: samples, rates, draws. So does negatives, by weight.
NUMBERS: dict[str, Any] = {
    "seed": 0,
    "subsample": 0.0,
    "subsample_formula": "word2vec",
    "dynamic_window": True,
    "epochs": 1,
    "learning_rate": 1.0,
    "final_rate_fraction": 0.0,
    "noise_exponent": 1.0,
    "negatives": 1,
    "input_rate_scale": 1.0,
}
TRACED = ("negatives", "input_rate_scale")  # read from the config within a step


def alike(config: ResolvedConfig) -> ResolvedConfig:
    """What cells must have in common: their config without its `NUMBERS`.

    Two cells may train together where this is equal and replicas is 1.
    """
    return config.replace(**NUMBERS)


def check(configs: Sequence[ResolvedConfig]) -> None:
    """Raises ValueError, naming the fields, unless all may train together."""
    if not configs:
        raise ValueError("no cell to train")
    first = alike(configs[0]).to_dict()
    for config in configs:
        if differing := changes(first, alike(config).to_dict()):
            raise ValueError(
                f"cells that train together differ in {', '.join(differing)}; "
                f"they may only in {', '.join(NUMBERS)}"
            )
        if config.replicas != 1:
            raise ValueError(f"replicas={config.replicas}: together cells have one")


class _Traced(types.SimpleNamespace):
    """A config some of whose numbers are arrays, to be read within a program."""

    def replace(self, **values: Any) -> Self:
        return type(self)(**(vars(self) | values))


def traced(model: Model, numbers: dict[str, jax.Array]) -> Model:
    """The model with arrays in place of `TRACED`, for use under `vmap`."""
    config = _Traced(**(model.config.to_dict() | numbers))
    return model._replace(config=cast(ResolvedConfig, config))


def numbers_of(configs: Sequence[ResolvedConfig]) -> dict[str, jax.Array]:
    """The `TRACED` numbers of all cells, float32 [G] each."""
    return {
        name: jnp.asarray([getattr(config, name) for config in configs], jnp.float32)
        for name in TRACED
    }


def stacked(each: Sequence[Tree]) -> Tree:
    """Trees of one structure as one on the host, leaves with a leading axis [G]."""
    return jax.tree.map(lambda *leaves: np.stack([*map(np.asarray, leaves)]), *each)


def common(each: Sequence[Constants]) -> tuple[Constants, Any]:
    """The constants of all cells, and where `vmap` finds each cell's.

    Leaves that all cells share (the tree of hierarchical softmax; the noise table
    unless its exponent is swept) are held once.

    Args:
      each: of each cell. Blocks of hierarchical softmax have room for the paths that
        the roomiest cell asks for; where blocks end stays each cell's own.

    Returns:
      (constants, a tree like them of 0, a leaf with a leading axis [G], or None).
    """
    if hasattr(each[0], "room"):
        room = max(constants.room for constants in each)
        each = [constants.replace(room=room) for constants in each]

    def shared(*leaves: Any) -> bool:
        first = leaves[0]
        return all(leaf is first or np.array_equal(leaf, first) for leaf in leaves)

    def held(*leaves: Any) -> jax.Array:
        return jnp.asarray(leaves[0]) if shared(*leaves) else jnp.stack(leaves)

    axes = jax.tree.map(lambda *leaves: None if shared(*leaves) else 0, *each)
    return jax.tree.map(held, *each), axes


def chunk_program(model: Model, capacity: int, axes: Any) -> Callable[..., TrainState]:
    """A chunk of all cells, to be compiled with its first argument donated.

    The function returned takes (state, constants, `TRACED` numbers, `Feed` with the
    numbers of its keys, steps of the cell that has most) and returns the state. Leaves
    of state, numbers and feed have a leading axis [G].

    Args:
      model: of any of the cells.
      capacity: tokens that a chunk of one cell may hold.
      axes: of `common`.
    """
    every, replica = model.config.exchange_every, np.int32(0)

    def laid_out(feed: Feed) -> Laid:
        key = jax.random.wrap_key_data(feed.key)
        return lay(model, capacity, feed.replace(key=key), jnp.asarray(replica))  # type: ignore[attr-defined]

    def run(
        state: TrainState,
        constants: Constants,
        numbers: dict[str, jax.Array],
        feed: Feed,
        most: jax.Array,
    ) -> TrainState:
        laid = jax.vmap(laid_out)(feed)

        def one_round(number: jax.Array, state: TrainState) -> TrainState:
            def drawn(constants: Constants, laid: Laid) -> Draw:
                return draw_round(model, constants, laid, number, jnp.asarray(replica))

            draws = jax.vmap(drawn, (axes, 0))(constants, laid)

            def one_step(place: jax.Array, state: TrainState) -> TrainState:
                def of_cell(
                    state: TrainState,
                    constants: Constants,
                    numbers: dict[str, jax.Array],
                    laid: Laid,
                    draws: Draw,
                ) -> TrainState:
                    own = traced(model, numbers)
                    return take_step(
                        own, state, constants, laid, draws, number, place, masked=True
                    )

                return jax.vmap(of_cell, (0, axes, 0, 0, 0))(
                    state, constants, numbers, laid, draws
                )

            left = most - number * every
            return jax.lax.fori_loop(0, jnp.minimum(left, every), one_step, state)

        return jax.lax.fori_loop(0, -(-most // every), one_round, state)

    return run
