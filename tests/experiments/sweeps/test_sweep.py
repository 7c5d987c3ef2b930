"""How --sweep and --cell become cells, and what they are refused for."""

import dataclasses

import pytest

from experiments.sweeps.draws import Draw
from experiments.sweeps.sweep import (
    FIELDS,
    Cell,
    check_field,
    configs,
    make_cells,
    parse_value,
)
from w2v_jax.config import Config


def settings(cells):
    return [dict(cell.overrides) for cell in cells]


def refusal(function, *arguments):
    with pytest.raises(ValueError, match=r".") as caught:
        function(*arguments)
    return str(caught.value)


def test_axes_multiply_and_the_last_one_turns_fastest():
    cells = make_cells(["objective=softmax,negative_sampling", "window=2,5,10"])
    assert [cell.name for cell in cells] == [
        f"objective={objective},window={window}"
        for objective in ("softmax", "negative_sampling")
        for window in (2, 5, 10)
    ]
    assert cells[1].overrides == {"objective": "softmax", "window": 5}


def test_no_sweep_is_one_cell_with_nothing_set():
    assert make_cells([]) == (Cell("default", {}),)


def test_named_cells_multiply_with_the_axes():
    cells = make_cells(["window=2,5"], ["hs: objective=hierarchical_softmax", "ns:"])
    assert [cell.name for cell in cells] == [
        "hs,window=2",
        "hs,window=5",
        "ns,window=2",
        "ns,window=5",
    ]
    assert cells[1].overrides == {"objective": "hierarchical_softmax", "window": 5}
    assert cells[2].overrides == {"window": 2}


def test_a_named_cell_takes_several_fields():
    (cell,) = make_cells([], ["small: dim=50, window = 2,optimizer=adam"])
    assert cell == Cell("small", {"dim": 50, "window": 2, "optimizer": "adam"})


def test_draws_are_made_together_and_multiply_with_axes():
    texts = ["learning_rate=log(0.005,0.1):3", "window=2,5", "dim=int(10,90):3"]
    cells = make_cells(texts, draw_seed=7)
    rates = Draw("log", 0.005, 0.1, 3).values("learning_rate", 7)
    dims = Draw("int", 10, 90, 3).values("dim", 7)
    assert settings(cells) == [
        {"window": window, "learning_rate": rate, "dim": dim}
        for window in (2, 5)
        for rate, dim in zip(rates, dims, strict=True)
    ]
    assert make_cells(texts, draw_seed=7) == cells
    assert make_cells(texts, draw_seed=8) != cells


def test_a_number_drawn_twice_is_one_cell():
    cells = make_cells(["window=int(1,2):50"])
    assert sorted(cell.overrides["window"] for cell in cells) == [1, 2]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("window", "5", 5),
        ("subsample", "1e-4", 1e-4),
        ("learning_rate", "none", None),
        ("shared_noise", "64", 64),
        ("dynamic_window", "False", False),
        ("objective", "softmax", "softmax"),
        ("corpus", "none", "none"),
    ],
)
def test_values_have_the_type_of_their_field(name, text, value):
    found = parse_value(name, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_but_the_seed_can_be_swept_over_its_default(name):
    if name == "seed":
        assert "--seeds" in refusal(check_field, name)
        return
    default = FIELDS[name].default
    text = "none" if default is None else str(default)
    assert parse_value(name, text) == default


@pytest.mark.parametrize(
    ("sweeps", "named", "words"),
    [
        (["windw=2,5"], [], ["--sweep=windw=2,5", "Did you mean window?"]),
        (["seed=1,2"], [], ["--sweep=seed=1,2", "--seeds"]),
        (["window"], [], ["--sweep=window", "field=value,value"]),
        (["window="], [], ["--sweep=window=", "field=value,value"]),
        (["window=2,x"], [], ["window=x", "whole number"]),
        (["window=2,,5"], [], ["window=", "whole number"]),
        (["window=2.5"], [], ["window=2.5", "whole number"]),
        (["subsample=low"], [], ["subsample=low", "a number"]),
        (["dynamic_window=1"], [], ["true or false"]),
        (["window=2,5,2"], [], ["2 is there twice"]),
        (["window=2", "window=5"], [], ["window is swept twice"]),
        (["window=2", "window=int(1,9):3"], [], ["window is swept twice"]),
        (["window=int(1,9)"], [], ["how many"]),
        (["window=int(1,9):3", "dim=int(1,9):4"], [], ["window 3, dim 4"]),
        (["window=uniform(1,9):2"], [], ["whole number"]),
        ([], ["small"], ["--cell=small", "name: field=value"]),
        ([], ["a/b: dim=5"], ["--cell=a/b", "letters"]),
        ([], ["small: dim"], ["field=value"]),
        ([], ["small: dim=5, dim=6"], ["each field once"]),
        ([], ["small: dims=5"], ["Did you mean dim?"]),
        ([], ["a: dim=5", "a: dim=6"], ["a: asked for twice"]),
        (["dim=5,6"], ["small: dim=5"], ["--cell small sets dim too"]),
    ],
)
def test_what_cannot_be_meant_is_refused(sweeps, named, words):
    line = refusal(make_cells, sweeps, named)
    for word in words:
        assert word in line


def test_each_cell_becomes_the_base_with_its_own_values():
    base = Config(corpus="text8", dim=30, seed=4)
    made = configs(base, make_cells(["window=2,5"]))
    assert made == {
        f"window={window}": dataclasses.replace(base, window=window)
        for window in (2, 5)
    }


def test_a_value_out_of_range_names_its_flag_and_its_cell():
    line = refusal(configs, Config(), make_cells(["window=5,0"]))
    assert line == "--window=0: must be at least 1. (in cell window=0)"
    line = refusal(configs, Config(), make_cells(["objective=softmix"]))
    assert line.startswith("--objective=softmix: ")
    assert "Did you mean softmax?" in line


def test_two_names_for_one_model_are_refused():
    cells = make_cells([], ["base:", "five: window=5"])
    assert refusal(configs, Config(), cells) == (
        "five: the same setting as base; drop one"
    )
    # what is left open is the model's own default, here 0.025
    cells = make_cells(["learning_rate=none,0.025"])
    assert "the same setting" in refusal(configs, Config(), cells)
