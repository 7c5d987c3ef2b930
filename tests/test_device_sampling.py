"""Chunks sampled by the devices: the bits of the host's, and the same training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.benchmarking.short import Short
from tests.models import config, text, vocabulary
from w2v_jax import blocks, cores, device_sampling, mesh
from w2v_jax.config import Config
from w2v_jax.position import Position
from w2v_jax.training import Trainer, train

LONGS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**32, 2**64 - 1])


def long(number):
    """A 64-bit number as its two words."""
    return tuple(jnp.uint32(word) for word in device_sampling._words(number))


def number(pair):
    return int(pair[0]) << 32 | int(pair[1])


@settings(max_examples=10)
@given(numbers=st.lists(LONGS, min_size=8, max_size=8), y=LONGS)
def test_arithmetic_of_64_bits(numbers, y):
    words = np.array([device_sampling._words(x) for x in numbers], np.uint32)
    both = jnp.asarray(words[:, 0]), jnp.asarray(words[:, 1])
    found = device_sampling._sum(both, tuple(map(jnp.full_like, both, long(y))))
    high, low = device_sampling._wide_product(both, y)
    for k, x in enumerate(numbers):
        assert number([word[k] for word in found]) == (x + y) % 2**64
        product = number([word[k] for word in high]) << 64
        assert product | number([word[k] for word in low]) == x * y


@settings(max_examples=6)
@given(
    seed=LONGS,
    epoch=st.integers(0, 2**63),
    block=st.integers(0, 2**40),
    skip=st.integers(0, 3),
    count=st.integers(1, 9),
)
def test_draws_are_those_of_numpy_at_any_position(seed, epoch, block, skip, count):
    asked = device_sampling.Unsampled(
        piece=None,
        skip=jnp.int32(skip),
        block=jnp.array(device_sampling._words(block), jnp.uint32),
        keys=jnp.asarray(device_sampling.round_keys(seed, epoch)),
        thresholds=None,
        rates=None,
        key=None,
        with_sentences=False,
    )
    start = 4 * block + skip
    wanted = blocks.position_bits(seed, epoch, start, start + count)
    found = device_sampling._draws(asked, count)
    np.testing.assert_array_equal(np.stack(found, 1), wanted)


@settings(max_examples=12)
@given(
    length=st.integers(1, 60),
    capacity=st.sampled_from([64, 65, 67]),
    number=st.integers(0, 2),
    window=st.sampled_from([1, 2, 5, 40, 1000]),
    dynamic=st.booleans(),
    with_sentences=st.booleans(),
    seed=st.integers(0, 2**64 - 1),
    kept=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_a_chunk_is_that_of_the_host(
    length, capacity, number, window, dynamic, with_sentences, seed, kept
):
    rng = np.random.default_rng(seed)
    least = -1 if with_sentences else 0
    ids = rng.integers(least, 13, number * capacity + length).astype(np.int32)
    keep = blocks.keep_thresholds(np.full(10, kept))  # ids of 10 to 12 are rare words
    sampler = blocks.Sampler(ids, keep, seed % 2**63, window, dynamic)
    start, epoch, room = number * capacity, 3, capacity + window + 7
    chunk = sampler.chunk(epoch, start, start + capacity)
    piece, raw_words = device_sampling.text_piece(ids, start, capacity)
    rates, key = np.zeros(2, np.float32), jax.random.key(0)
    asked = device_sampling.unsampled(
        sampler, (epoch, start), piece, rates, key, with_sentences
    )
    asked = jax.tree.map(jnp.asarray, asked)
    drawn = device_sampling.sample(asked, room, window, dynamic)
    assert raw_words == chunk.raw_words
    assert int(drawn.length) == len(chunk.tokens)
    wanted = blocks.pad_chunk(chunk, room, window, with_sentences)
    assert len(drawn.padded) == len(wanted)
    for found, expected in zip(drawn.padded, wanted, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_draw_that_equals_the_threshold_keeps_its_word():
    count = 9
    draws = blocks.position_bits(3, 1, 0, count)[:, 0]
    for less, kept in ((0, count), (1, 0)):
        sampler = blocks.Sampler(np.arange(count), draws - np.uint32(less), 3, 2, True)
        piece, _ = device_sampling.text_piece(sampler.ids, 0, count)
        rates, key = np.zeros(2, np.float32), jax.random.key(0)
        made = device_sampling.unsampled(sampler, (1, 0), piece, rates, key, False)
        made = jax.tree.map(jnp.asarray, made)
        assert int(device_sampling.sample(made, 20, 2, True).length) == kept


@pytest.mark.parametrize("streams", [1, 16, 17, 40])
def test_streams_are_the_same_however_many_are_cut_at_once(streams):
    flat = jnp.arange(200, dtype=jnp.int32)
    firsts, share, room = jnp.arange(streams) * 4, jnp.int32(4), 12
    laid = blocks.lay_streams((flat, flat), firsts, share, room, 2)
    wanted = np.arange(room) + 4 * np.arange(streams)[:, None]
    np.testing.assert_array_equal(laid.tokens, wanted)
    own = np.isin(np.arange(room), [2, 3, 4, 5])
    np.testing.assert_array_equal(laid.reach, np.where(own, wanted, 0))


def trainer(monkeypatch, samples, objective="negative_sampling", **changes):
    """A trainer on a mesh whose devices sample, or do not."""
    monkeypatch.setattr(cores, "usable", lambda model: False)
    small = {"epochs": 2, "chunk": 101, "subsample": 0.05, "settle_every": 3}
    made = config("skipgram", objective, **small | changes)
    built = Trainer(text(400), vocabulary(), made)
    assert type(built.engine) is mesh.Mesh
    assert built.engine.samples == (jax.default_backend() != "cpu")
    built.engine.samples = samples
    return built


def run(built, begun=None, position=None, stop=None):
    """The settled points of a run: tables and metrics, but for the seconds."""
    state, constants = built.start()
    state = built.place(begun) if begun is not None else state
    built.compile(state, constants)
    found = []
    for now, metrics in train(built, state, constants, position or Position()):
        tables = built.host(now)
        found.append((tables, metrics.position, metrics.loss, metrics.learning_rate))
        if len(found) == stop:
            break
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param({"replicas": 2, "streams": 20}, marks=pytest.mark.slow),
        pytest.param({"objective": "softmax"}, marks=pytest.mark.slow),
        pytest.param({"dynamic_window": False}, marks=pytest.mark.slow),
    ],
)
def test_training_is_the_same_whoever_samples(changes, monkeypatch):
    there = run(trainer(monkeypatch, True, **changes))
    here = run(trainer(monkeypatch, False, **changes))
    assert len(there) == len(here) > 2
    for ours, theirs in zip(there, here, strict=True):
        assert ours[1:] == theirs[1:]  # kept tokens and steps among them
        jax.tree.map(np.testing.assert_array_equal, ours[0].tables, theirs[0].tables)
    assert there[-1][1].kept_tokens > 0


def test_a_timed_pass_counts_what_the_devices_kept(monkeypatch):
    monkeypatch.setattr(cores, "usable", lambda model: False)
    asked = Config(dim=4, block=8, streams=2, shared_noise=4, kernel="xla")
    timed = Short(asked, 50, 300)
    timed.once()
    here = timed.kept_tokens
    timed.trainer.engine.samples = True
    timed.trainer.compile(timed.state, timed.constants)
    timed.once()
    assert timed.kept_tokens == here > 0


@pytest.mark.slow
def test_a_run_that_goes_on_ends_where_one_would_that_was_not_stopped(monkeypatch):
    whole = run(trainer(monkeypatch, True))
    state, position, *_ = run(trainer(monkeypatch, True), stop=1)[0]
    rest = run(trainer(monkeypatch, True), state, position)
    assert rest[-1][1:] == whole[-1][1:]
    ends = rest[-1][0].tables, whole[-1][0].tables
    jax.tree.map(np.testing.assert_array_equal, *ends)


def test_the_host_samples_where_blocks_end_early(monkeypatch):
    built = trainer(monkeypatch, True, "hierarchical_softmax", path_room=1.125)
    state, constants = built.start()
    assert not built.samples_there(constants)
    _, after, _ = built.dispatch(state, constants, Position())
    assert after.kept_tokens > 0
    assert built.counted(constants, after, [None]) == after
