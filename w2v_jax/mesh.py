"""Replicas on the devices of one mesh: a chunk is one program under `shard_map`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import parallel
from w2v_jax.chunk_loop import Feed, chunk_loop
from w2v_jax.device_sampling import Unsampled
from w2v_jax.objectives import Constants, Tables
from w2v_jax.step import Model, TrainState


class Mesh:
    """Runs the chunks of a model on the first R devices.

    Every leaf of its states has a leading axis of replicas.

    Attributes:
      samples: whether chunks may come as `Unsampled`: an accelerator samples them
        sooner than its host, a CPU later.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
    """

    def __init__(self, model: Model, capacity: int) -> None:
        self.mesh = parallel.make_mesh(model.config.replicas)
        self.samples = jax.default_backend() != "cpu"
        specs = (parallel.EACH, parallel.ALL, parallel.ALL)
        loop = chunk_loop(model, capacity)
        self._jitted = jax.jit(self._mapped(loop, specs), donate_argnums=0)
        self.run: Callable[..., tuple[TrainState, jax.Array]] = self._jitted

    def place(self, state: TrainState) -> TrainState:
        """A host's state on every device."""
        return parallel.replicate(state, self.mesh)

    def host(self, state: TrainState) -> TrainState:
        """Replica 0's state as NumPy arrays."""
        return parallel.first_copy(state)

    def copies(self, state: TrainState) -> list[TrainState]:
        """The state of every replica as NumPy arrays."""
        whole = jax.tree.map(np.asarray, state)
        count = self.mesh.size
        return [jax.tree.map(lambda leaf, k=k: leaf[k], whole) for k in range(count)]

    def local(self, state: TrainState) -> Tables:
        """Replica 0's tables, still on its device."""
        return jax.tree.map(_local_first, state.tables)

    def compile(
        self, state: TrainState, constants: Constants, feed: Feed | Unsampled
    ) -> None:
        """Compiles the chunk's program without running it."""
        self.run = self._jitted.lower(state, constants, feed).compile()

    def compiled_text(self) -> str:
        """The compiled program, as HLO text."""
        return str(self.run.as_text())  # type: ignore[attr-defined]

    def _mapped(self, body: Callable[..., Any], specs: tuple[Any, ...]) -> Any:
        """`body` for one replica -> a function of all of them, leading axis and all."""

        def local(state: Any, *rest: Any) -> Any:
            one = jax.tree.map(lambda leaf: leaf[0], state)
            return jax.tree.map(lambda leaf: leaf[None], body(one, *rest))

        return jax.shard_map(
            local,
            mesh=self.mesh,
            in_specs=specs,
            out_specs=parallel.EACH,
            check_vma=False,
        )


def _local_first(leaf: jax.Array) -> jax.Array:
    shard = min(leaf.addressable_shards, key=lambda part: part.index[0].start or 0)
    return jnp.asarray(shard.data)[0]
