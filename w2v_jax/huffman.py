"""Huffman's binary code of a vocabulary: short paths for frequent words.

Hierarchical softmax replaces the V-way choice of a word by the left-or-right choices
on its path from the root (note 004, "层次化 softmax"; Morin and Bengio 2005; Mikolov
et al. 2013a). Huffman's tree (1952) makes the expected number of choices as small as
any prefix code can.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class HuffmanTree:
    """Paths and codes of V words over V-1 inner nodes; the arrays are read-only.

    Node 0 is the root, and the count of a node never rises with its id: the first H
    nodes are the H most visited ones, and a parent's id is below its children's.

    Attributes:
      paths: int32 [V, L], the inner nodes from the root to the word; 0 where padded.
      codes: int8 [V, L], the branch taken at each of them, 0 or 1; 0 where padded.
      lengths: int32 [V], nodes on each path, at least 1; L is their maximum.
      node_counts: int64 [V-1], occurrences of the words below each node. Their sum
        is the sum over words of count times path length.
    """

    paths: Int32
    codes: Int8
    lengths: Int32
    node_counts: Int64

    def __post_init__(self) -> None:
        for array in (self.paths, self.codes, self.lengths, self.node_counts):
            array.setflags(write=False)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Where `paths` and `codes` hold a node: column below the word's length."""
        longest = self.paths.shape[1]
        return np.arange(longest)[None, :] < self.lengths[:, None]


def build_huffman(counts: Int64) -> HuffmanTree:
    """The Huffman tree of a vocabulary.

    Merges the two smallest weights V-1 times; the smaller branch has code 0, the
    larger code 1, as in word2vec.c. Both queues of candidates are sorted (the words,
    and the nodes in the order of their making), so the merge takes O(V).

    The longest path is bounded by the skew of the counts, not by log2 V: Fibonacci
    counts give V-1 (note 004 says at most log N, which holds only for even counts).
    A tree of depth L weighs at least the Fibonacci number F(L+2), so n occurrences
    allow at most about 1.44 log2 n levels, and int64 counts at most 90.

    Differs from word2vec.c where a word and a node weigh the same: there the node is
    taken first, here the word. Both codes are optimal; this choice has the shortest
    longest path among all optimal ones (Schwartz 1964), hence the least padding.

    Args:
      counts: int64 [V], occurrences of each word, at least 1, most frequent first.

    Raises:
      ValueError: fewer than two words, counts below 1, out of order, not whole
        numbers, or with a sum that does not fit 63 bits.
    """
    counts = _checked(counts)
    parents, branches, made_counts = _merge(counts.tolist())
    paths, codes, lengths = _climb(parents, branches)
    node_counts = np.array(made_counts[::-1], np.int64)
    return HuffmanTree(paths, codes, lengths, node_counts)


def _checked(counts: npt.ArrayLike) -> Int64:
    counts = np.asarray(counts)
    if counts.ndim != 1 or not np.issubdtype(counts.dtype, np.integer):
        raise ValueError(
            f"counts: must be whole numbers in one dimension, not {counts.dtype} "
            f"of shape {counts.shape}."
        )
    if len(counts) < 2:
        raise ValueError(
            f"counts: a Huffman tree needs at least 2 words, not {len(counts)}; "
            "lower min_count or give more text."
        )
    if counts.min() < 1:
        word = int(np.argmin(counts))
        raise ValueError(f"counts: {counts[word]} at word {word}; must be at least 1.")
    rising = np.flatnonzero(counts[1:] > counts[:-1])
    if len(rising):
        word = int(rising[0]) + 1
        raise ValueError(
            f"counts: {counts[word]} at word {word} is above the {counts[word - 1]} "
            "before it; sort the words, most frequent first."
        )
    total = sum(counts.tolist())
    if total >= 2**63:
        raise ValueError(f"counts: their sum, {total}, does not fit 63 bits.")
    return counts.astype(np.int64)


def _merge(
    counts: list[int],
) -> tuple[Int32, Int8, list[int]]:
    """Parent and branch of every word and node, and the nodes' counts as made.

    Node ids run backwards from V-2, the first pair merged, to 0, the root. Entry w of
    the arrays is word w, entry V + i is node i; the root's parent is -1.
    """
    words = len(counts)
    parents, branches = [-1] * (2 * words - 1), [0] * (2 * words - 1)
    made: list[int] = []  # counts of the nodes, in the order of their making
    word, node = words - 1, 0  # heads of the two queues: the smallest of each
    for parent in range(words - 2, -1, -1):
        total = 0
        for branch in (0, 1):
            if word >= 0 and (node == len(made) or counts[word] <= made[node]):
                child, weight = word, counts[word]
                word -= 1
            else:
                child, weight = 2 * words - 2 - node, made[node]
                node += 1
            parents[child], branches[child] = parent, branch
            total += weight
        made.append(total)
    return np.array(parents, np.int32), np.array(branches, np.int8), made


def _climb(parents: Int32, branches: Int8) -> tuple[Int32, Int8, Int32]:
    """Paths, codes and lengths: all words climb to the root together, by level."""
    words = (len(parents) + 1) // 2
    lengths = np.zeros(words, np.int32)
    at = np.arange(words)
    while len(climbing := np.flatnonzero(parents[at] >= 0)):
        lengths[climbing] += 1
        at[climbing] = words + parents[at[climbing]]
    paths = np.zeros((words, int(lengths.max())), np.int32)
    codes = np.zeros(paths.shape, np.int8)
    at = np.arange(words)
    for height in range(paths.shape[1]):
        climbing = np.flatnonzero(lengths > height)
        below = at[climbing]
        column = lengths[climbing] - 1 - height  # root first
        paths[climbing, column] = parents[below]
        codes[climbing, column] = branches[below]
        at[climbing] = words + parents[below]
    return paths, codes, lengths
