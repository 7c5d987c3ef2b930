"""The check of one field of the config."""

import dataclasses
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.config_fields import MOST, check, did_you_mean, field_of


@dataclasses.dataclass(frozen=True)
class Few:
    """One field of every kind, types as they stand in the source."""

    count: int = field_of(3, "A number of things.", low=2, high=9)
    free: int = field_of(3, "Any whole number that a field may hold.")
    rate: float = field_of(0.5, "Above 0, below 1.", above=0.0, below=1.0)
    share: float | None = field_of(None, "From 0 up, or left open.", low=0.0)
    colour: str = field_of("red", "A colour.", choices=("red", "green"))
    maybe: str | None = field_of(None, "A colour, or none.", choices=("red", "green"))
    name: str = field_of("", "Any text.")
    flag: bool = field_of(True, "Yes or no.")

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check(field, getattr(self, field.name))


def refused(name, value):
    """What is said of a value; None where it is taken."""
    try:
        Few(**{name: value})
    except ValueError as error:
        said = str(error)
        assert said.startswith(f"{name}=")
        return said
    return None


@given(st.integers(-5, 15))
def test_a_whole_number_is_taken_from_low_to_high(value):
    assert (refused("count", value) is None) == (2 <= value <= 9)


@given(st.floats(-0.5, 1.5))
def test_a_bound_of_its_own_is_left_out(value):
    assert (refused("rate", value) is None) == (0.0 < value < 1.0)


@pytest.mark.parametrize("edge", [0.0, 1.0, math.nextafter(0, -1)])
def test_bounds_left_out_are_refused_and_the_numbers_next_to_them_are_not(edge):
    assert refused("rate", edge)
    assert refused("rate", math.nextafter(0.0, 1.0)) is None
    assert refused("rate", math.nextafter(1.0, 0.0)) is None


@given(st.floats(width=64))
def test_a_number_that_is_not_finite_is_never_taken(value):
    taken = refused("share", value) is None
    assert taken == (math.isfinite(value) and value >= 0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
@pytest.mark.parametrize("name", ["rate", "share", "count", "free"])
def test_numbers_beyond_floats_are_refused_in_one_line(name, value):
    said = refused(name, value)
    assert said
    assert "\n" not in said


def test_a_whole_number_has_a_bound_even_where_its_field_gives_none():
    assert refused("free", MOST) is None
    assert refused("free", MOST + 1) == f"free={MOST + 1}: must be at most {MOST}."
    assert refused("share", sys.float_info.max) is None


@pytest.mark.parametrize("name", ["count", "free", "rate", "share"])
@pytest.mark.parametrize("value", [True, False, "3", "", b"3", [3], (), {}])
def test_what_is_no_number_is_refused(name, value):
    assert "number" in refused(name, value)


@pytest.mark.parametrize("value", [3.0, 3.5, -0.0])
def test_a_float_is_no_whole_number(value):
    assert "whole number" in refused("count", value)
    assert "whole number" in refused("free", value)


@pytest.mark.parametrize("value", [0, 1, "true", None, 1.0])
def test_only_true_and_false_are_flags(value):
    assert refused("flag", value) == f"flag={value!r}: must be true or false."


@given(st.text(max_size=6))
def test_a_choice_is_one_of_its_list_and_nothing_like_it(value):
    assert (refused("colour", value) is None) == (value in ("red", "green"))
    assert refused("name", value) is None


@pytest.mark.parametrize("value", [0, 1.5, True, b"red", ["red"]])
def test_what_is_no_text_is_refused(value):
    for name in ("colour", "maybe", "name"):
        assert refused(name, value) == f"{name}={value!r}: must be a string."


def test_only_fields_that_may_be_left_open_take_none():
    names = {field.name for field in dataclasses.fields(Few)}
    assert {n for n in names if refused(n, None) is None} == {"share", "maybe"}


def test_a_choice_that_is_nearly_right_is_named():
    assert refused("colour", "gren").endswith("red, green. Did you mean green?")
    assert refused("colour", "blue").endswith("must be one of red, green.")


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.data())
def test_a_known_name_is_its_own_nearest(known, data):
    name = data.draw(st.sampled_from(known))
    assert did_you_mean(name, known) == f" Did you mean {name}?"
    assert did_you_mean(name, []) == ""
