"""Replicas: one copy of the tables per device, kept together by adding up changes.

Each replica trains on its own part of every chunk and changes its own copy of the
tables. Where they meet, a row becomes what it was at the last meeting plus what each
replica has added since:

    row = sum of the replicas' rows - (R - 1) . row at the last meeting

a delayed sum, so that no update is lost or halved. Tables are ordered by frequency
and the first rows change most, so the first HOT rows meet every round of steps, the
next ones, up to WARM, every GROUP rounds, and the rest at the end of a chunk, when
all replicas are left with the same bits.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "replica"
EACH = PartitionSpec(AXIS)  # leading axis: one slice per replica
ALL = PartitionSpec()  # the same on every replica
HOT, WARM, GROUP = 256, 4096, 16
Tree = TypeVar("Tree")
Tables = dict[str, jax.Array]


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


def rows(tables: Tables, start: int, stop: int) -> jax.Array:
    """Rows [start, stop) of all tables as one vector: one meeting instead of many."""
    parts = [t[start:stop].reshape(-1) for t in tables.values()]
    return jnp.concatenate(parts) if parts else jnp.zeros(0, jnp.float32)


def meet(
    tables: Tables, before: jax.Array, start: int, stop: int, replicas: int
) -> tuple[Tables, jax.Array]:
    """Rows [start, stop) of all tables take on the changes of every replica.

    Call it inside `shard_map`.

    Args:
      tables: of this replica.
      before: `rows` at the last meeting, the same on every replica.
      start: first row.
      stop: row after the last; tables may end earlier.
      replicas: R.

    Returns:
      (tables, `rows` of them now), the rows the same on every replica.
    """
    if not before.size:  # tables that end before `start`
        return tables, before
    now = jax.lax.psum(rows(tables, start, stop), AXIS) - (replicas - 1) * before
    return put_rows(tables, now, start, stop), now


def put_rows(tables: Tables, flat: jax.Array, start: int, stop: int) -> Tables:
    """The tables with `flat`, laid out as by `rows`, in rows [start, stop)."""
    new, place = {}, 0
    for name, table in tables.items():
        part = table[start:stop]
        these = flat[place : place + part.size].reshape(part.shape)
        new[name] = jax.lax.dynamic_update_slice_in_dim(table, these, start, 0)
        place += part.size
    return new


def _in_shares(table: jax.Array, start: int, replicas: int) -> jax.Array:
    """Rows from `start` on, with rows of zeros that make them divisible by R."""
    rest = table[start:]
    missing = -rest.shape[0] % replicas
    return jnp.pad(rest, ((0, missing),) + ((0, 0),) * (rest.ndim - 1))


def share(table: jax.Array, start: int, replicas: int) -> jax.Array:
    """The part of the rows from `start` on whose last meeting this replica keeps."""
    whole = _in_shares(table, start, replicas)
    size = whole.shape[0] // replicas
    return jax.lax.dynamic_slice_in_dim(whole, jax.lax.axis_index(AXIS) * size, size)


def meet_rest(
    table: jax.Array, before: jax.Array, start: int, replicas: int
) -> jax.Array:
    """As `meet` for the rows from `start` on; `before` is this replica's `share`.

    Each replica adds up one share and hands it round, so that R replicas remember
    the last meeting of each row once, not R times.
    """
    if not before.size:
        return table
    whole = _in_shares(table, start, replicas)
    total = jax.lax.psum_scatter(whole, AXIS, tiled=True)
    now = jax.lax.all_gather(total - (replicas - 1) * before, AXIS, tiled=True)
    new = now[: table.shape[0] - start]
    return jax.lax.dynamic_update_slice_in_dim(table, new, start, 0)
