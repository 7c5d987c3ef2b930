"""Row-wise optax against dense optax, and the sums and caps of rows."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax import rowwise

IDS = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@settings(max_examples=10)  # each length is compiled anew
@given(ids=IDS)
def test_equal_rows_are_summed_and_padding_is_out_of_range(ids):
    gradients = jnp.asarray(np.random.default_rng(0).standard_normal((len(ids), 3)))
    found_ids, sums = rowwise.sum_equal_rows(jnp.asarray(ids, jnp.int32), gradients, 10)
    dense = np.zeros((10, 3))
    np.add.at(dense, np.array(ids), np.asarray(gradients, float))
    count = len(set(ids))
    np.testing.assert_array_equal(found_ids[:count], sorted(set(ids)))
    assert np.all(np.asarray(found_ids[count:]) == 10)
    # float32 sums of at most thirty unit-sized terms
    np.testing.assert_allclose(sums[:count], dense[sorted(set(ids))], atol=1e-5)
    assert not np.any(sums[count:])


@pytest.mark.parametrize("name", list(rowwise.OPTIMIZERS))
def test_touched_rows_get_the_dense_update_and_others_none(name, x64):
    optimizer = rowwise.OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    table = jnp.asarray(rng.standard_normal((12, 4)))
    dense_table, dense_state = table, optimizer.transformation.init(table)
    state = rowwise.init(optimizer, table)
    rate = jnp.asarray(0.1)
    touched = np.zeros(12, bool)
    for _ in range(4):
        # Adam is lazy, so only with the same rows each time is it the dense one.
        ids = jnp.asarray(
            [3, 5, 3, 7, 0, 5, 3] if name == "adam" else rng.integers(0, 9, 7)
        )
        ids = ids.astype(jnp.int32)
        rows = jnp.asarray(rng.standard_normal((7, 4)))
        dense = jnp.zeros_like(table).at[ids].add(rows)
        with jax.numpy_dtype_promotion("standard"):
            moved, dense_state = optimizer.transformation.update(dense, dense_state)
        dense_table = optax.apply_updates(dense_table, -rate * moved)
        if optimizer.linear:
            table = rowwise.add(table, ids, -rate * rows)
        distinct, sums = rowwise.sum_equal_rows(ids, rows, 12)
        if not optimizer.linear:
            table, state = rowwise.apply(optimizer, table, state, distinct, sums, rate)
        touched[np.asarray(ids)[np.asarray(ids) < 12]] = True
    # float64: the same sums in two orders
    np.testing.assert_allclose(table, dense_table, rtol=1e-12)
    assert not touched.all()


def test_adam_is_lazy_about_rows_it_does_not_touch(x64):
    optimizer = rowwise.OPTIMIZERS["adam"]
    table = jnp.zeros((2, 1))
    state = rowwise.init(optimizer, table)
    one = jnp.ones((1, 1))
    for row in (0, 1):
        ids = jnp.asarray([row], jnp.int32)
        table, state = rowwise.apply(
            optimizer, table, state, ids, one, jnp.asarray(1.0)
        )
    # Row 0 moved once, by 1; a dense Adam would have moved it again on momentum.
    assert table[0, 0] == pytest.approx(-1.0, rel=1e-6)
    assert not optimizer.exact


@given(ids=IDS, cap=st.floats(0.5, 20))
def test_the_cap_scales_each_row_by_its_pair_terms(ids, cap):
    rng = np.random.default_rng(len(ids))
    terms = rng.integers(0, 8, len(ids)).astype(np.float32)
    found = rowwise.cap_rows(
        jnp.asarray(ids, jnp.int32),
        jnp.ones((len(ids), 2)),
        jnp.asarray(terms),
        float(np.float32(cap)),
        10,
    )
    for at, row in enumerate(ids):
        total = terms[np.array(ids) == row].sum()
        expected = min(1.0, np.float32(cap) / max(total, 1.0))
        assert found[at, 0] == pytest.approx(expected, rel=1e-6)  # one float32 division


def test_a_cap_of_zero_is_off():
    gradients = jnp.full((3, 2), 7.0)
    ids, terms = jnp.zeros(3, jnp.int32), jnp.full(3, 1e6)
    np.testing.assert_array_equal(
        rowwise.cap_rows(ids, gradients, terms, 0.0, 5), gradients
    )


def test_a_second_update_is_not_traced_again():
    optimizer = rowwise.OPTIMIZERS["adagrad"]
    table = jnp.zeros((5, 2))
    state = rowwise.init(optimizer, table)
    traces = []

    @jax.jit
    def update(table, state, ids, rate):
        traces.append(rate)
        rows = jnp.ones((2, 2))
        return rowwise.apply(optimizer, table, state, ids, rows, rate)

    for rate in (0.1, 0.2):
        ids = jnp.asarray([1, 4], jnp.int32)
        table, state = update(table, state, ids, jnp.float32(rate))
    assert len(traces) == 1
