"""Replicas: one copy each, changes that add up, one copy again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import parallel


def test_every_replica_begins_with_the_same_copy():
    mesh = parallel.make_mesh(2)
    tree = {"a": np.arange(6.0, dtype=np.float32).reshape(3, 2), "n": np.int32(7)}
    copies = parallel.replicate(tree, mesh)
    for name, leaf in tree.items():
        assert copies[name].shape == (2, *np.shape(leaf))
        np.testing.assert_array_equal(copies[name][0], copies[name][1])
    back = parallel.first_copy(copies)
    for name, leaf in tree.items():
        np.testing.assert_array_equal(back[name], leaf)


def met(tables, ranges, replicas=2):
    """Replica r adds (r + 1) 10^r to every row; then the given ranges meet."""

    def body(tables):
        local = {name: table[0] for name, table in tables.items()}
        before = {(a, b): parallel.rows(local, a, b) for a, b in ranges}
        shares = {
            n: parallel.share(t, ranges[-1][1], replicas) for n, t in local.items()
        }
        change = jnp.asarray([1.0, 20.0, 300.0])[jax.lax.axis_index(parallel.AXIS)]
        local = {name: table + change for name, table in local.items()}
        for a, b in ranges:
            local, now = parallel.meet(local, before[a, b], a, b, replicas)
            local, _ = parallel.meet(local, now, a, b, replicas)  # nothing is new
        local = {
            n: parallel.meet_rest(t, shares[n], ranges[-1][1], replicas)
            for n, t in local.items()
        }
        return {name: table[None] for name, table in local.items()}

    mesh = parallel.make_mesh(replicas)
    whole = jax.shard_map(
        body,
        mesh=mesh,
        in_specs=parallel.EACH,
        out_specs=parallel.EACH,
        check_vma=False,
    )
    return jax.jit(whole)(parallel.replicate(tables, mesh))


@pytest.mark.parametrize("size", [1, 3, 5, 6, 9, 10])
def test_every_row_takes_on_the_changes_of_every_replica_once(size):
    # Ranges [0, 3) and [3, 6), the rest divisible by 2 or not, tables that end early.
    tables = {
        "input": np.arange(2.0 * size, dtype=np.float32).reshape(size, 2),
        "output": np.ones((max(size - 1, 1), 2), np.float32),
    }
    found = met(tables, [(0, 3), (3, 6)])
    for name, table in tables.items():
        for copy in found[name]:
            np.testing.assert_array_equal(copy, table + 1.0 + 20.0)  # whole numbers


def test_rows_that_did_not_meet_keep_the_changes_of_one_replica():
    def body(table):
        before = parallel.rows({"a": table[0]}, 0, 2)
        replica = jax.lax.axis_index(parallel.AXIS)
        mine = {"a": table[0] + 1.0 + replica.astype(jnp.float32)}
        return parallel.meet(mine, before, 0, 2, 2)[0]["a"][None]

    mesh = parallel.make_mesh(2)
    start = parallel.replicate(np.zeros((3, 1), np.float32), mesh)
    found = jax.jit(
        jax.shard_map(
            body,
            mesh=mesh,
            in_specs=parallel.EACH,
            out_specs=parallel.EACH,
            check_vma=False,
        )
    )(start)
    np.testing.assert_array_equal(found[..., 0], [[3, 3, 1], [3, 3, 2]])
