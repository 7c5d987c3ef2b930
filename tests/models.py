"""A small world for the tests of training: every model over a small random text."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import blocks
from w2v_jax.config import ARCHITECTURES, OBJECTIVES, Config, resolve
from w2v_jax.step import TrainState, get_model
from w2v_jax.vocabulary import Vocabulary

MODELS = list(itertools.product(ARCHITECTURES, OBJECTIVES))
WORDS = 23
SAMPLED = [model for model in MODELS if model[1] != "softmax"]


def vocabulary(size=WORDS):
    """Words of falling frequency, as Zipf would have them."""
    counts = np.maximum(1000 // np.arange(1, size + 1), 1).astype(np.int64)
    return Vocabulary(tuple(f"w{i}" for i in range(size)), counts)


def config(architecture, objective, **changes):
    """A resolved config whose every size is small and odd."""
    small = {
        "dim": 7,
        "window": 3,
        "negatives": 5,
        "shared_noise": 6,
        "softmax_chunk": 5,
        "block": 8,
        "streams": 2,
        "row_cap": 0.0,
        "gradient": "exact",
        "exchange_every": 2,
        "path_room": 0.0,
        "subsample": 0.0,
        "min_count": 1,
        "replicas": 1,
    }
    made = Config(architecture=architecture, objective=objective, **small | changes)
    return resolve(made, 1)


def text(length=60, seed=0, size=WORDS):
    """Ids with sentence ends and repeated words."""
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.geometric(0.15, length) - 1, size - 1).astype(np.int32)
    ids[rng.random(length) < 0.1] = -1
    return ids


def block(made, start=0, sampling_seed=0, **changes):
    """One block of all streams, with sentence bounds and slots beyond the text."""
    ids = text(**changes)
    keep = blocks.keep_thresholds(np.ones(WORDS))
    sampler = blocks.Sampler(ids, keep, sampling_seed, made.window, made.dynamic_window)
    chunk = sampler.chunk(0, 0, len(ids))
    share = -(-len(chunk.tokens) // made.streams)
    room = blocks.stream_room(len(ids), made.streams, made.block, made.window)
    padded = blocks.pad_chunk(chunk, len(ids) + made.streams + room, made.window, True)
    firsts = [jnp.int32(b * share) for b in range(made.streams)]
    laid = blocks.lay_streams(
        tuple(map(jnp.asarray, padded)), firsts, jnp.int32(share), room, made.window
    )
    return blocks.cut_blocks(laid, jnp.int32(start), made.block, made.window)


def state(made, seed=1, dtype=jnp.float32):
    """(model, a state with random tables, the objective's constants)."""
    model = get_model(made)
    outputs, constants = model.objective.init(vocabulary(), made)
    shapes = {"input": (WORDS, made.dim)} | {n: t.shape for n, t in outputs.items()}
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    tables = {
        name: jax.random.normal(key, shape).astype(dtype)
        for key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }
    inner = {n: model.optimizer.transformation.init(t) for n, t in tables.items()}
    return model, TrainState(tables, inner), constants


def draw(model, constants, seed=2):
    """The random part of one step."""
    draws = model.objective.draw(constants, model.config, jax.random.key(seed), 1)
    return jax.tree.map(lambda leaf: leaf[0], draws)
