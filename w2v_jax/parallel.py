"""Replicas: one copy of the tables per device, kept together by replaying updates.

Each replica trains on its own part of every chunk and records which rows it changed
and by how much. After a round of steps the records go round the ring of devices and
every replica adds what the others did: a delayed sum, so that no update is lost or
halved, at the cost of the touched rows only. The order of additions differs between
replicas, so they drift apart by rounding until they settle on one copy.
"""

from collections.abc import Iterator
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "replica"
EACH = PartitionSpec(AXIS)  # leading axis: one slice per replica
ALL = PartitionSpec()  # the same on every replica
Tree = TypeVar("Tree")


def make_mesh(replicas: int) -> Mesh:
    """A ring of the first `replicas` devices."""
    return Mesh(np.array(jax.devices()[:replicas]), (AXIS,))


def replicate(tree: Tree, mesh: Mesh) -> Tree:
    """Gives every leaf a leading axis with one copy per replica."""
    sharding = NamedSharding(mesh, EACH)

    def place(leaf: jax.Array) -> jax.Array:
        host = np.asarray(leaf)
        shape = (mesh.size, *host.shape)
        return jax.make_array_from_callback(shape, sharding, lambda _: host[None])

    return jax.tree.map(place, tree)


def first_copy(tree: Tree) -> Tree:
    """The copy of replica 0 on the host, without the leading axis."""

    def take(leaf: jax.Array) -> np.ndarray:
        shard = min(leaf.addressable_shards, key=lambda part: part.index[0].start or 0)
        return np.asarray(shard.data)[0]

    return jax.tree.map(take, tree)


def from_the_others(record: Tree, replicas: int) -> Iterator[Tree]:
    """Yields the record of each other replica; call it inside `shard_map`."""
    for shift in range(1, replicas):
        ring = [(i, (i + shift) % replicas) for i in range(replicas)]
        yield jax.lax.ppermute(record, AXIS, ring)


def settle(tree: Tree, replicas: int) -> Tree:
    """Every replica takes the copy of replica 0; call it inside `shard_map`."""
    if replicas == 1:
        return tree
    mine = jax.lax.axis_index(AXIS) == 0

    def take(leaf: jax.Array) -> jax.Array:
        return jax.lax.psum(
            jax.numpy.where(mine, leaf, jax.numpy.zeros_like(leaf)), AXIS
        )

    return jax.tree.map(take, tree)
