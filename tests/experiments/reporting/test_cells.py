"""Runs become cells by what differs; seeds and placement do not set cells apart."""

import shutil

import pytest

from experiments.reporting.cells import make_grid
from experiments.reporting.collect import collect
from tests.experiments.reporting.planted import write_run, write_sweep


def grid(root, **options):
    return make_grid(collect(root), **options)


def test_runs_that_differ_by_seed_alone_are_one_cell(tmp_path):
    write_sweep(tmp_path, {"two": {"window": 2}, "ten": {"window": 10}}, (3, 1, 2))
    found = grid(tmp_path)
    assert [(cell.name, cell.seeds) for cell in found.cells] == [
        ("two", (1, 2, 3)),
        ("ten", (1, 2, 3)),
    ]  # in order of the number 2 < 10, not of the letters
    assert found.differing == found.swept == ("window",)
    assert [cell.settings for cell in found.cells] == [{"window": 2}, {"window": 10}]


def test_one_cell_alone_differs_by_nothing(tmp_path):
    write_run(tmp_path / "x", 1)
    found = grid(tmp_path / "x")
    assert [(cell.name, cell.settings) for cell in found.cells] == [("all runs", {})]


@pytest.mark.parametrize("name", ["replicas", "softmax_chunk"])
def test_placement_sets_cells_apart_only_where_it_was_varied(tmp_path, name):
    write_run(tmp_path / "here" / "seed-1", 1, **{name: 1})
    write_run(tmp_path / "there" / "seed-2", 2, **{name: 2})
    found = grid(tmp_path)
    assert len(found.cells) == 1
    assert found.differing == ()
    write_run(tmp_path / "there" / "seed-1", 1, **{name: 2})
    found = grid(tmp_path)
    assert [cell.seeds for cell in found.cells] == [(1,), (1, 2)]
    assert found.swept == (name,)


def test_each_models_own_defaults_differ_but_were_not_swept(tmp_path):
    kinds = ("negative_sampling", "hierarchical_softmax")
    write_sweep(tmp_path, {kind: {"objective": kind} for kind in kinds}, (1,))
    found = grid(tmp_path)
    assert found.swept == ("objective",)
    assert {"objective", "row_cap", "path_room"} <= set(found.differing)


def test_a_rate_that_somebody_chose_was_swept(tmp_path):
    cells = {
        "tree": {"objective": "hierarchical_softmax"},
        "noise": {"learning_rate": 0.05},
    }
    write_sweep(tmp_path, cells, (1,))
    assert set(grid(tmp_path).swept) == {"objective", "learning_rate"}


@pytest.mark.parametrize("kernel", ["xla", "native"])
def test_what_a_default_makes_of_a_swept_field_was_not_swept(tmp_path, kernel):
    many = {"kernel": kernel, "negatives": 30}
    write_sweep(tmp_path, {"few": many | {"negatives": 5}, "many": many}, (1,))
    found = grid(tmp_path)
    assert len(found.differing) == 3  # two more: damping and meetings, noise rows
    assert found.swept == ("negatives",)


def test_a_rule_of_the_gradient_was_swept_and_the_rates_that_go_with_it_were_not(
    tmp_path,
):
    cells = {name: {"gradient": name} for name in ("exact", "undivided")}
    for made in cells.values():
        made["architecture"] = "cbow"
    write_sweep(tmp_path, cells, (1,))
    found = grid(tmp_path)
    assert {"gradient", "learning_rate"} <= set(found.differing)
    assert found.swept == ("gradient",)


def test_cells_without_a_folder_of_their_own_are_named_by_their_settings(tmp_path):
    for architecture in ("cbow", "skipgram"):
        for window in (2, 5):
            for seed in (1, 2):
                fields = {"architecture": architecture, "window": window}
                write_run(tmp_path / f"{architecture}{window}-{seed}", seed, **fields)
    found = grid(tmp_path)
    assert [cell.name for cell in found.cells] == [
        "cbow, window=2",
        "cbow, window=5",
        "skipgram, window=2",
        "skipgram, window=5",
    ]
    assert all(len(cell.runs) == 2 for cell in found.cells)


def test_a_corpus_is_known_by_its_hash_wherever_it_lies(tmp_path):
    write_run(tmp_path / "a", 1, corpus="/here/text.txt")
    write_run(tmp_path / "b", 2, corpus="/there/text.txt")
    assert len(grid(tmp_path).cells) == 1
    other = {"corpus_sha256": "d" * 64}
    write_run(tmp_path / "c", 3, corpus="/there/text.txt", facts=other)
    found = grid(tmp_path)
    assert found.swept == ("corpus",)
    shown = {cell.settings["corpus"] for cell in found.cells}
    assert shown == {"text.txt cccccccc", "text.txt dddddddd"}  # and no path


def test_the_same_run_twice_counts_once(tmp_path):
    write_run(tmp_path / "a" / "seed-1", 1)
    shutil.copytree(tmp_path / "a" / "seed-1", tmp_path / "b" / "seed-1")
    found = grid(tmp_path)
    assert [cell.seeds for cell in found.cells] == [(1,)]
    (twin,) = found.left_out
    assert twin.path == tmp_path / "b" / "seed-1"
    assert twin.why == f"config and seed of {tmp_path / 'a' / 'seed-1'} again"


def test_several_tables_make_a_cell_of_each(tmp_path):
    write_sweep(tmp_path, {"a": {}, "b": {"window": 3}}, (1,))
    found = grid(tmp_path, tables=("input", "average"))
    assert [(cell.name, cell.table) for cell in found.cells] == [
        ("b, input", "input"),
        ("b, average", "average"),
        ("a, input", "input"),
        ("a, average", "average"),
    ]
    assert found.swept == ("window", "table")
    assert found.cells[1].settings == {"window": 3, "table": "average"}
    assert [cell.table for cell in grid(tmp_path, tables=("output",)).cells] == [
        "output",
        "output",
    ]
