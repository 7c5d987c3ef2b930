"""Names of cells: readable, safe in a file system, one for each cell."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.sweeps.names import LONGEST, PLAIN, cell_name, safe_name, value_text


def test_a_name_says_fields_and_values_in_order():
    assert cell_name({"objective": "softmax", "window": 2}) == (
        "objective=softmax,window=2"
    )
    assert cell_name({"window": 2}, "small") == "small,window=2"
    assert cell_name({}, "small") == "small"
    assert cell_name({}) == PLAIN


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (1.0, "1"),
        (0.75, "0.75"),
        (1e-05, "1e-05"),
        ("cbow", "cbow"),
    ],
)
def test_values_are_written_as_on_a_command_line(value, text):
    assert value_text(value) == text


def test_a_path_in_a_name_becomes_harmless_and_stays_different_from_others():
    names = {cell_name({"corpus": path}) for path in ("a/b.txt", "a-b.txt", "a b.txt")}
    assert len(names) == 3
    for name in names:
        assert "/" not in name
        assert " " not in name
        assert name.startswith("corpus=a-b.txt")


def test_a_long_name_is_cut_and_stays_different_from_others():
    names = {safe_name("x" * 300 + end) for end in ("1", "2")}
    assert len(names) == 2
    assert all(len(name) <= LONGEST for name in names)


@given(st.text(max_size=400))
def test_every_name_is_one_folder_below_the_sweep(text):
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9._=,+-]+", name)
    assert len(name) <= LONGEST
    assert not name.startswith((".", "-"))
    assert safe_name(name) == name
