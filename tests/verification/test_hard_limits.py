import math

import numpy as np
import pytest

from tests import oracle
from w2v_jax.verification import hard_limits

FAR = np.array([300.0, -200.0, 100.0, -400.0])


def test_softmax_at_zero_is_uniform_and_costs_log_v():
    value, residual = hard_limits.softmax(np.zeros(4), {"target": 1})
    assert value == pytest.approx(math.log(4), rel=1e-15)
    assert residual.tolist() == [1 / 4, 1 / 4 - 1, 1 / 4, 1 / 4]


def test_equal_largest_scores_share_the_probability():
    value, residual = hard_limits.softmax(np.array([9.0, 9.0, 0.0]), {"target": 2})
    assert value == 9 + math.log(2)
    assert residual.tolist() == [0.5, 0.5, -1]


def test_sampling_at_zero_costs_log_two_a_term():
    value, residual = hard_limits.negative_sampling(np.zeros(3), {"noise_weight": 0.5})
    assert value == pytest.approx((1 + 0.5 * 2) * math.log(2), rel=1e-15)
    assert residual.tolist() == [-1 / 2, 0.25, 0.25]


def test_a_path_at_zero_costs_log_two_a_node_that_is_there():
    arguments = {"codes": np.array([0, 1, 1]), "mask": np.array([True, True, False])}
    value, residual = hard_limits.hierarchical_softmax(np.zeros(3), arguments)
    assert value == pytest.approx(2 * math.log(2), rel=1e-15)
    assert residual.tolist() == [-1 / 2, 1 / 2, 0]


@pytest.mark.parametrize("target", range(4))
def test_far_apart_softmax_is_the_oracles(target):
    value, residual = hard_limits.softmax(FAR, {"target": target})
    hidden, output = np.ones(1), FAR[:, None]
    assert value == oracle.softmax_loss(hidden, output, target)
    expected = oracle.softmax_gradient(hidden, output, target)[1][:, 0]
    # exp(-200), the largest probability that is not 0 or 1, is below 1e-80.
    np.testing.assert_allclose(residual, expected, atol=1e-80)


def test_far_apart_sampling_is_the_oracles():
    value, residual = hard_limits.negative_sampling(FAR, {"noise_weight": 2.0})
    vectors = np.ones(1), FAR[:1], FAR[1:, None]
    assert value == oracle.negative_sampling_loss(*vectors, 2.0)
    _, positive, negatives = oracle.negative_sampling_gradient(*vectors, 2.0)
    expected = np.concatenate([positive, negatives[:, 0]])
    np.testing.assert_allclose(residual, expected, atol=1e-40)  # exp(-100)


def test_far_apart_paths_are_the_oracles():
    codes, mask = np.array([0, 1, 1, 0]), np.array([True, True, False, True])
    arguments = {"codes": codes, "mask": mask}
    value, residual = hard_limits.hierarchical_softmax(FAR, arguments)
    path = np.ones(1), FAR[:, None], codes, mask
    assert value == oracle.hierarchical_softmax_loss(*path)
    expected = oracle.hierarchical_softmax_gradient(*path)[1][:, 0]
    np.testing.assert_allclose(residual, expected, atol=1e-80)
