"""Subsampling, windows and blocks against a plain loop over the text."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax import blocks

KEEP_ALL = blocks.keep_thresholds(np.ones(1000))


def sampler(ids, thresholds=KEEP_ALL, seed=0, window=3, dynamic=True):
    return blocks.Sampler(np.asarray(ids, np.int32), thresholds, seed, window, dynamic)


def pairs_by_loop(chunk, window):
    """Every (centre position, context position) by the definition of a window."""
    found = set()
    for i in range(len(chunk.tokens)):
        for j in range(len(chunk.tokens)):
            near = i != j and abs(i - j) <= chunk.reach[i] <= window
            one_line = (
                chunk.sentences is None or chunk.sentences[i] == chunk.sentences[j]
            )
            if near and one_line:
                found.add((i, j))
    return found


def pairs_by_blocks(chunk, window, size, streams):
    """The same pairs, read off the windows of all blocks of all streams."""
    count = len(chunk.tokens)
    share = -(-count // streams)
    room = blocks.stream_room(count, streams, size, window)
    padded = blocks.pad_chunk(chunk, count + streams + room, window, True)
    firsts = [jnp.int32(b * share) for b in range(streams)]
    laid = blocks.lay_streams(
        tuple(map(jnp.asarray, padded)), firsts, jnp.int32(share), room, window
    )
    found = []
    for start in range(0, share, size):
        block = blocks.cut_blocks(laid, jnp.int32(start), size, window)
        for b, i, slot in zip(*np.nonzero(np.asarray(block.window)), strict=True):
            centre = b * share + start + i
            context = b * share + start + slot - window
            assert block.centres[b, i] == chunk.tokens[centre]
            assert block.tokens[b, slot] == chunk.tokens[context]
            found.append((centre, context))
    return found


@settings(max_examples=12)  # each shape is compiled anew
@given(
    ids=st.lists(st.integers(-1, 30), min_size=1, max_size=70),
    window=st.integers(1, 4),
    size=st.integers(1, 9),
    streams=st.integers(1, 4),
    dynamic=st.booleans(),
)
def test_blocks_hold_each_pair_of_the_text_once(ids, window, size, streams, dynamic):
    chunk = sampler(ids, window=window, dynamic=dynamic).chunk(0, 0, len(ids))
    if not len(chunk.tokens):
        return
    found = pairs_by_blocks(chunk, window, size, streams)
    assert len(found) == len(set(found))
    assert set(found) == pairs_by_loop(chunk, window)


def test_a_sentence_of_n_words_has_4n_minus_6_pairs_at_window_two():
    # Every word but the last two meets two to its right, the last but one meets one:
    # 2 (n - 2) + 1 pairs, each in both directions.
    lengths = [5, 7, 6, 8]
    ids = np.concatenate([np.append(np.arange(n), -1) for n in lengths])
    chunk = sampler(ids, window=2, dynamic=False).chunk(0, 0, len(ids))
    found = pairs_by_blocks(chunk, 2, 4, 2)
    assert len(found) == sum(4 * n - 6 for n in lengths)


def test_a_chunk_does_not_depend_on_how_the_corpus_is_cut():
    ids = np.random.default_rng(0).integers(-1, 1200, 500).astype(np.int32)
    thresholds = blocks.keep_thresholds(np.linspace(0.05, 1, 1000))
    whole = sampler(ids, thresholds).chunk(3, 0, 500)
    parts = [sampler(ids, thresholds).chunk(3, a, b) for a, b in [(0, 137), (137, 500)]]
    np.testing.assert_array_equal(
        whole.tokens, np.concatenate([part.tokens for part in parts])
    )
    np.testing.assert_array_equal(
        whole.reach, np.concatenate([part.reach for part in parts])
    )
    assert whole.raw_words == sum(part.raw_words for part in parts)


def test_draws_depend_on_seed_epoch_and_position_alone():
    here = blocks.position_bits(1, 2, 10, 20)
    np.testing.assert_array_equal(here, blocks.position_bits(1, 2, 3, 40)[7:17])
    for other in [(0, 2), (1, 3), (2, 1)]:
        assert np.any(here != blocks.position_bits(*other, 10, 20))


@pytest.mark.parametrize("keep", [0.9, 0.3, 0.01])
def test_words_are_kept_with_their_probability(keep):
    count = 200_000
    thresholds = blocks.keep_thresholds(np.array([keep]))
    chunk = sampler(np.zeros(count), thresholds).chunk(0, 0, count)
    # Five standard deviations of a binomial: one false alarm in a million seeds.
    spread = 5 * np.sqrt(count * keep * (1 - keep))
    assert abs(len(chunk.tokens) - count * keep) < spread


def test_a_word_of_probability_one_is_always_kept_and_rare_words_never():
    ids = np.tile([0, 1], 5000)
    chunk = sampler(ids, blocks.keep_thresholds(np.ones(1))).chunk(0, 0, len(ids))
    assert len(chunk.tokens) == 5000
    assert not chunk.tokens.any()
    assert chunk.raw_words == 10_000


def test_dynamic_windows_are_uniform_and_fixed_ones_constant():
    count, window = 100_000, 5
    drawn = sampler(np.zeros(count), window=window).chunk(0, 0, count).reach
    found = np.bincount(drawn, minlength=window + 1)
    assert found[0] == 0
    expected = count / window
    # Five standard deviations of a binomial with p = 1/5.
    assert np.all(np.abs(found[1:] - expected) < 5 * np.sqrt(expected * 0.8))
    fixed = sampler(np.zeros(9), window=window, dynamic=False).chunk(0, 0, 9).reach
    assert np.all(fixed == window)


def test_sentence_ends_are_not_words():
    chunk = sampler([4, -1, 5, 6, -1]).chunk(0, 0, 5)
    np.testing.assert_array_equal(chunk.tokens, [4, 5, 6])
    assert chunk.raw_words == 3
    assert chunk.sentences[0] != chunk.sentences[1] == chunk.sentences[2]


def test_cutting_is_traced_once_for_all_starts():
    traces = []
    chunk = sampler(np.arange(40)).chunk(0, 0, 40)
    padded = blocks.pad_chunk(chunk, 200, 3, False)

    @jax.jit
    def cut(start):
        traces.append(start)
        laid = blocks.lay_streams(
            tuple(map(jnp.asarray, padded)), [jnp.int32(0)], jnp.int32(40), 60, 3
        )
        return blocks.cut_blocks(laid, start, 8, 3).tokens

    first, second = cut(jnp.int32(0)), cut(jnp.int32(8))
    assert len(traces) == 1
    np.testing.assert_array_equal(first[0, 8 : 8 + 6], second[0, :6])


def test_blocks_end_before_their_budget_is_exceeded():
    rng = np.random.default_rng(4)
    costs = rng.integers(1, 9, 200).astype(np.int32)
    share, size, most = 70, 6, 20
    firsts = [0, 70, 140]
    starts = blocks.early_ends(costs, firsts, share, size, most)
    early = 0
    for first, row in zip(firsts, starts, strict=True):
        stop = min(share, 200 - first)
        begins = [at for at in row.tolist() if at < share]
        assert begins[0] == 0
        assert row[-1] == share
        for at, after in itertools.pairwise([*begins, stop]):
            spent = costs[first + at : first + after].sum()
            assert 0 < after - at <= size
            assert spent <= most
            longer = costs[first + at : first + after + 1].sum()
            # as long as it may be: by its size, its budget or the end of the stream
            assert after - at == size or longer > most or after == stop
            early += after - at < size and after < stop
    assert early > 5


def test_blocks_that_end_early_hold_each_centre_once():
    ids = np.arange(40, dtype=np.int32) % 23
    sampler = blocks.Sampler(ids, blocks.keep_thresholds(np.ones(23)), 0, 3, True)
    chunk = sampler.chunk(0, 0, 40)
    padded = blocks.pad_chunk(chunk, 200, 3, True)
    share, size = 20, 6
    firsts = [jnp.int32(0), jnp.int32(share)]
    laid = blocks.lay_streams(
        tuple(map(jnp.asarray, padded)), firsts, jnp.int32(share), 60, 3
    )
    starts = blocks.early_ends(ids % 5 + 1, [0, share], share, size, 12)
    pairs = set()
    for begin, stop in itertools.pairwise(starts.T):
        cut = blocks.cut_blocks(laid, jnp.asarray(begin), size, 3, jnp.asarray(stop))
        for b, i, j in zip(*np.nonzero(cut.window), strict=True):
            centre = int(b) * share + int(begin[b]) + int(i)
            pair = centre, centre - int(i) + int(j) - 3
            assert pair not in pairs
            pairs.add(pair)
            assert cut.tokens[b, j] == ids[pair[1]]
    reach = chunk.reach
    assert pairs == {
        (i, j)
        for i in range(40)
        for j in range(40)
        if i != j and abs(i - j) <= reach[i]
    }
