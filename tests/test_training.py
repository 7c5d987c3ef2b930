"""Training as a whole: it learns, it repeats itself bit for bit, it goes on."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.models import MODELS, config, vocabulary
from w2v_jax.position import Position
from w2v_jax.training import Trainer, _all_finite, train


def clusters(length=6000):
    """Two topics of ten words each; sentences of eight words stay within one."""
    rng = np.random.default_rng(0)
    sentences = []
    for _ in range(length // 9):
        topic = rng.integers(2)
        sentences.append(np.append(rng.integers(0, 10, 8) * 2 + topic, -1))
    return np.concatenate(sentences).astype(np.int32)


def trainer(architecture="skipgram", objective="negative_sampling", **changes):
    small = {"epochs": 2, "chunk": 1024, "settle_every": 2, "dim": 8, "window": 3}
    small |= {"learning_rate": 0.02}
    made = config(architecture, objective, **small | changes)
    return Trainer(clusters(), vocabulary(20), made)


def run(built, state=None, position=None, stop=None):
    """Trains to the end or up to a number of settled points."""
    begun, constants = built.start()
    state = begun if state is None else built.place(state)
    found = []
    for now, metrics in train(built, state, constants, position or Position()):
        found.append((built.host(now), metrics))
        if len(found) == stop:
            break
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "objective"), MODELS)
def test_words_of_one_topic_end_up_together(architecture, objective):
    # Twenty words only: each is touched many times a step, so small steps.
    built = trainer(architecture, objective, epochs=30, learning_rate=0.02, row_cap=8.0)
    found = run(built)
    losses = [metrics.loss for _, metrics in found]
    assert losses[-1] < losses[0]
    vectors = found[-1][0].tables["input"]
    vectors = vectors - vectors.mean(0)  # what all words share says nothing of topics
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.add.outer(np.arange(20), np.arange(20)) % 2 == 0
    np.fill_diagonal(same, False)
    other = np.add.outer(np.arange(20), np.arange(20)) % 2 == 1
    assert cosines[same].mean() > cosines[other].mean() + 0.3


EVERY_WAY = [
    pytest.param(optimizer, replicas, marks=marks)
    for optimizer, replicas, marks in [
        ("sgd", 2, ()),
        ("sgd", 1, pytest.mark.slow),
        ("adagrad", 2, pytest.mark.slow),
        ("adam", 1, pytest.mark.slow),
        ("adam", 2, pytest.mark.slow),
    ]
]


@pytest.mark.parametrize(("optimizer", "replicas"), EVERY_WAY)
def test_the_same_run_gives_the_same_bits_and_another_seed_others(optimizer, replicas):
    def end(seed):
        built = trainer(optimizer=optimizer, replicas=replicas, seed=seed)
        return run(built)[-1][0].tables

    first, again, other = end(5), end(5), end(6)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert np.any(first[name] != other[name])


@pytest.mark.parametrize(("optimizer", "replicas"), EVERY_WAY)
def test_a_run_that_goes_on_ends_with_the_same_bits(optimizer, replicas):
    built = trainer(optimizer=optimizer, replicas=replicas)
    whole = run(built)
    assert len(whole) > 3
    for stop in (1, len(whole) - 2):
        state, metrics = run(built, stop=stop)[-1]
        rest = run(built, state, metrics.position)
        assert rest[-1][1].position == whole[-1][1].position
        for name, table in whole[-1][0].tables.items():
            np.testing.assert_array_equal(rest[-1][0].tables[name], table)


def test_the_rate_falls_linearly_over_all_epochs():
    built = trainer(epochs=4, learning_rate=0.2, final_rate_fraction=0.01)
    total = built.total_words
    assert built.rate(0) == pytest.approx(0.2)
    assert built.rate(total // 2) == pytest.approx(0.1, rel=1e-3)  # half a word off
    assert built.rate(total) == pytest.approx(0.002)
    assert total == 4 * np.count_nonzero(clusters() >= 0)


def test_words_and_steps_are_counted_as_read():
    built = trainer(epochs=2, replicas=2)
    last = run(built)[-1][1].position
    assert last.raw_words == built.total_words
    assert last.kept_tokens == built.total_words  # nothing is subsampled here
    # 2 replicas x 2 streams share the tokens of a chunk, 8 a step
    counts = [len(built.chunk(0, c).tokens) for c in range(built.chunks)]
    per_epoch = sum(math.ceil(math.ceil(count / 4) / 8) for count in counts)
    assert last.step == 2 * per_epoch


def test_the_logged_loss_is_the_mean_over_the_sample_and_repeats():
    built = trainer()
    state, constants = built.start()
    first, finite = built.measure(state, constants)
    assert finite
    assert built.measure(state, constants)[0] == first
    # All output vectors are zero: every score is 0 and every term log 2.
    expected = (1 + built.config.negatives) * np.log(2)
    assert first == pytest.approx(expected, rel=1e-6)  # float32 sums within a block


@pytest.mark.parametrize(
    ("number", "finite"),
    [(3.4e38, True), (np.nan, False), (np.inf, False), (-np.inf, False)],
)
def test_a_table_with_one_number_that_is_not_finite_is_seen(number, finite):
    built = trainer()
    state, constants = built.start()
    host = built.host(state)
    assert built.measure(built.place(host), constants)[1] is True
    table = np.array(host.tables["output"])
    table[[3, 7], 1] = number  # the largest numbers are finite, their sum is not
    assert bool(_all_finite(table)) is finite
    table[7, 1] = 0.0
    host.tables["output"] = table
    assert built.measure(built.place(host), constants)[1] is finite


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_chunk_is_the_same_whichever_of_how_many_threads_samples_it(threads):
    built = trainer(subsample=1e-2)
    places = [(epoch, c) for epoch in range(2) for c in range(built.chunks)]
    in_turn = [built.chunk(*place) for place in places]
    with ThreadPoolExecutor(threads) as pool:
        loaded = pool.map(built.chunk, *zip(*places[::-1], strict=True))
        for alone, other in zip(in_turn, list(loaded)[::-1], strict=True):
            assert alone.raw_words == other.raw_words
            np.testing.assert_array_equal(alone.tokens, other.tokens)
            np.testing.assert_array_equal(alone.reach, other.reach)


def test_initial_vectors_are_word2vec_cs():
    built = trainer(dim=8)
    state, _ = built.start()
    tables = built.host(state).tables
    vectors = tables["input"]
    assert np.abs(vectors).max() < 0.5 / 8
    # The standard deviation of a uniform distribution of width w is w / sqrt(12);
    # of 160 draws it is known to within a fifth.
    assert vectors.std() == pytest.approx(1 / 8 / np.sqrt(12), rel=0.2)
    assert not np.any(tables["output"])
