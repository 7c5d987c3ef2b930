"""What a run is refused for before it starts, and what is said when it diverges."""

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


@pytest.mark.parametrize(
    ("streams", "left", "said"),
    [
        (2, "", ". Lower --learning_rate or --streams, or set"),
        (1, "", ". Lower --learning_rate, or set"),
        (1, "no checkpoint yet", "; no checkpoint yet. Lower --learning_rate, or set"),
    ],
)
def test_what_diverged_is_told_only_what_it_can_lower(streams, left, said):
    made = config("skipgram", "negative_sampling", streams=streams)
    metrics = types.SimpleNamespace(
        position=types.SimpleNamespace(step=1234), learning_rate=0.5
    )
    start = "diverged by step 1,234 (negative_sampling, learning rate 0.5)"
    assert limits.diverged(made, metrics, left) == f"{start}{said} a --row_cap."
