"""What runs the chunks of a model: the native step, cores side by side, or a mesh."""

from collections.abc import Callable
from typing import Any

from w2v_jax import cores
from w2v_jax.blocks import Chunk, Sampler
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


def chunk_sampler(kernel: str) -> Callable[[Sampler, int, int, int], Chunk]:
    """What draws the kept tokens of a range of the corpus; the bits are the same.

    Args:
      kernel: of the config; `make_engine` has registered the native one.
    """
    if kernel == "native":
        from w2v_jax.native import sampling

        return sampling.chunk
    return Sampler.chunk
