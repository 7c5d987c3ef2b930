"""The program of cells that train together: no copies, and what cells may differ in."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models import SAMPLED, config, vocabulary
from tests.together_cells import SWEPT, configs, group_of
from w2v_jax import together
from w2v_jax.step import get_model, initial_tables

ALLOWED = r"(parameter|get-tuple-element|bitcast|scatter|wrapped_scatter)"


def odd_lines(hlo, shapes):
    """(lines that yield an array of such a shape, those that copy or fill one)."""
    made = [line.strip() for line in hlo.splitlines() if re.search(shapes, line)]
    return made, [m for m in made if not re.search(ALLOWED, m.split("metadata")[0])]


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [SAMPLED[0], *(pytest.param(*m, marks=pytest.mark.slow) for m in SAMPLED[1:])],
)
def test_no_step_copies_the_tables_of_the_cells(architecture, objective):
    size, cells = 997, configs(architecture, objective)
    rows = size if objective == "negative_sampling" else size - 1
    made = group_of(cells, size)
    each = f"({size}|{rows})"
    shapes = rf"= f32\[(3,{each},7|{3 * size},7|{3 * rows},7|{each},7)\]"
    found, odd = odd_lines(made.compiled_text(), shapes)
    assert len([line for line in found if "scatter(" in line]) == 2  # one a table
    assert not odd, odd[:3]


def test_the_search_for_copies_sees_those_of_a_bound_for_each_cell():
    def loop(table, ids, steps):
        add = lambda _, table: table.at[ids].add(1.0, mode="promise_in_bounds")  # noqa: E731
        return jax.lax.fori_loop(0, steps, add, table)

    table, ids = jnp.zeros((3, 997, 7)), jnp.zeros((3, 4), jnp.int32)
    steps = jnp.asarray([1, 2, 3], jnp.int32)
    shapes = r"= f32\[3,997,7\]"
    for axis, bound, copies in ((0, steps, True), (None, steps[2], False)):
        jitted = jax.jit(jax.vmap(loop, (0, 0, axis)), donate_argnums=0)
        hlo = jitted.lower(table, ids, bound).compile().as_text()
        assert bool(odd_lines(hlo, shapes)[1]) is copies


def test_cells_share_what_their_objective_holds_in_common():
    def held(cells):
        each = [initial_tables(get_model(cell), vocabulary())[1] for cell in cells]
        return *together.common(each), each

    same = configs("skipgram", "negative_sampling", ({"seed": 0}, {"seed": 1}))
    constants, axes, _ = held(same)
    assert constants.threshold.shape == (23,)
    assert jax.tree.leaves(axes) == []
    constants, axes, _ = held([same[0], same[1].replace(noise_exponent=0.0)])
    assert constants.threshold.shape == (2, 23)
    assert jax.tree.leaves(axes) == [0, 0]
    np.testing.assert_array_equal(constants.threshold[1], np.ones(23))  # uniform
    constants, axes, each = held(configs("skipgram", "hierarchical_softmax", SWEPT[:2]))
    assert jax.tree.leaves(axes) == []
    assert constants.lengths.shape == (23,)
    assert constants.room == max(one.room for one in each)
    assert constants.room > min(one.room for one in each)


OTHER = {
    "seed": 4,
    "subsample": 0.25,
    "subsample_formula": "paper",
    "dynamic_window": False,
    "epochs": 9,
    "learning_rate": 0.125,
    "final_rate_fraction": 0.5,
    "noise_exponent": 0.5,
    "negatives": 7,
    "input_rate_scale": 3.0,
}


@pytest.mark.parametrize("name", list(together.NUMBERS))
def test_cells_may_differ_in_each_of_the_numbers(name):
    base = config("skipgram", "negative_sampling")
    other = base.replace(**{name: OTHER[name]})
    assert other != base
    assert together.alike(other) == together.alike(base)
    together.check([base, other])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"window": 2}, "differ in window: 3 -> 2; they may"),
        ({"dim": 8, "row_cap": 1.0}, "dim: 7 -> 8, row_cap: 0.0 -> 1.0"),
        ({"replicas": 2}, "differ in replicas"),
    ],
)
def test_cells_that_differ_in_shape_are_refused(changes, says):
    base = config("skipgram", "negative_sampling")
    with pytest.raises(ValueError, match=says):
        together.check([base, base.replace(**changes)])


def test_replicas_and_no_cells_are_refused():
    base = config("skipgram", "negative_sampling", replicas=2)
    with pytest.raises(ValueError, match="replicas=2: together cells have one"):
        together.check([base])
    with pytest.raises(ValueError, match="no cell"):
        together.check([])
