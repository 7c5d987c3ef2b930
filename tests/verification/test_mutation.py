"""Layer e: every known mistake turns the other layers red, and nothing else does."""

import pytest

from w2v_jax.verification.mutants import MUTANTS, Mutant
from w2v_jax.verification.mutation import check_mutants, find_out
from w2v_jax.verification.spec import SPECS

FAST = "closed form of softmax: flipped sign"


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(
            one, id=one.name, marks=() if one.name == FAST else pytest.mark.slow
        )
        for one in MUTANTS
    ],
)
def test_each_mistake_is_found_out(mutant):
    found = find_out(mutant)
    assert found is not None
    assert not found.passed


@pytest.mark.parametrize(
    "mistake",
    [
        "flipped sign",
        "forgotten mask",
        "for sum",
        "missing 1/2m",
        "swapped code bit",
        "epsilon inside the log",
        "dropped",
        "undivided error",
    ],
)
def test_every_kind_of_mistake_is_among_the_mutants(mistake):
    assert any(mistake in mutant.name for mutant in MUTANTS)


def test_mistakes_in_the_loss_the_closed_form_and_both_are_among_them():
    starts = [mutant.name.split(":")[0] for mutant in MUTANTS]
    assert any(start.endswith("loss") for start in starts)
    assert any(start.startswith("closed form of") for start in starts)
    assert any(start.endswith("loss and closed form") for start in starts)


def test_names_are_distinct():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.slow
def test_a_loss_without_mistake_is_reported_as_a_mutant_that_got_through():
    innocent = Mutant("no mistake", SPECS["hierarchical_softmax, skipgram"])
    (missed,) = check_mutants([innocent])
    assert not missed.passed
    assert missed.check == "passes every layer"


def test_a_mutant_found_out_says_by_what():
    mutant = next(one for one in MUTANTS if one.name == FAST)
    (found,) = check_mutants([mutant])
    assert found.passed
    assert found.quantity.startswith("autodiff: jax.grad in float64")
