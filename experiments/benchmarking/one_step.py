"""A step of a model taken apart: what goes into each of its parts, with real ids."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import cores
from w2v_jax.blocks import Block, cut_blocks
from w2v_jax.chunk_loop import Laid, draw_round, lay
from w2v_jax.core_workers import seeing_one_core, take
from w2v_jax.objectives import Draw
from w2v_jax.position import Position
from w2v_jax.step import Model


class Home(NamedTuple):
    """Where a replica trains: its device, and whether it is one core of a CPU."""

    device: Any
    one_core: bool

    def run(self, work: Any) -> Any:
        """Calls `work` as a replica's own thread would."""
        if not self.one_core:
            return work()
        return take(1)[0].thread.submit(work).result()

    def compiled(self, function: Any, *arguments: Any, donate: Any = ()) -> Any:
        """`function`, compiled for arguments that lie here."""

        def build() -> Any:
            return jax.jit(function, donate_argnums=donate).lower(*arguments).compile()

        if not self.one_core:
            return build()
        with seeing_one_core():
            return build()


def home(model: Model) -> Home:
    """Where replicas of this model train on this machine."""
    alone = cores.usable(model)
    return Home(take(1)[0].device if alone else jax.devices()[0], alone)


class OneStep(NamedTuple):
    """What the parts of a round's steps take, on the host.

    Attributes:
      laid: a replica's part of a chunk; its key as numbers.
      blocks: with a leading axis of the round's E steps, and so all below.
      draws: of the objective.
      input_ids: int32 [E, R].
      targets: int32 [E, B, J].
      output_ids: int32 [E, R] by table; None where every row is touched.
    """

    laid: Laid
    blocks: Block
    draws: Draw
    input_ids: Any
    targets: Any
    output_ids: Any


def block_at(model: Model, laid: Laid, step: jax.Array) -> Block:
    """The blocks of a step, as the training loop cuts them."""
    size, window = model.config.block, model.config.window
    if laid.starts is None:
        return cut_blocks(laid.streams, step * size, size, window)
    begin, stop = laid.starts[:, step], laid.starts[:, step + 1]
    return cut_blocks(laid.streams, begin, size, window, stop)


def with_key(laid: Laid) -> Laid:
    """The same with a key in place of its numbers."""
    key = jax.random.wrap_key_data(laid.key)
    return laid.replace(key=key)  # type: ignore[attr-defined]


def take_apart(trainer: Any, constants: Any) -> OneStep:
    """The first round of a `w2v_jax.training.Trainer`'s first chunk, replica 0."""
    model = trainer.model
    feed, _ = trainer.upcoming(constants, Position())
    laid = lay(model, trainer.capacity, feed, jnp.int32(0))
    draws = draw_round(model, constants, laid, jnp.int32(0), jnp.int32(0))
    steps = jnp.arange(min(model.config.exchange_every, int(feed.steps)))

    def apart(step: jax.Array) -> Any:
        block = block_at(model, laid, step)
        targets = model.architecture.target_ids(block)
        draw = jax.tree.map(lambda drawn: drawn[step], draws)
        rows = model.objective.rows
        ids = rows and rows(constants, targets, draw)
        return block, model.architecture.input_ids(block).reshape(-1), targets, ids

    blocks, input_ids, targets, output_ids = jax.jit(jax.vmap(apart))(steps)
    plain = laid.replace(key=jax.random.key_data(laid.key))  # type: ignore[attr-defined]
    found = (plain, blocks, draws, input_ids, targets, output_ids)
    return OneStep(*jax.tree.map(np.asarray, found))
