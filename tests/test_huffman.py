import heapq
import itertools
import time

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.huffman import HuffmanTree, build_huffman
from w2v_jax.losses import hierarchical_softmax_loss

# Small numbers make ties, large ones make skew.
COUNTS = st.one_of(
    st.lists(st.integers(1, 4), min_size=2, max_size=60),
    st.lists(st.integers(1, 10**12), min_size=2, max_size=60),
).map(lambda counts: np.array(sorted(counts, reverse=True), np.int64))


def fibonacci(size: int) -> np.ndarray:
    counts = [1, 1]
    while len(counts) < size:
        counts.append(counts[-1] + counts[-2])
    return np.array(counts[::-1], np.int64)


def expected_length(counts: np.ndarray, tree: HuffmanTree) -> int:
    """Branches taken over the whole corpus."""
    return sum(int(c) * int(n) for c, n in zip(counts, tree.lengths, strict=True))


def heap_cost(counts: np.ndarray) -> int:
    """Huffman's cost from a priority queue: each merge costs what it weighs."""
    heap, cost = [int(count) for count in counts], 0
    heapq.heapify(heap)
    while len(heap) > 1:
        weight = heapq.heappop(heap) + heapq.heappop(heap)
        cost += weight
        heapq.heappush(heap, weight)
    return cost


def word2vec_lengths(counts: np.ndarray) -> list[int]:
    """Code lengths under word2vec.c's rule: at a tie the node is taken first."""
    words = len(counts)
    weights = [int(count) for count in counts] + [0] * (words - 1)
    parents: dict[int, int] = {}
    word, node = words - 1, words
    for made in range(words, 2 * words - 1):
        for _ in range(2):
            no_node = node == made
            if word >= 0 and (no_node or weights[word] < weights[node]):
                child, word = word, word - 1
            else:
                child, node = node, node + 1
            parents[child] = made
            weights[made] += weights[child]
    lengths = []
    for leaf in range(words):
        length = 0
        while leaf in parents:
            leaf, length = parents[leaf], length + 1
        lengths.append(length)
    return lengths


def words_of(tree: HuffmanTree) -> list[tuple[int, ...]]:
    return [
        tuple(code[:length].tolist())
        for code, length in zip(tree.codes, tree.lengths, strict=True)
    ]


@given(COUNTS)
def test_the_cost_is_that_of_merging_from_a_priority_queue(counts):
    tree = build_huffman(counts)
    assert expected_length(counts, tree) == heap_cost(counts)
    assert int(tree.node_counts.sum()) == heap_cost(counts)


@pytest.mark.parametrize("words", [2, 3, 4, 5])
def test_of_all_complete_codes_of_a_tiny_vocabulary_the_cost_and_depth_are_least(
    words,
):
    # An optimal code is complete, so its lengths have a Kraft sum of exactly 1.
    complete = [
        lengths
        for lengths in itertools.product(range(1, words), repeat=words)
        if sum(2 ** (words - length) for length in lengths) == 2**words
    ]
    for counts in itertools.combinations_with_replacement([9, 5, 3, 2, 1], words):
        costs = [
            sum(c * n for c, n in zip(counts, lengths, strict=True))
            for lengths in complete
        ]
        best = [
            max(lengths)
            for lengths, cost in zip(complete, costs, strict=True)
            if cost == min(costs)
        ]
        tree = build_huffman(np.array(counts, np.int64))
        assert expected_length(np.array(counts), tree) == min(costs)
        assert tree.paths.shape[1] == min(best)


@given(COUNTS)
def test_the_cost_is_that_of_word2vec_c_and_no_path_is_longer_than_its_longest(
    counts,
):
    tree, theirs = build_huffman(counts), word2vec_lengths(counts)
    assert expected_length(counts, tree) == int(np.dot(counts, theirs))
    assert tree.lengths.max() <= max(theirs)


@given(COUNTS)
def test_no_code_is_a_prefix_of_another_and_the_code_is_complete(counts):
    tree = build_huffman(counts)
    codes = sorted(words_of(tree))
    # In sorted order a prefix stands directly before some word that it begins.
    for first, second in itertools.pairwise(codes):
        assert second[: len(first)] != first
    longest = max(len(code) for code in codes)
    assert sum(2 ** (longest - len(code)) for code in codes) == 2**longest


@given(COUNTS)
def test_a_more_frequent_word_never_has_a_longer_path(counts):
    assert (np.diff(build_huffman(counts).lengths) >= 0).all()


@given(COUNTS)
def test_paths_lead_from_the_root_and_agree_with_the_codes(counts):
    tree = build_huffman(counts)
    children: dict[tuple[int, int], set[tuple[str, int]]] = {}
    for word, code in enumerate(words_of(tree)):
        path = tree.paths[word, : len(code)].tolist()
        assert path[0] == 0
        assert path == sorted(set(path)), "a parent's id is below its children's"
        below = [("node", node) for node in path[1:]] + [("word", word)]
        for node, branch, child in zip(path, code, below, strict=True):
            children.setdefault((node, branch), set()).add(child)
    # Every node of V-1 has exactly one child on each of its two branches.
    assert set(children) == set(itertools.product(range(len(counts) - 1), (0, 1)))
    assert all(len(child) == 1 for child in children.values())


@given(COUNTS)
def test_node_counts_are_the_visits_of_each_node_and_never_rise(counts):
    tree = build_huffman(counts)
    visits = np.zeros(len(counts) - 1, np.int64)
    np.add.at(visits, tree.paths[tree.mask], np.repeat(counts, tree.lengths))
    np.testing.assert_array_equal(tree.node_counts, visits)
    assert (np.diff(tree.node_counts) <= 0).all()
    assert tree.node_counts[0] == counts.sum()


@given(COUNTS)
def test_the_larger_branch_has_code_1(counts):
    tree = build_huffman(counts)
    weights = np.zeros((len(counts) - 1, 2), np.int64)
    branches = (tree.paths[tree.mask], tree.codes[tree.mask])
    np.add.at(weights, branches, np.repeat(counts, tree.lengths))
    assert (weights[:, 0] <= weights[:, 1]).all()


@given(COUNTS)
def test_padding_is_zero_and_the_mask_covers_the_rest(counts):
    tree = build_huffman(counts)
    np.testing.assert_array_equal(tree.mask.sum(axis=1), tree.lengths)
    assert not tree.paths[~tree.mask].any()
    assert not tree.codes[~tree.mask].any()
    assert set(np.unique(tree.codes)) == {0, 1}


def test_shapes_and_types_are_those_of_the_docstring_and_arrays_are_read_only():
    counts = np.array([7, 5, 2, 1, 1], np.int64)
    tree = build_huffman(counts)
    words, longest = len(counts), int(tree.lengths.max())
    for array, shape, dtype in (
        (tree.paths, (words, longest), np.int32),
        (tree.codes, (words, longest), np.int8),
        (tree.lengths, (words,), np.int32),
        (tree.node_counts, (words - 1,), np.int64),
        (tree.mask, (words, longest), np.bool_),
    ):
        assert array.shape == shape
        assert array.dtype == dtype
    with pytest.raises(ValueError, match="read-only"):
        tree.paths[0, 0] = 1


def test_two_words_share_the_root_and_the_frequent_one_has_code_1():
    tree = build_huffman(np.array([5, 3], np.int64))
    np.testing.assert_array_equal(tree.paths, [[0], [0]])
    np.testing.assert_array_equal(tree.codes, [[1], [0]])
    np.testing.assert_array_equal(tree.node_counts, [5 + 3])


def test_fibonacci_counts_make_a_tree_as_deep_as_it_can_be():
    # Note 004 says that the depth is at most log N; the counts decide, not N.
    words = 40
    tree = build_huffman(fibonacci(words))
    assert tree.paths.shape == (words, words - 1)
    expected = [*range(1, words), words - 1]
    np.testing.assert_array_equal(tree.lengths, expected)


def test_equal_counts_of_a_power_of_two_make_a_tree_of_log_v_levels():
    tree = build_huffman(np.full(2**6, 3, np.int64))
    np.testing.assert_array_equal(tree.lengths, np.full(2**6, 6))


def test_the_same_counts_give_the_same_tree():
    counts = np.array([3] * 7 + [2] * 9 + [1] * 30, np.int64)
    first, second = build_huffman(counts), build_huffman(counts.copy())
    np.testing.assert_array_equal(first.paths, second.paths)
    np.testing.assert_array_equal(first.codes, second.codes)


@pytest.mark.parametrize(
    "counts",
    [np.array([5, 3]), np.full(33, 2), fibonacci(30), 10**6 // np.arange(1, 300)],
    ids=["two words", "equal", "fibonacci", "zipf"],
)
def test_the_probabilities_of_all_words_sum_to_1_under_random_node_vectors(counts, x64):
    tree = build_huffman(counts.astype(np.int64))
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=8)
    nodes = rng.normal(size=(len(counts) - 1, 8))
    losses = jax.vmap(hierarchical_softmax_loss, (None, 0, 0, 0))(
        hidden, nodes[tree.paths], tree.codes, tree.mask
    )
    assert (losses > 0).all()
    # A sum of at most 300 float64 terms below 1: rounding stays below 300 eps.
    np.testing.assert_allclose(np.exp(-np.asarray(losses)).sum(), 1, rtol=1e-13)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (np.array([4]), "at least 2 words, not 1"),
        (np.array([], np.int64), "at least 2 words, not 0"),
        (np.array([3, 2, 0]), "0 at word 2; must be at least 1"),
        (np.array([3, -2]), "-2 at word 1"),
        (np.array([3, 2, 2, 4]), "4 at word 3 is above the 2"),
        (np.array([3.0, 2.0]), "whole numbers in one dimension, not float64"),
        (np.array([[3, 2]]), r"of shape \(1, 2\)"),
        (np.array([2**62, 2**62]), "does not fit 63 bits"),
    ],
    ids=[
        "one word",
        "none",
        "zero",
        "negative",
        "rising",
        "floats",
        "two dimensions",
        "overflow",
    ],
)
def test_counts_that_are_no_vocabulary_are_refused(counts, says):
    with pytest.raises(ValueError, match=says):
        build_huffman(counts)


@pytest.mark.slow
def test_a_vocabulary_of_400_000_words_takes_seconds():
    words = 400_000
    counts = (10**9 // np.arange(1, words + 1)).astype(np.int64)
    begin = time.perf_counter()
    tree = build_huffman(counts)
    # 0.5 s measured; ten times that allows for a busy machine but not for O(V^2).
    assert time.perf_counter() - begin < 5
    assert int(tree.node_counts.sum()) == heap_cost(counts)
