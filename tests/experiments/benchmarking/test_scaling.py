"""What a token costs against a flag: values, fits, and a real small measurement."""

import numpy as np
import pytest

from experiments.benchmarking import scaling


def points(cost, values, flag="max_vocabulary", model="skipgram-softmax"):
    return [
        {"model": model, "flag": flag, "value": x, "microseconds": [cost(x)]}
        for x in values
    ]


VALUES = scaling.VALUES["max_vocabulary"]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_a_planted_power_is_found(exponent):
    (found,) = scaling.fitted(points(lambda x: 3.0 * x**exponent, VALUES))
    # exact costs: what is left is the rounding of logarithms
    assert found.power.exponent == pytest.approx(exponent, abs=1e-9)
    low, high = found.power.interval
    assert low - 1e-9 <= exponent <= high + 1e-9


def test_a_planted_logarithm_has_exponent_one_of_the_logarithm():
    (found,) = scaling.fitted(points(lambda x: 2.0 * np.log(x), VALUES))
    exponent, _ = found.of_log
    assert exponent == pytest.approx(1.0, abs=1e-9)
    # as a power it is the mean of 1 / ln x, between its two ends
    ends = sorted(1 / np.log(x) for x in (VALUES[0], VALUES[-1]))
    assert ends[0] < found.power.exponent < ends[1]


def test_noise_widens_the_interval_around_the_planted_power():
    rng = np.random.default_rng(0)
    noisy = points(lambda x: x * np.exp(0.1 * rng.standard_normal()), VALUES)
    (found,) = scaling.fitted(noisy)
    low, high = found.power.interval
    assert low < 1.0 < high
    assert high - low > 0.01


def test_the_median_of_the_turns_is_fitted():
    made = points(float, (10, 20, 40))
    for point in made:
        point["microseconds"] = [*point["microseconds"] * 2, 1e6]  # one slow turn
    (found,) = scaling.fitted(made)
    assert found.power.seconds.tolist() == [10.0, 20.0, 40.0]


def test_the_change_of_throughput_is_from_the_first_value_to_the_last():
    (found,) = scaling.fitted(points(lambda x: x / 10, (10, 20, 40)))
    assert found.change == 0.25 - 1


def test_values_are_put_in_order():
    (found,) = scaling.fitted(points(float, (40, 10, 20)))
    assert found.power.x.tolist() == [10.0, 20.0, 40.0]


def test_two_devices_have_an_exponent_but_no_interval_and_no_logarithm():
    (found,) = scaling.fitted(points(lambda x: 1 / x, (1, 2), "replicas"))
    assert found.power.exponent == pytest.approx(-1.0)
    assert found.power.interval is None
    assert found.of_log is None  # log 1 is 0


def test_a_single_value_is_no_fit():
    assert scaling.fitted(points(float, (3,))) == []
    assert scaling.fitted([]) == []


def test_models_and_flags_are_fitted_apart():
    made = points(float, (1, 2, 4), "dim", "a-b") + points(
        lambda x: 1.0, (1, 2, 4), "dim", "c-d"
    )
    first, second = scaling.fitted(made)
    assert (first.power.group, first.power.exponent) == ("a-b", pytest.approx(1.0))
    assert (second.power.group, second.power.exponent) == ("c-d", pytest.approx(0.0))


@pytest.mark.parametrize(
    ("devices", "expected"),
    [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))],
)
def test_devices_go_up_by_doubling_to_all(devices, expected):
    assert scaling.values("replicas", devices) == expected


def test_other_flags_have_the_values_of_the_file():
    for flag in ("max_vocabulary", "dim", "window", "negatives"):
        assert scaling.values(flag, 2) == scaling.VALUES[flag]
    assert (VALUES[0], VALUES[-1]) == (10_000, 400_000)


def test_softmax_reads_fewer_words_and_never_none():
    assert scaling.words_of("skipgram-negative_sampling", 10_000, 500_000) == 500_000
    assert scaling.words_of("skipgram-softmax", 10_000, 500_000) == 7000
    assert scaling.words_of("cbow-softmax", 400_000, 500_000) == 2048


@pytest.mark.slow
def test_a_window_twice_as_wide_has_about_twice_the_pairs():
    small = {"max_vocabulary": 50, "dim": 4, "subsample": 0.0}
    given = ("skipgram-negative_sampling", "window", (2, 4), 600)
    narrow, wide = scaling.measure(
        *given, times=1, dynamic_window=False, replicas=1, block=8, streams=1, **small
    )
    assert (narrow["value"], wide["value"]) == (2, 4)
    assert narrow["kept_tokens"] == wide["kept_tokens"] == 600
    # four chunks of 150 words, 2 m n - m (m + 1) pairs each
    assert narrow["pairs"] == 4 * (2 * 2 * 150 - 2 * 3)
    assert wide["pairs"] == 4 * (2 * 4 * 150 - 4 * 5)
    assert min(narrow["microseconds"] + wide["microseconds"]) > 0
