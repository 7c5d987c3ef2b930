"""Chunks of any shape for the native step, beside what the oracle makes of them.

`python -m tests.native.cases LIBRARY` trains a few hundred random ones with a library
compiled in another way, and ends with exit code 1 at the first that differs.
"""

import ctypes
import dataclasses
import random
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tests.models import config, vocabulary
from tests.native import oracle
from w2v_jax.blocks import Chunk, pad_chunk, stream_room
from w2v_jax.config import ARCHITECTURES, ResolvedConfig
from w2v_jax.native import build, calls
from w2v_jax.step import get_model

# The edges of the tiles (vectors of 4, 8 or 16 floats, 7 of them in registers, groups
# of 2, 3, 6 and 8 rows, blocks of half a vector), windows wider than blocks and than
# the text, meetings without a token, trees of one node.
SIZES: dict[str, tuple[Any, ...]] = {
    "dim": (1, 2, 7, 15, 16, 17, 33, 64, 112, 113, 129, 300),
    "window": (1, 2, 3, 5, 8, 9, 17, 40),
    "block": (1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 64, 200),
    "shared_noise": (1, 2, 3, 8, 11, 33, 80, 296),
    "noise_pool": (0, 0, 1, 7, 40),
    "replicas": (1, 1, 2, 3, 5, 9),
    "exchange_every": (1, 2, 3, 1000),
    "row_cap": (0.0, 0.0, 0.5, 2.5, 20.0),
    "input_rate_scale": (1.0, 1.5),
    "cbow_hidden": ("average", "sum"),
    "dynamic_window": (True, False),
    "negatives": (1, 5),
    "gradient": ("exact", "exact", "word2vec_c", "gensim", "fasttext"),
}
MODELS = [(a, o) for a in ARCHITECTURES for o in build.TARGETS]
LENGTHS = (0, 1, 2, 3, 5, 17, 40, 90)
DEEP = 36  # so many words, each twice as frequent as the next: a path of 35 nodes
WORDS = (2, 3, 4, 23, DEEP, 60, 150)
SENTENCES = (0.0, 0.1, 0.5, 1.0)  # chance that a token begins one; 0: no bounds at all


class Case(NamedTuple):
    """A chunk with all that goes into its training."""

    config: ResolvedConfig
    tables: dict[str, Any]
    constants: Any
    text: tuple[Any, ...]
    key: int
    rates: Any


def case(model, length=40, words=23, sentences=0.1, seed=0, **sizes):
    """A chunk of random text; the rate falls with the number of pairs of a row."""
    rate = 0.05 / sizes.get("window", 3)
    fixed = {"streams": 1, "kernel": "native", "learning_rate": rate}
    if tuple(model) == ("skipgram", "softmax"):
        fixed["gradient"] = "exact"  # it has no other
        sizes.pop("gradient", None)
    made = config(*model, **fixed | sizes)
    assert made.kernel == "native"
    rng = np.random.default_rng(seed)
    known = vocabulary(words)
    if words == DEEP:
        known = dataclasses.replace(known, counts=2 ** np.arange(words)[::-1])
    outputs, constants = get_model(made).objective.init(known, made)
    shapes = {"input": (words, made.dim), "output": outputs["output"].shape}
    tables = {
        name: rng.normal(0.0, made.dim**-0.25, shape).astype(np.float32)
        for name, shape in shapes.items()  # scores of size one
    }
    tokens = rng.integers(0, words, length, np.int32)
    reach = rng.integers(1, made.window, length, np.int32, endpoint=True)
    if not made.dynamic_window:
        reach[:] = made.window
    begins = rng.random(length) < sentences
    bounds = np.cumsum(begins, dtype=np.int32) if sentences else None
    key = int(rng.integers(0, 2**64, dtype=np.uint64))
    rates = np.array([rate, rate / 2], np.float32)
    return Case(made, tables, constants, (tokens, reach, bounds), key, rates)


def trained(case):
    """The tables after the chunk, of the native step."""
    made, (tokens, reach, bounds) = case.config, case.text
    count = len(tokens)
    capacity = max(count, 1)
    stream = stream_room(capacity, made.replicas, made.block, made.window)
    room = capacity + made.replicas + stream
    chunk = Chunk(tokens, reach, bounds, count)
    padded = pad_chunk(chunk, room, made.window, bounds is not None)
    if bounds is None:
        padded = (*padded, np.zeros(0, np.int32))
    share = -(-count // made.replicas)
    steps = -(-share // made.block)
    halves = np.array([case.key >> 32, case.key & (2**32 - 1)], np.uint32)
    key = jnp.asarray(halves.view(np.int32))
    after = calls.train_chunk(
        made,
        {name: jnp.array(table) for name, table in case.tables.items()},
        tuple(map(jnp.asarray, padded)),
        jnp.array([count, steps], jnp.int32),
        jnp.asarray(case.rates),
        key,
        calls.parts(case.constants),
    )
    return {name: np.asarray(table) for name, table in after.items()}


def expected(case):
    """The tables after the chunk, float64."""
    made, tables, constants, text, key, rates = case
    return oracle.trained(made, tables, text, constants, key, rates)


def distance(case):
    """The largest difference of a number, in multiples of the table's largest."""
    ours, theirs = trained(case), expected(case)
    return max(
        float(np.abs(ours[name] - table).max() / max(np.abs(table).max(), 1.0))
        for name, table in theirs.items()
    )


# Where a text of 90 words has but two of them, a row is added to some 7,000 times, each
# rounded by up to 6e-8: 1e-5 was seen. A pair more or less moves a number by a rate of
# 1e-3 times a factor and a coordinate of size 0.3: five times as far as this.
CLOSE = 2e-5


def register(path):
    """Makes a library of any build the one that this process trains with."""
    loaded = ctypes.CDLL(str(path))
    for target, symbol in build.TARGETS.values():
        handler = jax.ffi.pycapsule(getattr(loaded, symbol))
        jax.ffi.register_ffi_target(target, handler, platform="cpu")
    build._loaded.append(loaded)


def main(path, count):
    register(path)
    chance = random.Random(0)
    worst = 0.0
    for number in range(count):
        sizes = {name: chance.choice(values) for name, values in SIZES.items()}
        of = {"length": LENGTHS, "words": WORDS, "sentences": SENTENCES}
        text = {name: chance.choice(values) for name, values in of.items()}
        found = distance(case(MODELS[number % 6], seed=number, **text, **sizes))
        if not found < CLOSE:
            sys.exit(f"{found} at {MODELS[number % 6]} {text} {sizes}, seed {number}")
        worst = max(worst, found)
    print(f"{count} chunks, {worst:.1e} at most")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
