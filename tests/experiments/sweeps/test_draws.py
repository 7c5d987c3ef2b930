"""Random draws: their ranges, their determinism, and texts that are none."""

import math

import pytest

from experiments.sweeps.draws import DIGITS, Draw, parse_draw

MANY = 4000
# The mean of MANY draws of a uniform variable has a standard deviation of
# 1 / sqrt(12 MANY), 0.0046; four of them are passed once in 16,000 seeds.
FOUR_SIGMA = 4 / math.sqrt(12 * MANY)


def test_a_text_is_read_as_kind_bounds_and_count():
    assert parse_draw("log(0.005,0.1):20") == Draw("log", 0.005, 0.1, 20)
    assert parse_draw(" uniform(0, 1):3") == Draw("uniform", 0.0, 1.0, 3)
    assert parse_draw("int(1,20):7") == Draw("int", 1.0, 20.0, 7)


@pytest.mark.parametrize("text", ["2,5,10", "softmax", "a(b", "1e-3", ""])
def test_a_list_of_values_is_no_draw(text):
    assert parse_draw(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("normal(0,1):5", "log, uniform, int"),
        ("log(0,1):5", "above 0"),
        ("uniform(1,1):5", "below HIGH"),
        ("uniform(2,1):5", "below HIGH"),
        ("uniform(0,inf):5", "finite"),
        ("uniform(0):5", "two numbers"),
        ("uniform(0,1,2):5", "two numbers"),
        ("uniform(a,b):5", "two numbers"),
        ("int(0.5,2):5", "whole"),
        ("log(0.01,0.1)", "log(0.01,0.1):20"),
        ("log(0.01,0.1):0", "how many"),
        ("log(0.01,0.1):x", "how many"),
    ],
)
def test_a_draw_that_cannot_be_made_says_what_is_missing(text, word):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_draw(text)
    assert str(caught.value).startswith(text)
    assert word in str(caught.value)


@pytest.mark.parametrize("kind", ["log", "uniform", "int"])
def test_every_value_lies_within_the_bounds_and_depends_on_the_seed_alone(kind):
    draw = Draw(kind, 2, 50, MANY)
    values = draw.values("window", 3)
    assert len(values) == MANY
    assert min(values) >= 2
    assert max(values) <= 50
    assert draw.values("window", 3) == values
    assert draw.values("window", 4) != values
    assert draw.values("dim", 3) != values


def test_the_first_of_many_draws_are_those_of_few():
    many = Draw("log", 0.001, 1, 20).values("learning_rate", 0)
    assert Draw("log", 0.001, 1, 5).values("learning_rate", 0) == many[:5]


def test_uniform_and_log_draws_are_even_on_their_own_scale():
    even = Draw("uniform", 3, 7, MANY).values("dim", 1)
    part = [(value - 3) / (7 - 3) for value in even]
    assert abs(sum(part) / MANY - 0.5) < FOUR_SIGMA
    logs = Draw("log", 0.01, 10, MANY).values("dim", 1)
    part = [math.log(value / 0.01) / math.log(10 / 0.01) for value in logs]
    assert abs(sum(part) / MANY - 0.5) < FOUR_SIGMA


def test_whole_numbers_include_both_ends_alike():
    values = Draw("int", 1, 4, MANY).values("window", 0)
    assert all(isinstance(value, int) for value in values)
    # a count of MANY draws of one in four: standard deviation sqrt(MANY 3/16)
    sigma = math.sqrt(MANY * 3 / 16)
    for value in (1, 2, 3, 4):
        assert abs(values.count(value) - MANY / 4) < 4 * sigma


def test_values_are_short_enough_for_a_name():
    for value in Draw("log", 1e-7, 1e-3, 50).values("subsample", 0):
        assert float(f"{value:.{DIGITS}g}") == value


def test_rounding_does_not_leave_the_range():
    low, high = 0.123456, 0.123457  # both round to 0.1235
    for value in Draw("uniform", low, high, 5).values("subsample", 0):
        assert low <= value <= high
