"""The command as a user runs it: its tables, its files and its exit codes."""

import dataclasses
import io
import itertools
import json
import math
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from matplotlib import image

from experiments.gradient_map import CHECK, error_maps, heat_map
from w2v_jax.verification import Comparison
from w2v_jax.verification.inputs import SCORES
from w2v_jax.verification.mutants import MUTANTS
from w2v_jax.verification.training_sizes import CASES

MINE = """
    import jax, jax.numpy as jnp

    def loss(hidden, positive):
        return jnp.logaddexp(0.0, -(positive @ hidden))

    def gradient(hidden, positive):
        wrong = -jax.nn.sigmoid(-(positive @ hidden))
        return wrong * positive, wrong * hidden

    def flipped(hidden, positive):
        in_hidden, in_positive = gradient(hidden, positive)
        return in_hidden, -in_positive
"""


def run(*flags, folder=None, timeout=600):
    path = {"PYTHONPATH": str(folder)} if folder else {}
    return subprocess.run(
        [sys.executable, "-m", "experiments.verify_gradients", *flags],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | path,
    )


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(textwrap.dedent(MINE))
    return tmp_path


@pytest.mark.slow
def test_all_losses_agree_and_every_comparison_is_in_the_json(tmp_path):
    out = tmp_path / "gradients.json"
    done = run(f"--out={out}", "--seed=7", "--draws=2")
    assert done.returncode == 0, done.stderr
    assert "comparisons agree" in done.stdout
    found = json.loads(out.read_text())
    assert found["passed"]
    assert (found["failed"], found["seed"], found["draws"]) == (0, 7, 2)
    assert found["seconds"] > 0
    entries = found["comparisons"]
    assert sum(entry["draws"] for entry in entries) == found["compared"]
    assert all(entry["passed"] for entry in entries)
    assert all(e["largest_relative_error"] <= e["tolerance"] for e in entries)
    assert {entry["layer"] for entry in entries} == {
        "autodiff",
        "differences",
        "identities",
        "training_path",
    }
    losses = {entry["loss"] for entry in entries}
    assert len(losses) == 9  # three losses; skip-gram, CBOW's average, CBOW's sum
    for loss in losses:
        assert loss in done.stdout
    _every_combination_is_there(entries)
    picture = image.imread(tmp_path / "gradients.png")
    assert picture.shape[0] > 500
    assert picture.std() > 0.01  # panels, not a blank page


# What each loss can meet; every CBOW also meets the cases of a context. A softmax has
# no mask, no noise and no path; a path has no word twice.
OWN = {
    "softmax": {"repeated words"},
    "negative_sampling": {"repeated words", "negative equal to the target"},
    "hierarchical_softmax": {"masked slots", "path of length one"},
}
OF_CONTEXTS = {"masked slots", "repeated words", "empty context"}


def _every_combination_is_there(entries):
    """Losses x architectures x float types x sizes x special cases, layer by layer."""
    found = {(e["layer"], e["check"], e["loss"], e["inputs"]) for e in entries}
    for name, architecture, size in itertools.product(
        OWN, ("skipgram", "cbow_average", "cbow_sum"), SCORES
    ):
        loss = f"{name}, {architecture}"
        cases = OWN[name] | (OF_CONTEXTS if "cbow" in architecture else set())
        for case in {"plain"} | cases:
            inputs = f"{size}, {case}"
            for dtype in ("float64", "float32"):
                check = f"jax.grad in {dtype} = closed form"
                assert ("autodiff", check, loss, inputs) in found
            for method in ("jax", "hand"):
                check = f"identity, gradient by {method}"
                assert ("identities", check, loss, inputs) in found
            slopes = ("closed form = central differences", "closed form = complex step")
            for check in slopes if size != "extreme" else ():
                assert ("differences", check, loss, inputs) in found
            if size == "extreme":  # and beyond, by limits
                check = "finite at scores of +-1e4"
                assert ("identities", check, loss, inputs) in found
        for optimizer, dtype in itertools.product(("sgd", "adagrad"), ("64", "32")):
            check = f"one step of {optimizer} in float{dtype} = dense step"
            inputs = f"{size}, {CASES}"
            assert ("training_path", check, loss, inputs) in found


@pytest.mark.slow
def test_a_users_wrong_gradient_exits_with_one_and_names_the_argument(mine):
    out = mine / "mine.json"
    done = run(
        "--loss=mine:loss", "--closed_form=mine:flipped", f"--out={out}", folder=mine
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()[-1:]
    assert "comparisons fail. The worst: mine:loss" in line
    found = json.loads(out.read_text())
    assert not found["passed"]
    wrong = {e["quantity"] for e in found["comparisons"] if not e["passed"]}
    assert "positive" in wrong
    assert "hidden" not in wrong


@pytest.mark.slow
def test_mutants_of_a_loss_are_listed_with_what_notices_them():
    done = run("--loss=hierarchical_softmax", "--draws=1", "--mutants")
    assert done.returncode == 0, done.stderr
    mistakes = [m for m in MUTANTS if m.spec.name == "hierarchical_softmax"]
    assert len(mistakes) > 5
    assert done.stdout.count("autodiff:") >= len(mistakes) / 2
    assert "swapped code bit" in done.stdout
    assert "epsilon" not in done.stdout  # another loss's
    assert "nothing" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--loss=sofmax",), r"--loss=sofmax: one of .* Did you mean softmax?"),
        (("--loss=a:b",), "--loss, --closed_form: name one loss and its gradient"),
        (("--loss=a:b", "--closed_form=a:c"), "importing a failed"),
        (("--out=/no/such/folder/x.json",), "/no/such/folder/x.json: its folder"),
        (("--out=/",), "/: is a folder; name a file in it"),
        (("--draws=0",), "draws"),
        (("extra",), "extra: not a flag"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_two(flags, message):
    done = run(*flags, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert message.split(".*")[0] in last
    assert message.split(".*")[-1] in last


def comparison(error_map, loss="softmax", quantity="hidden", check=CHECK):
    return Comparison(
        "differences", loss, check, quantity, "", 0.0, 1.0, np.asarray(error_map)
    )


def test_maps_hold_the_largest_error_of_each_coordinate():
    maps = error_maps(
        [
            comparison([1e-9, 0.0]),
            comparison([1e-12, 1e-10]),
            comparison([[1.0]], quantity="output"),
            comparison([5.0], check="another"),
        ]
    )
    assert maps["softmax", "hidden"].tolist() == [[1e-9, 1e-10]]
    assert maps["softmax", "output"].tolist() == [[1.0]]
    assert len(maps) == 2


def test_a_large_error_is_drawn_in_another_colour():
    small = comparison(np.full((3, 4), 1e-14))
    spot = np.full((3, 4), 1e-14)
    spot[1, 2] = math.inf
    pictures = [
        image.imread(io.BytesIO(heat_map([one])))
        for one in (small, dataclasses.replace(small, map=spot))
    ]
    assert pictures[0].shape == pictures[1].shape
    changed = (pictures[0] != pictures[1]).any(axis=-1).mean()
    # One of twelve cells of a panel that fills a third to nine tenths of the page.
    assert 1 / 12 * 0.3 < changed < 1 / 12


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no comparison"):
        heat_map([])
