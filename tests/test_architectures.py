"""A and M of skip-gram and CBOW."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import block, config
from w2v_jax import losses
from w2v_jax.architectures import (
    CBOW_AVERAGE,
    CBOW_SUM,
    SKIPGRAM,
    SKIPGRAM_TO_CENTRE,
    Pairs,
    get_architecture,
)


@pytest.fixture
def blocks_and_rows():
    cut = block(config("cbow", "softmax"))
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((*cut.tokens.shape, 7)).astype(np.float32)
    return cut, jnp.asarray(rows)


@pytest.mark.parametrize(
    ("architecture", "one"),
    [(CBOW_AVERAGE, losses.cbow_hidden), (CBOW_SUM, losses.cbow_hidden_sum)],
)
def test_cbow_hidden_vectors_are_the_one_example_form(
    architecture, one, blocks_and_rows
):
    cut, rows = blocks_and_rows
    found = architecture.hidden(rows, cut)
    for b, i in np.ndindex(cut.window.shape[:2]):
        expected = one(rows[b], cut.window[b, i] > 0)
        # Two float32 sums of at most six unit-sized terms in different orders.
        np.testing.assert_allclose(found[b, i], expected, atol=6 * 2.0**-22)


def test_a_centre_without_context_takes_no_part_in_cbow(blocks_and_rows):
    cut, rows = blocks_and_rows
    alone = cut.replace(window=cut.window.at[0, 0].set(0.0))
    assert CBOW_AVERAGE.pairs(alone).weights[0, 0] == 0
    assert not np.any(CBOW_AVERAGE.hidden(rows, alone)[0, 0])


def test_skipgram_takes_centres_in_and_predicts_the_window(blocks_and_rows):
    cut, _ = blocks_and_rows
    np.testing.assert_array_equal(SKIPGRAM.input_ids(cut), cut.centres)
    np.testing.assert_array_equal(SKIPGRAM.target_ids(cut), cut.tokens)
    np.testing.assert_array_equal(SKIPGRAM.pairs(cut).weights, cut.window)


def test_under_hierarchical_softmax_the_context_predicts_the_centre(blocks_and_rows):
    cut, _ = blocks_and_rows
    np.testing.assert_array_equal(SKIPGRAM_TO_CENTRE.input_ids(cut), cut.tokens)
    np.testing.assert_array_equal(SKIPGRAM_TO_CENTRE.target_ids(cut), cut.centres)
    transposed = np.swapaxes(cut.window, 1, 2)
    np.testing.assert_array_equal(SKIPGRAM_TO_CENTRE.pairs(cut).weights, transposed)
    made = config("skipgram", "hierarchical_softmax")
    assert get_architecture(made) is SKIPGRAM_TO_CENTRE


def test_both_skipgrams_train_the_same_pairs_equally_often():
    # Fixed windows: the same pairs. Dynamic ones: P(reach >= distance) either way.
    def trained(architecture, dynamic):
        made = config(
            "skipgram", "softmax", dynamic_window=dynamic, block=32, streams=1
        )
        found = np.zeros((23, 23))
        for seed in range(20 if dynamic else 1):
            cut = block(made, length=32, seed=3, sampling_seed=seed)
            weights = np.asarray(architecture.pairs(cut).weights)[0]
            ones = np.asarray(cut.centres if architecture is SKIPGRAM else cut.tokens)[
                0
            ]
            others = np.asarray(architecture.target_ids(cut))[0]
            np.add.at(found, (ones[:, None], others[None, :]), weights)
        return found

    np.testing.assert_array_equal(
        trained(SKIPGRAM, False), trained(SKIPGRAM_TO_CENTRE, False)
    )
    one, other = trained(SKIPGRAM, True), trained(SKIPGRAM_TO_CENTRE, True)
    assert np.any(one != other)
    # Two thousand fair draws on either side, 3 standard deviations of their sums.
    assert abs(one.sum() - other.sum()) == 0
    assert np.abs(one - other).max() <= 3 * np.sqrt(2 * one.max())


def test_cbow_takes_context_in_and_predicts_centres(blocks_and_rows):
    cut, _ = blocks_and_rows
    np.testing.assert_array_equal(CBOW_AVERAGE.input_ids(cut), cut.tokens)
    np.testing.assert_array_equal(CBOW_AVERAGE.target_ids(cut), cut.centres)


def test_diagonal_pairs_are_full_pairs_with_zeros_off_the_diagonal():
    rng = np.random.default_rng(1)
    one = jnp.asarray(rng.random((2, 4)), jnp.float32)
    hidden = jnp.asarray(rng.standard_normal((2, 4, 3)), jnp.float32)
    targets = jnp.asarray(rng.standard_normal((2, 4, 3)), jnp.float32)
    matrix = jnp.asarray(rng.standard_normal((2, 4, 5)), jnp.float32)
    thin, full = Pairs(one), Pairs(one[:, :, None] * jnp.eye(4)[None])
    near = {"rtol": 1e-5, "atol": 1e-6}  # float32 sums of at most four terms
    np.testing.assert_allclose(
        thin.scores(hidden, targets),
        jnp.diagonal(full.scores(hidden, targets), axis1=1, axis2=2),
        **near,
    )
    np.testing.assert_allclose(thin.spread(matrix), full.spread(matrix), **near)
    np.testing.assert_allclose(thin.per_hidden(), full.per_hidden(), **near)
    np.testing.assert_allclose(thin.per_target(), full.per_target(), **near)


def test_the_config_names_the_architecture():
    assert get_architecture(config("skipgram", "softmax")) is SKIPGRAM
    assert get_architecture(config("cbow", "softmax")) is CBOW_AVERAGE
    assert get_architecture(config("cbow", "softmax", cbow_hidden="sum")) is CBOW_SUM
