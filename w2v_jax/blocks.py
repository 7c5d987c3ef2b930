"""From word ids to blocks: subsampling, windows, sentence bounds.

A chunk is a fixed range of positions of the encoded corpus, sampled on the host; a
block is T consecutive kept tokens of a chunk with m more on either side, cut on the
device. What is kept and how far each window reaches are functions of (seed, epoch,
position), so a chunk can be made anew at any time, in any order, for any layout.
"""

from collections.abc import Sequence
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

_POSITIONS_PER_COUNTER = 4  # one step of Philox4x64 yields 4 x 64 bits
_APART = 16  # so many streams are cut one by one, more by one gather: a short program
EMPTY = -1  # the token of a slot beyond the text


class Chunk(NamedTuple):
    """The kept tokens of one range of the corpus.

    Attributes:
      tokens: int32 [n], ids of the kept tokens in order.
      reach: int32 [n], words to each side that each takes as a centre, 1 to m.
      sentences: int32 [n], equal for tokens of one sentence; None if the range holds
        no sentence end.
      raw_words: tokens read, rare words included.
    """

    tokens: npt.NDArray[np.int32]
    reach: npt.NDArray[np.int32]
    sentences: npt.NDArray[np.int32] | None
    raw_words: int


class Streams(NamedTuple):
    """A chunk as B parallel streams, each between halos of m slots.

    Attributes:
      tokens: int32 [B, P + 2 m + T], EMPTY beyond the text.
      reach: int32 of the same shape, 0 where the slot is no centre of this stream.
      sentences: int32 of the same shape, or None where no bound lies in the corpus.
    """

    tokens: jax.Array
    reach: jax.Array
    sentences: jax.Array | None


@flax.struct.dataclass
class Block:
    """B blocks of T tokens side by side, with m tokens of halo at both ends.

    Attributes:
      tokens: int32 [B, C], C = T + 2 m; 0 where the window never looks.
      window: float32 [B, T, C], 1 where slot j is in the window of centre i.
    """

    tokens: jax.Array
    window: jax.Array

    @property
    def centres(self) -> jax.Array:
        """int32 [B, T], the ids of the centre words."""
        size, wide = self.window.shape[-2:]
        halo = (wide - size) // 2
        return self.tokens[..., halo : halo + size]


def position_bits(
    seed: int, epoch: int, start: int, stop: int
) -> npt.NDArray[np.uint32]:
    """uint32 [stop - start, 2]: two uniform draws for each position of the corpus."""
    generator = np.random.Philox(key=np.array([seed, epoch], np.uint64))
    generator.advance(start // _POSITIONS_PER_COUNTER)
    skip = start % _POSITIONS_PER_COUNTER
    raw = generator.random_raw(skip + stop - start)[skip:]
    return raw.view(np.uint32).reshape(-1, 2)


def keep_thresholds(
    probabilities: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint32]:
    """uint32 [V]: a token is kept where its draw is at most this."""
    edges = np.clip(np.ceil(probabilities * 2.0**32), 1.0, 2.0**32)
    return (edges - 1.0).astype(np.uint32)


class Sampler(NamedTuple):
    """How chunks are sampled: a pure function of (epoch, start, stop).

    Attributes:
      ids: int32 [P], the encoded corpus: ids by falling frequency, -1 at the end of
        a sentence; ids of V and above are rare words.
      thresholds: uint32 [V] of `keep_thresholds`.
      seed: the seed of the run.
      window: m.
      dynamic: whether windows reach U{1..m} words (word2vec.c) or always m.
    """

    ids: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.uint32]
    seed: int
    window: int
    dynamic: bool

    def chunk(self, epoch: int, start: int, stop: int) -> Chunk:
        """Drops rare words and subsamples frequent ones before windows are drawn."""
        piece = np.asarray(self.ids[start:stop])
        drawn = position_bits(self.seed, epoch, start, start + len(piece))
        keep = piece.view(np.uint32) < len(self.thresholds)  # -1 becomes 2^32 - 1
        places = np.flatnonzero(keep)
        tokens = piece[places]
        kept = drawn[places, 0] <= self.thresholds[tokens]
        places, tokens = places[kept], tokens[kept]
        reach = np.full(len(places), self.window, np.int32)
        if self.dynamic:
            wide = drawn[places, 1].astype(np.uint64) * np.uint64(self.window)
            reach = (wide >> np.uint64(32)).astype(np.int32) + 1
        ends = piece < 0
        count = int(np.count_nonzero(ends))
        sentences = np.cumsum(ends, dtype=np.int32)[places] if count else None
        return Chunk(tokens, reach, sentences, len(piece) - count)


def pad_chunk(
    chunk: Chunk, room: int, window: int, with_sentences: bool
) -> tuple[npt.NDArray[np.int32], ...]:
    """(tokens, reach[, sentences]), each int32 [room], the chunk m slots from the left.

    One shape for all chunks of a run, so that the step is traced once.
    """
    place = slice(window, window + len(chunk.tokens))
    tokens = np.full(room, EMPTY, np.int32)
    reach = np.zeros(room, np.int32)
    tokens[place], reach[place] = chunk.tokens, chunk.reach
    if not with_sentences:
        return tokens, reach
    sentences = np.zeros(room, np.int32)
    if chunk.sentences is not None:
        sentences[place] = chunk.sentences
    return tokens, reach, sentences


def chunk_room(capacity: int, streams: int, size: int, window: int) -> int:
    """Slots of a padded chunk from which every stream can be cut in one piece."""
    return capacity + streams + stream_room(capacity, streams, size, window)


def stream_room(capacity: int, streams: int, size: int, window: int) -> int:
    """Slots that one stream of a chunk of `capacity` tokens needs, halos included."""
    share = -(-capacity // streams)
    return -(-share // size) * size + size + 2 * window


def lay_streams(
    padded: tuple[jax.Array, ...],
    firsts: jax.Array | Sequence[jax.Array],
    share: jax.Array,
    room: int,
    window: int,
) -> Streams:
    """Cuts a padded chunk into streams that can advance side by side.

    Args:
      padded: of `pad_chunk`, of `chunk_room` slots at least.
      firsts: the first centre of each stream.
      share: centres of each stream.
      room: of `stream_room`.
      window: m.
    """

    def laid(flat: jax.Array) -> jax.Array:
        def cut(first: jax.Array) -> jax.Array:
            return jax.lax.dynamic_slice(flat, (first,), (room,))

        if len(firsts) > _APART:
            return jax.vmap(cut)(jnp.asarray(firsts))
        return jnp.stack([cut(firsts[number]) for number in range(len(firsts))])

    tokens, reach, *rest = (laid(flat) for flat in padded)
    place = jnp.arange(room, dtype=jnp.int32) - window
    own = (place >= 0) & (place < share)
    return Streams(tokens, jnp.where(own[None], reach, 0), rest[0] if rest else None)


def early_ends(
    costs: npt.NDArray[np.int32], firsts: list[int], share: int, size: int, most: int
) -> npt.NDArray[np.int32]:
    """Where blocks begin whose centres may cost no more than `most` together.

    Args:
      costs: int32 [n], of each kept token of a chunk, each at most `most`.
      firsts: the first centre of each stream.
      share: centres of each stream.
      size: T, the most centres of a block.
      most: the budget of a block.

    Returns:
      int32 [B, steps + 1], from each stream's first centre; its share at the end.
    """
    count = len(costs)
    sums = np.concatenate([[0], np.cumsum(costs, dtype=np.int64)])
    reached = np.searchsorted(sums, sums[:-1] + most, side="right") - 1
    after = np.minimum(reached, np.arange(count) + size).tolist()
    starts = []
    for first in firsts:
        at, stop, row = first, min(first + share, count), []
        while at < stop:
            row.append(at - first)
            at = after[at]
        starts.append(row)
    table = np.full((len(starts), max(map(len, starts)) + 1), share, np.int32)
    for line, begins in zip(table, starts, strict=True):
        line[: len(begins)] = begins
    return table


def cut_blocks(
    streams: Streams,
    start: jax.Array,
    size: int,
    window: int,
    stop: jax.Array | None = None,
) -> Block:
    """The block of T centres that begins `start` centres into each stream.

    With a start [B] for each stream and a stop [B], centres from `stop` on take no
    part: they belong to the next block.

    M of the block form is its `window`: |i - j| at most the reach of centre i, i and
    j different, both in the text and in one sentence.
    """
    wide = size + 2 * window

    def cut(laid: jax.Array, start: jax.Array, length: int) -> jax.Array:
        if not start.ndim:
            return jax.lax.dynamic_slice_in_dim(laid, start, length, 1)
        slots = start[:, None] + jnp.arange(length, dtype=jnp.int32)[None]
        return jnp.take_along_axis(laid, slots, 1, mode="promise_in_bounds")

    tokens = cut(streams.tokens, start, wide)
    reach = cut(streams.reach, start + window, size)
    if stop is not None:
        mine = jnp.arange(size, dtype=jnp.int32)[None] < (stop - start)[:, None]
        reach = jnp.where(mine, reach, 0)
    offset = np.abs(np.arange(wide)[None] - np.arange(size)[:, None] - window)
    offset[offset == 0] = window + 1  # a word is not its own context
    near = jnp.asarray(offset, jnp.int32)[None] <= reach[:, :, None]
    mask = near & (tokens >= 0)[:, None, :]
    if streams.sentences is not None:
        line = cut(streams.sentences, start, wide)
        mask &= line[:, None, :] == line[:, window : window + size, None]
    # The barrier keeps XLA from working the mask out anew in each of its uses.
    weights, ids = jax.lax.optimization_barrier(
        (mask.astype(jnp.float32), jnp.maximum(tokens, 0))
    )
    return Block(ids, weights)
