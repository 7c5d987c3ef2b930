"""The share of the machine's product rate that full softmax reaches."""

import pytest

from experiments import cli
from experiments.benchmarking import softmax

SMALL = {"side": 64, "seconds": 0.0, "times": 1, "replicas": 1, "block": 8}


def test_a_hidden_vector_costs_six_times_v_times_d():
    assert softmax.flop_per_hidden(70_000, 100) == 42_000_000


@pytest.mark.slow
@pytest.mark.parametrize("model", softmax.MODELS)
def test_the_share_is_flop_done_over_flop_possible(model):
    found = softmax.measure(model, 30, 4, streams=1, **SMALL)
    (spent,), (product,) = found["seconds"]["training"], found["seconds"]["product"]
    # every word of the text, and no other, is a hidden vector
    assert found["hidden_vectors"] == 4096
    assert found["hidden_vectors_per_second"] == pytest.approx(4096 / spent)
    assert found["flop_per_second"] == pytest.approx(4096 * 6 * 30 * 4 / spent)
    assert found["product_flop_per_second"] == pytest.approx(2 * 64**3 / product)
    expected = found["flop_per_second"] / found["product_flop_per_second"]
    assert found["share"] == pytest.approx(expected)
    assert (found["max_vocabulary"], found["dim"], found["replicas"]) == (30, 4, 1)


@pytest.mark.slow
def test_a_training_that_diverges_is_no_measurement():
    with pytest.raises(cli.DivergedError, match="diverged"):
        softmax.measure(
            "skipgram-softmax", 30, 4, streams=1, learning_rate=1e6, **SMALL
        )
