"""What a run is refused for before it starts, and what is said when it diverges."""

import math
import os
import types

import pytest

from experiments import limits
from tests.models import config

WORDS, DIM = 1000, 7
TABLE = WORDS * DIM * 4  # bytes


@pytest.fixture
def memory(monkeypatch):
    """Gives this machine so many bytes."""

    def given(size):
        there = {"SC_PHYS_PAGES": size, "SC_PAGE_SIZE": 1}
        monkeypatch.setattr(os, "sysconf", there.__getitem__)

    return given


@pytest.mark.parametrize(
    ("kernel", "optimizer", "tables"),
    [
        ("xla", "sgd", 2 * (8 + 2)),  # input and output, of 8 replicas and 2 more
        ("xla", "adagrad", 4 * (8 + 2)),  # and as much of state
        ("native", "sgd", 2 * (1 + 2)),  # its replicas share one state
    ],
)
def test_tables_that_do_not_fit_are_refused(kernel, optimizer, tables, memory):
    streams = {"streams": 1} if kernel == "native" else {}
    made = config(
        "skipgram",
        "negative_sampling",
        kernel=kernel,
        optimizer=optimizer,
        replicas=8,
        **streams,
    )
    memory(tables * TABLE)
    limits.check_memory(made, WORDS)
    memory(tables * TABLE - 1)
    with pytest.raises(ValueError, match=r"--dim=7 with 1,000 words.*lower --dim"):
        limits.check_memory(made, WORDS)


def settled(step, loss):
    position = types.SimpleNamespace(step=step)
    return types.SimpleNamespace(position=position, loss=loss, learning_rate=0.5)


@pytest.mark.parametrize(
    ("objective", "streams", "cap", "left", "said"),
    [
        ("negative_sampling", 2, 0.0, "", ". Lower {} or --streams, or set a"),
        ("hierarchical_softmax", 1, 0.5, "", ". Lower {}, or lower"),
        (
            "negative_sampling",
            1,
            0.0,
            "no copy yet",
            "; no copy yet. Lower {}, or set a",
        ),
        ("softmax", 1, 0.0, "", ". Lower {} or --block, or set a"),
    ],
)
def test_what_diverged_is_told_only_what_it_can_lower(
    objective, streams, cap, left, said
):
    made = config("skipgram", objective, streams=streams, row_cap=cap)
    start = f"diverged by step 1,234 ({objective}, learning rate 0.5)"
    assert limits.diverged(made, settled(1234, math.inf), left) == (
        start + said.format("--learning_rate") + " --row_cap."
    )


@pytest.mark.parametrize(("kernel", "damping"), [("xla", 0.3), ("xla_large", 0.0)])
def test_what_diverged_in_large_steps_is_told_of_damping(kernel, damping):
    made = config("cbow", "negative_sampling", streams=8, kernel=kernel)
    told = limits.remedy(made.replace(damping=damping))
    what = "raise" if damping else "set a"
    assert told == f"Lower --learning_rate or --streams, or {what} --damping."


def test_a_loss_that_rises_by_more_than_a_quarter_of_its_lowest_is_told_once():
    made = config("skipgram", "softmax", streams=1)
    watch = limits.Watch()
    losses = [None, 8.0, 6.0, 6.0 * watch.RISE, 100.0, 200.0, 1.0, 50.0]
    told = [watch.see(made, settled(step, loss)) for step, loss in enumerate(losses)]
    assert [said is not None for said in told] == [k == 4 for k in range(len(losses))]
    assert told[4] == (
        "the loss has risen from 6.000 to 100.000 nats by step 4. "
        "Lower --learning_rate or --block, or set a --row_cap."
    )


def test_a_first_loss_above_that_of_untrained_tables_is_told():
    made = config("skipgram", "negative_sampling", streams=1)
    start = (made.negatives + 1) * math.log(2)  # every score 0: ln 2 for each of 1 + K
    assert limits.untrained(made, WORDS) == pytest.approx(start)
    for objective in ("softmax", "hierarchical_softmax"):
        other = config("skipgram", objective, streams=1)
        assert limits.untrained(other, WORDS) == math.log(WORDS)
    assert limits.Watch(start).see(made, settled(1, start * 1.2)) is None
    said = limits.Watch(start).see(made, settled(1, 3.25e25))
    assert said is not None
    assert said.startswith(f"the loss has risen from {start:.3f} to 3.25e+25 nats by")
