"""Replicas: one copy each, records that go round, one copy again."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import parallel


def mapped(body, mesh):
    return jax.jit(
        jax.shard_map(body, mesh=mesh, in_specs=parallel.EACH, out_specs=parallel.EACH)
    )


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


@pytest.mark.parametrize("replicas", [1, 2])
def test_each_replica_gets_the_record_of_each_other_once(replicas):
    mesh = parallel.make_mesh(replicas)

    def others(mine):
        total = jnp.zeros_like(mine)
        for record in parallel.from_the_others(mine, replicas):
            total = total + record
        return total

    mine = jnp.asarray([1.0, 10.0][:replicas])
    found = mapped(others, mesh)(mine)
    np.testing.assert_array_equal(found, mine.sum() - mine)


def test_settling_gives_all_the_copy_of_the_first():
    mesh = parallel.make_mesh(2)
    settle = functools.partial(parallel.settle, replicas=2)
    tree = {"a": jnp.asarray([[1.0, 2.0], [3.0, 4.0]]), "n": jnp.asarray([5, 6])}
    settled = mapped(settle, mesh)(tree)
    np.testing.assert_array_equal(settled["a"], [[1.0, 2.0], [1.0, 2.0]])
    np.testing.assert_array_equal(settled["n"], [5, 5])
