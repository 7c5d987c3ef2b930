"""Sampling a chunk on the device: the bits of `blocks.Sampler`, without the host.

What is kept and how far windows reach are functions of (seed, epoch, position): the 64
bits that Philox4x64-10 (Salmon et al. 2011) gives NumPy's generator for a position. So
an accelerator draws them itself, each position alone, from the words as they stand in
the text; the host sends those and knows how many were kept when it looks.

jax has no 64-bit integers unless asked: such a number is a pair of 32-bit words here,
the high one first.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax.blocks import EMPTY, Sampler

_ROUNDS = 10
_FACTORS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_STEPS = (
    0x9E3779B97F4A7C15,
    0xBB67AE8584CAA73B,
)  # of the keys
_WORD, _LOW = 2**32 - 1, 2**16 - 1
_PER_BLOCK = 4  # positions that one block of Philox serves
Long = tuple[jax.Array, jax.Array]


@flax.struct.dataclass
class Unsampled:
    """One chunk of the text as it stands, and what goes with it.

    Attributes:
      piece: int32 [P], word ids as in `Sampler.ids`, and -1 beyond the text.
      skip: [], positions of the first block of draws that lie before the chunk.
      block: uint32 [2], number of that block.
      keys: uint32 [10, 2, 2], the two keys of each round, a function of (seed, epoch).
      thresholds: uint32 [V] of `keep_thresholds`.
      rates: as in `chunk_loop.Feed`; so is key.
      with_sentences: whether the corpus holds sentence ends.
    """

    piece: jax.Array
    skip: jax.Array
    block: jax.Array
    keys: jax.Array
    thresholds: jax.Array
    rates: jax.Array
    key: jax.Array
    with_sentences: bool = flax.struct.field(  # type: ignore[no-untyped-call]
        pytree_node=False
    )


class Drawn(NamedTuple):
    """What `sample` returns: `pad_chunk`'s arrays and how many tokens they hold."""

    padded: tuple[jax.Array, ...]
    length: jax.Array


def _words(number: int) -> list[int]:
    return [number >> 32 & _WORD, number & _WORD]


def round_keys(seed: int, epoch: int) -> npt.NDArray[np.uint32]:
    """uint32 [10, 2, 2]: the keys of Philox's rounds."""
    keys = [
        [_words(first + number * step) for first, step in zip(key, _STEPS, strict=True)]
        for number, key in enumerate([(seed, epoch)] * _ROUNDS)
    ]
    return np.array(keys, np.uint32)


def text_piece(
    ids: npt.NDArray[np.int32], start: int, capacity: int
) -> tuple[npt.NDArray[np.int32], int]:
    """Word ids of so many positions, -1 beyond the text, and its raw words."""
    piece = np.full(capacity, -1, np.int32)
    there = ids[start : start + capacity]
    piece[: len(there)] = there
    return piece, int(np.count_nonzero(piece >= 0))


def unsampled(
    sampler: Sampler,
    place: tuple[int, int],
    piece: npt.NDArray[np.int32],
    rates: npt.NDArray[np.float32],
    key: jax.Array,
    with_sentences: bool,
) -> Unsampled:
    """A chunk for the device.

    Args:
      sampler: what is kept.
      place: (epoch, position at which the chunk begins).
      piece: of `text_piece`.
      rates: as in `chunk_loop.Feed`; so is key.
      key: of the chunk's other draws.
      with_sentences: whether the corpus holds sentence ends.
    """
    epoch, start = place
    whole: Any = {
        "piece": piece,
        "skip": np.int32(start % _PER_BLOCK),
        "block": np.array(_words(start // _PER_BLOCK), np.uint32),
        "keys": round_keys(sampler.seed, epoch),
        "thresholds": sampler.thresholds,
        "rates": rates,
        "key": key,
    }
    return Unsampled(**whole, with_sentences=with_sentences)


def sample(given: Unsampled, room: int, window: int, dynamic: bool) -> Drawn:
    """What `blocks.pad_chunk` makes of `Sampler.chunk`, on the device.

    Args:
      given: of `unsampled`.
      room: slots of the padded arrays.
      window: m.
      dynamic: whether windows reach U{1..m} words or always m.
    """
    piece, words = given.piece, given.thresholds.shape[0]
    low, high = _draws(given, piece.shape[0])
    known = (piece >= 0) & (piece < words)
    id_or_first = jnp.where(known, piece, 0)
    limits = given.thresholds.at[id_or_first].get(mode="promise_in_bounds")
    kept = known & (low <= limits)
    rank = jnp.cumsum(kept, dtype=jnp.int32)
    slots = jnp.where(kept, rank - 1 + window, room)  # beyond the end: dropped
    if dynamic:
        reach = _product(high, window)[0].astype(jnp.int32) + 1
    else:
        reach = jnp.full_like(piece, window)

    def laid(values: jax.Array, fill: int) -> jax.Array:
        return jnp.full(room, fill, jnp.int32).at[slots].set(values, mode="drop")

    padded: tuple[jax.Array, ...] = (laid(piece, EMPTY), laid(reach, 0))
    if given.with_sentences:
        padded += (laid(jnp.cumsum(piece < 0, dtype=jnp.int32), 0),)
    return Drawn(padded, rank[-1])


def _draws(given: Unsampled, count: int) -> Long:
    """uint32 [count] twice: the low and the high draw of each position of a chunk."""
    blocks = -(-count // _PER_BLOCK) + 1
    place = jnp.arange(blocks, dtype=jnp.uint32)
    zero = jnp.zeros(blocks, jnp.uint32)
    first = (given.block[0], given.block[1])
    # NumPy counts before it draws.
    counter = _sum(_sum(first, (zero, place)), (zero, zero + jnp.uint32(1)))
    numbers: list[Long] = [counter, (zero, zero), (zero, zero), (zero, zero)]
    for number in range(_ROUNDS):
        keys = [(given.keys[number, k, 0], given.keys[number, k, 1]) for k in range(2)]
        high_one, low_one = _wide_product(numbers[0], _FACTORS[0])
        high_two, low_two = _wide_product(numbers[2], _FACTORS[1])
        numbers = [
            _either(_either(high_two, numbers[1]), keys[0]),
            low_two,
            _either(_either(high_one, numbers[3]), keys[1]),
            low_one,
        ]

    def in_order(half: int) -> jax.Array:
        flat = jnp.stack([number[half] for number in numbers], 1).reshape(-1)
        return jax.lax.dynamic_slice(flat, (given.skip,), (count,))

    return in_order(1), in_order(0)


def _either(x: Long, y: Long) -> Long:
    return x[0] ^ y[0], x[1] ^ y[1]


def _sum(x: Long, y: Long) -> Long:
    low = x[1] + y[1]
    carry = (low < x[1]).astype(jnp.uint32)
    return x[0] + y[0] + carry, low


def _product(x: jax.Array, factor: int) -> Long:
    """All 64 bits of x times a 32-bit factor, by halves of 16 bits."""
    x_high, x_low = x >> 16, x & _LOW
    y_high, y_low = jnp.uint32(factor >> 16), jnp.uint32(factor & _LOW)
    least = x_low * y_low
    middle = x_high * y_low + (least >> 16)
    other = x_low * y_high + (middle & _LOW)
    high = x_high * y_high + (middle >> 16) + (other >> 16)
    return high, other << 16 | least & _LOW


def _wide_product(x: Long, factor: int) -> tuple[Long, Long]:
    """The high and the low 64 bits of x times a 64-bit factor."""
    y_high, y_low = _words(factor)
    zero = jnp.zeros_like(x[0])
    least, most = _product(x[1], y_low), _product(x[0], y_high)
    inner, outer = _product(x[1], y_high), _product(x[0], y_low)
    # What stands above the lowest 32 bits; no sum reaches 2^64.
    middle = _sum(_sum(inner, (zero, least[0])), (zero, outer[1]))
    high = _sum(_sum(most, (zero, middle[0])), (zero, outer[0]))
    return high, (middle[1], least[1])
