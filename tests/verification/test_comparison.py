import math

import jax
import numpy as np
import pytest

from w2v_jax.verification.comparison import (
    Comparison,
    error_map,
    in_float64,
    largest,
    worst,
)


def comparison(error, tolerance=1e-3, quantity="hidden"):
    return Comparison("layer", "loss", "check", quantity, "inputs", error, tolerance)


def test_a_comparison_passes_up_to_its_tolerance():
    assert comparison(1e-3).passed
    assert not comparison(1.1e-3).passed


@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_an_error_that_is_not_finite_never_passes(error):
    assert not comparison(error).passed


def test_errors_are_relative_to_the_scale():
    errors = error_map([1.0, 2.0], [1.0, 2.5], scale=10.0)
    np.testing.assert_allclose(errors, [0, 0.5 / 10])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_infinitely_wrong_on_either_side(bad):
    assert error_map([bad, 1.0], [1.0, 1.0], 1.0).tolist() == [math.inf, 0]
    assert error_map([1.0, 1.0], [bad, 1.0], 1.0).tolist() == [math.inf, 0]
    assert error_map([bad], [bad], 1.0).tolist() == [math.inf]


def test_a_difference_where_all_should_be_zero_is_infinitely_wrong():
    assert error_map([0.0, 1e-30], [0.0, 0.0], 0.0).tolist() == [0, math.inf]


def test_differences_below_the_smallest_number_count_as_none():
    assert error_map([1e-40], [0.0], 0.0, smallest=1e-38).tolist() == [0]


def test_another_shape_is_wrong_everywhere():
    assert np.isinf(error_map(np.ones(3), np.ones((2, 3)), 1.0)).all()


def test_the_worst_comparison_of_each_quantity_is_kept():
    kept = worst(
        [comparison(1e-5), comparison(1e-4), comparison(5e-5), comparison(0, 1, "u")]
    )
    assert [(one.quantity, one.error) for one in kept] == [("hidden", 1e-4), ("u", 0)]


def test_nearness_to_the_tolerance_decides_which_is_worst():
    loose, tight = comparison(1e-2, tolerance=1), comparison(1e-4, tolerance=1e-3)
    assert worst([loose, tight]) == [tight]


def test_the_largest_entry_is_taken_by_size_and_is_zero_of_nothing():
    assert largest([[1.0, -3.0], [2.0, 0.0]]) == 3
    assert largest(np.zeros((0, 4))) == 0


def test_a_function_is_run_in_64_bits_and_the_setting_restored():
    @in_float64
    def kind(x):
        return (jax.numpy.asarray(x) + 1).dtype

    assert kind(1.0) == np.float64
    assert (jax.numpy.asarray(1.0) + 1).dtype == np.float32
