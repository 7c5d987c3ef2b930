"""Layers a to c over every loss; that they can fail is the matter of test_mutation."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from w2v_jax.verification import autodiff, differences, expectations, identities
from w2v_jax.verification.inputs import SCORES, draw
from w2v_jax.verification.spec import SPECS
from w2v_jax.verification.suite import check_loss

SOFTMAX = SPECS["softmax, skipgram"]
AVERAGE = SPECS["softmax, cbow_average"]
PATH = SPECS["hierarchical_softmax, skipgram"]


def rng(seed=0):
    return np.random.default_rng(seed)


def failures(comparisons):
    return [one for one in comparisons if not one.passed]


@pytest.mark.slow
def test_a_loss_is_checked_at_every_size_in_every_case_by_every_layer():
    # All nine: tests/experiments/test_verify_gradients.py.
    spec = SPECS["hierarchical_softmax, cbow_average"]
    found = list(check_loss(spec, rng()))
    assert not failures(found)
    assert {one.layer for one in found} == {"autodiff", "differences", "identities"}
    inputs = {one.inputs for one in found}
    assert inputs == {f"{size}, {case}" for size in SCORES for case in spec.cases}


@pytest.mark.slow
def test_the_same_generator_finds_the_same_errors():
    spec = SPECS["negative_sampling, skipgram"]
    one, two = (
        list(check_loss(spec, rng(3), scores=("tiny",), cases=("plain",)))
        for _ in range(2)
    )
    assert one == two
    assert len(one) > 10


sizes = st.fixed_dictionaries({letter: st.integers(1, 4) for letter in "DVKLC"})


@pytest.mark.slow
@pytest.mark.parametrize("label", [label for label in SPECS if "sum" not in label])
@settings(max_examples=3)
@given(sizes=sizes, seed=st.integers(0, 2**32 - 1))
def test_autodiff_and_differences_agree_with_the_closed_form_in_every_shape(
    label, sizes, seed
):
    spec = SPECS[label]
    for case in spec.cases:
        arguments = draw(spec, rng(seed), "ordinary", case, sizes)
        for dtype in (np.float64, np.float32):
            assert not failures(autodiff.compare(spec, arguments, dtype=dtype))
        assert not failures(differences.compare(spec, arguments))


@pytest.mark.parametrize("label", [one for one in SPECS if "average" in one])
def test_the_closed_form_of_cbow_is_the_oracles_chain(label):
    spec = SPECS[label]
    arguments = draw(spec, rng(), case="masked slots")
    given = dict(arguments)
    context, mask = given.pop("context"), given.pop("context_mask")
    hidden = oracle.cbow_hidden(context, mask)
    exact = getattr(oracle, f"{spec.name}_gradient")(hidden, *given.values())
    with jax.enable_x64(True):
        found = autodiff.gradient_by_hand(spec)(
            {name: jnp.asarray(value) for name, value in arguments.items()}
        )
    expected = oracle.cbow_gradient(context, mask, exact[0]), *exact[1:]
    for one, other in zip(found.values(), _in_name_order(spec, expected), strict=True):
        # A few dozen roundings, relative to the largest entry.
        np.testing.assert_allclose(one, other, atol=1e-13 * np.abs(other).max())


def _in_name_order(spec, gradients):
    """jax returns dicts with their keys sorted."""
    return [g for _, g in sorted(zip(spec.vectors, gradients, strict=True))]


def test_the_float32_tolerance_grows_with_the_scores_and_stays_small_for_small_ones():
    tolerance = {
        size: autodiff.float32_tolerance(SOFTMAX, draw(SOFTMAX, rng(), size))
        for size in ("tiny", "ordinary", "extreme")
    }
    # 2^-24 x 2 (2 x 7 + 8) where the scores do not matter: V = 7.
    assert tolerance["tiny"] == pytest.approx(2**-23 * 22, rel=1e-2)
    assert tolerance["tiny"] < tolerance["ordinary"] < tolerance["extreme"] < 0.1


def test_float32_is_held_against_float64_and_not_against_itself():
    # Both gradients of a loss that is off in float32 alone, by a thousandth.
    def off(hidden):
        return hidden * 1.001 if hidden.dtype == jnp.float32 else hidden

    def blurred(hidden, output_vectors, target):
        return SOFTMAX.loss(off(hidden), output_vectors, target)

    def by_hand(hidden, output_vectors, target):
        return SOFTMAX.gradient(off(hidden), output_vectors, target)

    spec = dataclasses.replace(SOFTMAX, loss=blurred, gradient=by_hand)
    arguments = draw(spec, rng(), "tiny")
    assert not failures(autodiff.compare(spec, arguments, dtype=np.float64))
    assert failures(autodiff.compare(spec, arguments, dtype=np.float32))


def test_steps_of_differences_move_scores_by_two_hundredths():
    arguments = draw(SOFTMAX, rng())
    step = differences.steps(SOFTMAX, arguments)
    assert step["hidden"] * np.abs(arguments["output_vectors"]).max() == pytest.approx(
        0.02
    )


def test_differences_of_a_cubic_are_exact_to_rounding():
    spec = dataclasses.replace(
        SOFTMAX,
        loss=lambda hidden, output_vectors, target: (hidden**3).sum(),
        gradient=lambda hidden, output_vectors, target: (
            3 * hidden**2,
            0 * output_vectors,
        ),
    )
    found = differences.compare(spec, draw(spec, rng()))
    assert not failures(found)
    assert max(one.error for one in found) < 1e-12


@pytest.mark.parametrize(
    "label",
    [
        pytest.param(
            label, marks=() if label == "softmax, skipgram" else pytest.mark.slow
        )
        for label in SPECS
    ],
)
def test_both_limits_are_reached(label):
    spec, found = SPECS[label], []
    for seed in range(5):
        found += identities.limits(spec, draw(spec, rng(seed), "extreme"))
    assert not failures(found)
    places = {one.check.split(",")[0] for one in found}
    assert places == {"limit at scores of 0", "limit at scores of +-1e4"}


def test_a_loss_of_scores_is_told_from_one_that_is_not():
    arguments = draw(SOFTMAX, rng())
    assert identities.is_bilinear(SOFTMAX, arguments)
    decayed = dataclasses.replace(
        SOFTMAX,
        loss=lambda hidden, output_vectors, target: (
            SOFTMAX.loss(hidden, output_vectors, target) + (hidden**2).sum()
        ),
        architecture="",
    )
    assert not identities.is_bilinear(decayed, arguments)
    assert identities.scores_only(decayed, arguments) == []


def test_masked_slots_are_looked_for_in_contexts_and_paths():
    for spec in (PATH, AVERAGE):
        found = identities.masked_slots(spec, draw(spec, rng(), case="masked slots"))
        assert found
        assert not failures(found)
    assert identities.masked_slots(SOFTMAX, draw(SOFTMAX, rng())) == []


@pytest.mark.parametrize("name", expectations.EXPECTATIONS)
def test_expectations_are_exact(name):
    found = expectations.EXPECTATIONS[name](SPECS[f"{name}, skipgram"], rng())
    assert len(found) >= 2
    assert not failures(found)


def test_shifted_pmi_with_a_wrong_number_of_negatives_is_no_zero():
    real = SPECS["negative_sampling, skipgram"]
    doubled = dataclasses.replace(
        real, loss=lambda h, u, n, weight: real.loss(h, u, n, 2 * weight)
    )
    found = expectations.negative_sampling(doubled, rng())
    assert {one.quantity for one in failures(found)} == {
        "K fresh noise words",
        "S shared noise words of weight K/S",
        "over targets",
        "zero at log p/(Kq)",
    }
