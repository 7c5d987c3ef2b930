"""The native step follows the rules of other implementations as the pure path does."""

import jax
import numpy as np
import pytest

from tests.models import config
from tests.native.needs import compiler
from tests.native.test_chunk import CLOSE, both, native
from w2v_jax import deviations
from w2v_jax.config import GRADIENTS
from w2v_jax.native import rules
from w2v_jax.native.build import TARGETS

pytestmark = compiler
OTHERS = [name for name in GRADIENTS if name != "exact"]
MODELS = [(a, o) for a in ("skipgram", "cbow") for o in TARGETS]
MODELS.remove(("skipgram", "softmax"))  # it has no rule but the gradient
CASES = [
    (a, o, gradient)
    for gradient in OTHERS
    for a, o in MODELS
    if (a, gradient) != ("skipgram", "undivided")  # which is the gradient there
]
# Scores of size 20: most lie beyond the limits of 6 and 8. Steps are small, for the
# noise of few words is the target of many pairs.
FAR = {"scale": 4.0, "learning_rate": 0.004, "shared_noise": 9, "block": 8}


def check(built):
    ours, theirs = both(built)
    for name, table in theirs.items():
        # ten times the coordinates of the other tests, and ten times their rounding
        np.testing.assert_allclose(ours[name], table, rtol=2e-5, atol=1e-4)
    return ours


@pytest.mark.parametrize(("architecture", "objective", "gradient"), CASES)
def test_a_chunk_is_that_of_the_pure_path(architecture, objective, gradient):
    made = {"gradient": gradient, **FAR}
    ours = check(native(architecture, objective, **made))
    exact, _ = both(native(architecture, objective, **FAR))
    assert any(not np.allclose(ours[name], exact[name], **CLOSE) for name in ours)


@pytest.mark.parametrize("objective", TARGETS)
@pytest.mark.parametrize("gradient", OTHERS)
def test_the_sum_of_cbow_follows_its_rule(objective, gradient):
    more = {"cbow_hidden": "sum", "gradient": gradient, "scale": 1.0}
    check(native("cbow", objective, **FAR | more))


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_noise_that_is_the_target_is_dropped_in_rounds_with_a_cap(architecture):
    sizes = {"noise_pool": 7, "exchange_every": 3, "replicas": 2, "row_cap": 2.5}
    more = {"gradient": "word2vec_c", "scale": 0.5, "learning_rate": 0.05}
    check(native(architecture, "negative_sampling", **FAR | sizes | more))


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_numbers_are_those_of_the_rules(gradient):
    """Each function of the rule, differentiated on both sides of the limit."""
    at = np.array([-9.0, -7.0, -5.0, 5.0, 7.0, 9.0])
    exact = 1 / (1 + np.exp(-at))
    rule = deviations.RULES[gradient]
    for objective, function in (
        ("negative_sampling", rule.sampled),
        ("hierarchical_softmax", rule.path),
    ):
        given = rules.attributes(config("cbow", objective, gradient=gradient))
        beyond = {
            rules.EXACT: exact,
            rules.SATURATES: (at > 0).astype(float),
            rules.SKIPS: np.zeros_like(at),
        }[int(given["beyond"])]
        limit = given["limit"] if given["beyond"] else np.inf
        wanted = np.where(np.abs(at) < limit, exact, beyond)
        slopes = jax.vmap(jax.grad(function))(at)
        np.testing.assert_allclose(slopes, wanted, rtol=1e-6)
        assert given["drops_targets"] == rule.drops_targets
