import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.huffman_drawing import draw, leaf_order, places
from w2v_jax.huffman import build_huffman

WORDS = ["a", "b", "c", "d"]


@pytest.fixture
def tree():
    return build_huffman(np.array([8, 4, 2, 1]))


def test_leaves_stand_from_left_to_right_in_the_order_of_their_codes(tree):
    order = leaf_order(tree)
    codes = ["".join(map(str, tree.codes[w, : tree.lengths[w]])) for w in order]
    assert sorted(codes) == codes
    assert sorted(order) == [0, 1, 2, 3]


def test_a_word_stands_as_deep_as_its_path_is_long(tree):
    words, nodes = places(tree)
    assert [-words[w][1] for w in range(4)] == tree.lengths.tolist()
    assert nodes[0][1] == 0  # the root on top


def test_a_node_stands_between_its_leaves(tree):
    words, nodes = places(tree)
    for node, (x, _) in nodes.items():
        below = [
            words[w][0] for w in range(4) if node in tree.paths[w, : tree.lengths[w]]
        ]
        assert min(below) < x < max(below)


def test_every_branch_is_drawn_once_and_the_path_of_a_word_thick(tree):
    axis = Figure().subplots()
    draw(axis, tree, WORDS)
    assert len(axis.lines) == 2 * len(WORDS) - 2  # a tree of 2V - 1 nodes
    labels = {text.get_text() for text in axis.texts}
    assert set(WORDS) <= labels
    marked = Figure().subplots()
    draw(marked, tree, WORDS, highlight="d")
    thick = [line for line in marked.lines if line.get_linewidth() > 2]
    assert len(thick) == tree.lengths[3]
