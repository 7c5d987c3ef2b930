"""What runs the chunks of a model: the native step, cores side by side, or a mesh."""

from typing import Any

from w2v_jax import cores
from w2v_jax.cores import Cores
from w2v_jax.mesh import Mesh
from w2v_jax.step import Model


def make_engine(model: Model, capacity: int) -> Any:
    """The engine that a model's config asks for and this machine has.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
    """
    if model.config.kernel == "native":
        from w2v_jax.native.engine import Native

        return Native(model, capacity)
    return (Cores if cores.usable(model) else Mesh)(model, capacity)
