"""Many replicas by default, as on a machine with many cores: none goes too far."""

import pytest

from experiments.benchmarking import zipf
from tests.models import SAMPLED
from tests.native.needs import compiler
from w2v_jax.config import Config, resolve
from w2v_jax.position import Position
from w2v_jax.training import Trainer, train

pytestmark = compiler
WORDS = 600_000


def loss(architecture, objective, replicas, **changes):
    """Nats per pair after one pass over text of Zipf's law."""
    known = zipf.vocabulary(20_000)
    asked = Config(
        architecture=architecture,
        objective=objective,
        kernel="native",
        epochs=1,
        subsample=1e-4,
        dim=32,
        **changes,
    )
    built = Trainer(zipf.text(known, WORDS), known, resolve(asked, replicas))
    state, constants = built.start()
    *_, (_, last) = train(built, state, constants, Position())
    return last.loss if last.finite else float("inf")


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
def test_sixteen_replicas_learn_what_two_do(architecture, objective):
    two = loss(architecture, objective, 2)
    # Random words teach their frequencies alone. Two per cent is what sixteen were seen
    # to differ by on real text; meetings as far apart as two replicas' end far above.
    assert loss(architecture, objective, 16) < 1.02 * two


@pytest.mark.slow
def test_meetings_of_two_replicas_are_too_far_apart_for_sixteen():
    made = resolve(Config(objective="hierarchical_softmax", kernel="native"), 2)
    changes = {"exchange_every": made.exchange_every, "row_cap": made.row_cap}
    model = ("skipgram", "hierarchical_softmax")
    assert loss(*model, 16, **changes) > 2.0 * loss(*model, 2)
