"""Draws a Huffman tree: words at the leaves, codes on the branches."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from w2v_jax.huffman import HuffmanTree

Place = tuple[float, float]


def leaf_order(tree: HuffmanTree) -> list[int]:
    """Word ids from left to right: by code, branch 0 to the left."""
    codes = [tuple(c[:n]) for c, n in zip(tree.codes, tree.lengths, strict=True)]
    return sorted(range(len(codes)), key=codes.__getitem__)


def places(tree: HuffmanTree) -> tuple[dict[int, Place], dict[int, Place]]:
    """(words, inner nodes): id -> (x, -depth); a node stands between its leaves."""
    order = leaf_order(tree)
    words = {w: (float(x), -float(tree.lengths[w])) for x, w in enumerate(order)}
    below: dict[int, list[float]] = {}
    depth: dict[int, int] = {}
    for word, (x, _) in words.items():
        for level in range(int(tree.lengths[word])):
            node = int(tree.paths[word, level])
            below.setdefault(node, []).append(x)
            depth[node] = level
    nodes = {n: (float(np.mean(xs)), -float(depth[n])) for n, xs in below.items()}
    return words, nodes


def draw(
    axis: Any, tree: HuffmanTree, words: Sequence[str], highlight: str | None = None
) -> None:
    """Draws on a matplotlib axis.

    Args:
      axis: matplotlib's Axes.
      tree: of `build_huffman`.
      words: one label for each leaf, by id.
      highlight: a word whose path is drawn thick; None for none.
    """
    leaves, nodes = places(tree)
    marked = words.index(highlight) if highlight is not None else -1
    drawn = set()
    for word in range(len(words)):
        length = int(tree.lengths[word])
        path = [nodes[int(n)] for n in tree.paths[word, :length]] + [leaves[word]]
        for level, (above, below) in enumerate(itertools.pairwise(path)):
            thick = word == marked
            if (above, below) in drawn and not thick:
                continue
            drawn.add((above, below))
            axis.plot(
                (above[0], below[0]),
                (above[1], below[1]),
                color="tab:red" if thick else "0.6",
                linewidth=2.5 if thick else 1,
                zorder=2 if thick else 1,
            )
            middle = (above[0] + below[0]) / 2, (above[1] + below[1]) / 2
            axis.text(*middle, int(tree.codes[word, level]), fontsize=8, zorder=3)
    for node, (x, y) in nodes.items():
        count = int(tree.node_counts[node])
        axis.text(
            x, y, count, ha="center", va="center", fontsize=7, zorder=4,
            bbox={"boxstyle": "circle", "facecolor": "white", "edgecolor": "0.4"},
        )  # fmt: skip
    for word, (x, y) in leaves.items():
        axis.text(x, y - 0.12, words[word], ha="center", va="top", fontsize=9)
    axis.set_axis_off()
