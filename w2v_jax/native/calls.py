"""The native chunk as a function of jax: tables and text in, tables out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.config import ResolvedConfig
from w2v_jax.native import build, rules
from w2v_jax.noise import AliasTable
from w2v_jax.objectives import Constants, Tables
from w2v_jax.objectives.hierarchical_softmax import PathConstants

Text = tuple[jax.Array, jax.Array, jax.Array]


def parts(constants: Constants) -> tuple[jax.Array, ...]:
    """What an objective's step needs beside text and tables, as the C++ takes it."""
    if isinstance(constants, AliasTable):
        return constants.threshold, constants.alias
    if isinstance(constants, PathConstants):
        lengths = constants.mask.sum(1, dtype=jnp.int32)
        return constants.paths, constants.codes, lengths
    if constants == ():  # full softmax
        return ()
    raise TypeError(f"{type(constants).__name__}: no native step takes it")


def train_chunk(
    config: ResolvedConfig,
    tables: Tables,
    text: Text,
    lengths: jax.Array,
    rates: jax.Array,
    key: jax.Array,
    extra: tuple[jax.Array, ...],
) -> Tables:
    """Trains on a chunk: every replica's steps, and their meetings.

    Kept tokens are cut into R equal parts. A replica takes T of them a step; noise row
    s of its step t is draw (r steps + t) S + s of the chunk's key or, where there is a
    pool, a choice from the rows (r steps + t0) P to (r steps + t0) P + P - 1, t0 being
    the first step since the last meeting. After every `exchange_every` steps

        row = sum over replicas of its row - (R - 1) . row at the last meeting.

    Args:
      config: resolved, `kernel` native.
      tables: "input" [V, D] and "output" [V, D] or [V - 1, D]; where they are donated
        they are trained in place.
      text: tokens, reach and sentences of `blocks.pad_chunk`, int32; the last [0]
        where the corpus has no sentence ends.
      lengths: int32 [2], the kept tokens and the steps of each replica.
      rates: float32 [2], where the chunk begins and ends.
      key: int32 [2], the halves of the chunk's 64 bits, the higher first.
      extra: of `parts`.
    """
    target, _ = build.TARGETS[config.objective]
    is_sampled = config.objective == "negative_sampling"
    shapes = tuple(
        jax.ShapeDtypeStruct(tables[name].shape, tables[name].dtype)
        for name in ("input", "output")
    )
    call = jax.ffi.ffi_call(target, shapes, input_output_aliases={0: 0, 1: 1})
    weight = config.negatives / config.shared_noise if is_sampled else 0.0
    attributes: dict[str, Any] = {
        "window": np.int64(config.window),
        "block": np.int64(config.block),
        "noise": np.int64(config.shared_noise if is_sampled else 0),
        "pool": np.int64(config.noise_pool if is_sampled else 0),
        "every": np.int64(config.exchange_every),
        "replicas": np.int64(config.replicas),
        "cbow": np.bool_(config.architecture == "cbow"),
        "average": np.bool_(config.cbow_hidden == "average"),
        "noise_weight": np.float32(weight),
        "row_cap": np.float32(config.row_cap),
        "input_scale": np.float32(config.input_rate_scale),
        **rules.attributes(config),
    }
    both = tables["input"], tables["output"]
    inputs, outputs = call(*both, *text, lengths, rates, key, *extra, **attributes)
    return {"input": inputs, "output": outputs}
