"""Sampling a chunk natively, bit for bit as `w2v_jax.blocks.Sampler` does it."""

import ctypes

import numpy as np
import numpy.typing as npt

from w2v_jax.blocks import Chunk, Sampler
from w2v_jax.native import build


def chunk(sampler: Sampler, epoch: int, start: int, stop: int) -> Chunk:
    """The kept tokens of a range of the corpus, as `Sampler.chunk` gives them.

    Args:
      sampler: the ids, thresholds, seed and window of a run.
      epoch: the pass.
      start: position of the first token.
      stop: one after the last, which may lie beyond the corpus.
    """
    piece = np.ascontiguousarray(sampler.ids[start:stop])
    room = len(piece) + 1  # the function writes before it decides
    tokens, reach, sentences = (np.empty(room, np.int32) for _ in range(3))
    counted = ctypes.c_int64()
    count = build.symbol("W2vSample", ctypes.c_int64)(
        _pointer(piece),
        ctypes.c_int64(start),
        ctypes.c_int64(start + len(piece)),
        _pointer(sampler.thresholds),
        ctypes.c_int64(len(sampler.thresholds)),
        ctypes.c_uint64(sampler.seed),
        ctypes.c_uint64(epoch),
        ctypes.c_uint32(sampler.window),
        ctypes.c_bool(sampler.dynamic),
        _pointer(tokens),
        _pointer(reach),
        _pointer(sentences),
        ctypes.byref(counted),
    )
    bounded = counted.value < len(piece)
    return Chunk(
        tokens[:count],
        reach[:count],
        sentences[:count] if bounded else None,
        counted.value,
    )


def _pointer(array: npt.NDArray[np.int32] | npt.NDArray[np.uint32]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
