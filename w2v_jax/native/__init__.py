"""The block step once more, in C++, for the cores of this machine.

XLA's CPU backend pays for every small product and every gathered row; on the blocks of
negative sampling and of hierarchical softmax that is most of the time. Under full
softmax it writes every score to memory and reads it again. The same step stands here as
a call of XLA's foreign function interface: the same samples, the same gradient, the
same updates, several times faster. It is compiled on first use and kept in the cache
directory. The pure path defines what it must compute; tests hold the two together,
block by block.

    simd.h, products.h        vectors, products over rows that lie anywhere
    rows.h                    the rows a replica uses between two meetings
    block.h                   windows, averages
    negative_sampling.h       one step of each objective
    hierarchical_softmax.h
    softmax.h, slice.h
    meeting.h                 where replicas wait for each other
    sampling.h, sampling.py   subsampling and windows, bit for bit
    chunk.cc                  threads, meetings, the calls
    build.py, calls.py        compiling it, calling it from jax
    engine.py                 the engine that trains with it
"""
