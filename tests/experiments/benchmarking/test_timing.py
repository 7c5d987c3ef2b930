"""Timing: in turn, the first turn apart, and only when the result is there."""

import time

import jax.numpy as jnp
import pytest

from experiments.benchmarking import timing


def test_calls_take_turns_and_the_first_turn_does_not_count():
    order = []
    calls = {name: (lambda name=name: order.append(name)) for name in "ab"}
    found = timing.interleaved(calls, times=3)
    assert order == ["a", "b"] * 4  # three turns that count and one before
    assert {name: len(spent) for name, spent in found.items()} == {"a": 3, "b": 3}


def test_a_slow_first_call_is_not_in_the_figures():
    naps = iter([0.2, 0.0, 0.0, 0.0])
    spent = timing.interleaved({"": lambda: time.sleep(next(naps))}, times=3)[""]
    # half the nap: a turn without one takes microseconds, but the machine is shared
    assert min(spent) < 0.1


def test_the_median_leaves_out_one_slow_turn():
    naps = iter([0.0, 0.0, 0.3, 0.0])
    assert timing.seconds(lambda: time.sleep(next(naps)), times=3) < 0.3


def test_a_call_takes_at_least_as_long_as_it_sleeps():
    assert timing.seconds(lambda: time.sleep(0.02), times=1) >= 0.02


def test_arrays_are_waited_for():
    class Array:
        waited = 0

        def block_until_ready(self):
            Array.waited += 1
            return self

    timing.interleaved({"": lambda: [Array(), {"x": Array()}]}, times=2)
    assert Array.waited == 2 * 3  # two arrays, three turns


def test_what_is_no_array_passes_through():
    assert timing.ready({"a": 1.5, "b": None}) == {"a": 1.5, "b": None}
    assert timing.ready(jnp.arange(3)).tolist() == [0, 1, 2]


def test_no_turn_at_all_is_refused():
    with pytest.raises(ValueError, match="times=0"):
        timing.interleaved({}, times=0)
