import numpy as np
import pytest

from w2v_jax.verification.inputs import SCORES, cast, draw
from w2v_jax.verification.spec import SPECS

EVERY = [(label, case) for label, spec in SPECS.items() for case in spec.cases]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("label", SPECS)
@pytest.mark.parametrize("scores", SCORES)
def test_the_largest_score_is_of_the_size_asked_for(label, scores):
    spec = SPECS[label]
    for seed in range(20):
        arguments = draw(spec, rng(seed), scores)
        top = np.abs(spec.rows(arguments) @ spec.hidden(arguments)).max()
        low = 0.1 if scores == "ordinary" else 1
        # A product and a quotient: a rounding or two.
        assert low * SCORES[scores] * (1 - 1e-12) <= top <= SCORES[scores] * (1 + 1e-12)


@pytest.mark.parametrize(("label", "case"), EVERY)
def test_arguments_have_the_shapes_of_their_kinds_in_every_case(label, case):
    sizes = {"D": 2, "V": 3, "K": 4, "L": 5, "C": 6}
    spec = SPECS[label]
    arguments = draw(spec, rng(), case=case, sizes=sizes)
    assert list(arguments) == list(spec.kinds)
    for name, kind in spec.kinds.items():
        letters = [word for word in kind.split() if word.isupper()]
        scalar = kind.startswith("id")
        expected = () if scalar else tuple(sizes[letter] for letter in letters)
        assert np.shape(arguments[name]) == expected


def test_the_same_seed_draws_the_same_example():
    spec = SPECS["negative_sampling, cbow_sum"]
    one, two = draw(spec, rng(3)), draw(spec, rng(3))
    assert all(np.array_equal(one[name], two[name]) for name in spec.kinds)


def test_special_cases_are_what_they_say():
    sampling = SPECS["negative_sampling, cbow_average"]
    path = SPECS["hierarchical_softmax, skipgram"]
    equal = draw(sampling, rng(), case="negative equal to the target")
    np.testing.assert_array_equal(equal["negatives"][0], equal["positive"])
    twice = draw(sampling, rng(), case="repeated words")
    np.testing.assert_array_equal(twice["context"][0], twice["context"][-1])
    np.testing.assert_array_equal(twice["negatives"][0], twice["negatives"][-1])
    assert not draw(sampling, rng(), case="empty context")["context_mask"].any()
    assert draw(path, rng(), case="path of length one")["mask"].sum() == 1
    masked = draw(path, rng(), case="masked slots")["mask"]
    assert 0 < masked.sum() < len(masked)


def test_a_case_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"upside down.*masked slots"):
        draw(SPECS["hierarchical_softmax, skipgram"], rng(), case="upside down")


def test_only_vectors_and_weights_are_cast():
    spec = SPECS["negative_sampling, cbow_average"]
    made = cast(spec, draw(spec, rng()), np.float32)
    floats = {name for name, value in made.items() if value.dtype == np.float32}
    assert floats == {"context", "positive", "negatives", "noise_weight"}
    assert made["context_mask"].dtype == bool


@pytest.mark.parametrize("label", [label for label in SPECS if "cbow" in label])
def test_the_hidden_vector_of_a_spec_is_that_of_its_architecture(label):
    spec = SPECS[label]
    arguments = draw(spec, rng(), case="masked slots")
    there = arguments["context"][arguments["context_mask"]]
    combine = np.mean if "average" in label else np.sum
    # A matrix product instead of a sum: a rounding a term.
    np.testing.assert_allclose(
        spec.hidden(arguments), combine(there, axis=0), rtol=1e-12
    )
