"""Pairs counted from samples, beside a count by hand and by brute force."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarking import pairs, zipf
from experiments.softmax_reference import pairs_of
from w2v_jax.blocks import Chunk, cut_blocks, lay_streams, pad_chunk, stream_room
from w2v_jax.config import Config, resolve
from w2v_jax.training import Trainer


def chunk(reach, sentences=None):
    count = len(reach)
    lines = None if sentences is None else np.array(sentences, np.int32)
    return Chunk(np.arange(count, dtype=np.int32), np.array(reach, np.int32), lines, 0)


def by_brute_force(one):
    count = len(one.tokens)
    lines = np.zeros(count, int) if one.sentences is None else one.sentences
    return [
        sum(
            i != j and abs(i - j) <= one.reach[i] and lines[i] == lines[j]
            for j in range(count)
        )
        for i in range(count)
    ]


def test_contexts_of_a_small_text_by_hand():
    # reach 1 at the left end: one; reach 2 in the middle: two each side; then one
    assert pairs.contexts(chunk([1, 2, 2, 1])).tolist() == [1, 3, 3, 1]


def test_a_sentence_end_parts_two_words():
    assert pairs.contexts(chunk([2, 2, 2, 2], [0, 0, 1, 1])).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lines", [False, True])
def test_contexts_equal_those_of_brute_force(seed, lines):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    sentences = np.sort(rng.integers(0, 6, count)) if lines else None
    one = chunk(rng.integers(1, 9, count), sentences)
    assert pairs.contexts(one).tolist() == by_brute_force(one)


@pytest.mark.parametrize("count", [0, 1])
def test_a_text_of_no_pairs_has_none(count):
    one = chunk([3] * count)
    assert pairs.in_chunk(one, "skipgram") == pairs.in_chunk(one, "cbow") == 0


def test_cbow_counts_centres_with_a_context():
    one = chunk([1, 1, 1], [0, 0, 1])
    assert pairs.in_chunk(one, "skipgram") == 2
    assert pairs.in_chunk(one, "cbow") == 2
    assert pairs.in_chunk(chunk([2, 2, 2]), "cbow") == 3


def test_the_count_is_that_of_the_reference_trainers_pairs():
    rng = np.random.default_rng(0)
    one = chunk(rng.integers(1, 6, 200))
    assert pairs.in_chunk(one, "skipgram") == len(pairs_of(one))


def test_the_count_is_that_of_the_ones_in_the_windows_of_all_blocks():
    rng = np.random.default_rng(1)
    one = chunk(rng.integers(1, 4, 50), np.sort(rng.integers(0, 5, 50)))
    size, window = 8, 3
    room = stream_room(50, 1, size, window)
    padded = pad_chunk(one, room + 51, window, True)
    flats = tuple(jnp.asarray(flat) for flat in padded)
    laid = lay_streams(flats, [jnp.int32(0)], jnp.int32(50), room, window)
    total = sum(
        float(cut_blocks(laid, jnp.int32(at), size, window).window.sum())
        for at in range(0, 50, size)
    )
    assert pairs.in_chunk(one, "skipgram") == total


def trainer(**changes):
    given = {"dim": 4, "replicas": 1, "window": 3, "subsample": 0.0, "chunk": 64}
    config = resolve(Config(**(given | changes)), 1)
    known = zipf.vocabulary(30)
    return Trainer(zipf.text(known, 200), known, config)


def test_a_training_is_the_sum_of_its_chunks_over_all_epochs():
    made = trainer(epochs=2)
    single = [
        pairs.in_chunk(made.chunk(epoch, number), "skipgram")
        for epoch in range(2)
        for number in range(4)  # 200 words in chunks of 64
    ]
    assert pairs.in_training(made) == sum(single)
    assert pairs.in_training(made, [1]) == sum(single[4:])


def test_a_training_of_fixed_windows_has_the_pairs_of_the_formula():
    made = trainer(epochs=1, dynamic_window=False)
    # a chunk of n words and window m: 2 m n less m (m + 1) that the ends lack
    expected = sum(2 * 3 * n - 3 * 4 for n in (64, 64, 64, 8))
    assert pairs.in_training(made) == expected
