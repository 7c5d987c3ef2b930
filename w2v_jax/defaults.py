"""Each model's own learning rates, caps and block shapes, as measured.

The gradient of CBOW's average is C times smaller than the update of word2vec.c and
gensim, so CBOW wants larger rates, and larger ones still for the input table. Under
hierarchical softmax no such rate brings it to their score on analogies; a rate in
proportion to C, example by example, does, which is their update. The tree needs the row
cap: hundreds of pairs of a step touch its root at one old value. Under full softmax
every pair touches every row: its replicas share the tokens of a step, so that more of
them make it no longer.

All this was found with two replicas. Between two meetings each moves a row from where
it was, and the sum of many such moves goes too far: more replicas meet sooner, after as
many tokens of all, and share the cap of a row (`for_replicas`).
"""

import math
from typing import Any

# Found on the benchmark corpus; README, "Measured", says how.
_COMMON: dict[str, Any] = {
    "block": 32,
    "streams": 4,
    "shared_noise": 64,
    "noise_pool": 0,
    "input_rate_scale": 1.0,
    "gradient": "exact",
    "row_cap": 0.0,
    "damping": 0.0,
    "path_room": 0.0,
    "chunk": 2**20,
    "exchange_every": 16,
}
# CBOW by another rule than the gradient: the rate that word2vec.c sets, one for both
# tables, because the undivided error needs no other.
UNDIVIDED = {"learning_rate": 0.05, "input_rate_scale": 1.0}
# Of a sum every word gets the whole error, and the output row a vector C times as long.
SUM = {
    "negative_sampling": {"learning_rate": 0.025, "input_rate_scale": 1.0},
    "hierarchical_softmax": {"learning_rate": 0.0125, "input_rate_scale": 1.0},
    "softmax": {"learning_rate": 0.025, "input_rate_scale": 1.0},
}
_TREE = {"row_cap": 64.0, "path_room": 1.125}
# Its block is for one replica; `config.resolve` divides it among more.
_DENSE = {"row_cap": 16.0, "block": 128, "streams": 1, "chunk": 2**16}
MODEL_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    (architecture, objective): _COMMON | changes
    for architecture, objective, changes in (
        (
            "skipgram",
            "negative_sampling",
            {"learning_rate": 0.025},
        ),
        ("cbow", "negative_sampling", {"learning_rate": 0.1, "input_rate_scale": 3.0}),
        (
            "skipgram",
            "hierarchical_softmax",
            _TREE | {"learning_rate": 0.025, "block": 16, "streams": 8},
        ),
        (
            "cbow",
            "hierarchical_softmax",
            _TREE
            | {"learning_rate": 0.062, "input_rate_scale": 3.0, "streams": 2}
            # The rates are those of "exact"; undivided, a cap of 64 diverges.
            | {"gradient": "undivided", "row_cap": 16.0},
        ),
        ("skipgram", "softmax", _DENSE | {"learning_rate": 0.025}),
        ("cbow", "softmax", _DENSE | {"learning_rate": 0.1, "row_cap": 4.0}),
    )
}
# The native kernel takes one block at a time and pays little for small ones.
_PATHS = {"streams": 1, "block": 16, "exchange_every": 64, "row_cap": 16.0}
_POOLED = {"streams": 1, "block": 8, "exchange_every": 128}
_POOLED |= {"shared_noise": 40, "noise_pool": 256}
NATIVE_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("skipgram", "negative_sampling"): _POOLED,
    ("cbow", "negative_sampling"): _POOLED,
    ("skipgram", "hierarchical_softmax"): _PATHS,
    ("cbow", "hierarchical_softmax"): _PATHS,
    ("skipgram", "softmax"): {},
    ("cbow", "softmax"): {},
}


def native_defaults(config: Any) -> dict[str, Any]:
    """What the native kernel changes for a config, its noise rows among it.

    They are shared by a block's centres, each weighted K / S for every pair. Where a
    hidden vector has more noise words than by default, of more pairs (skip-gram in a
    wide window) or more for each, as many more rows keep their weight: with fewer the
    scores fall behind (README, Defaults).
    """
    made = NATIVE_DEFAULTS[config.architecture, config.objective]
    if config.objective != "negative_sampling":
        return made
    rows = 8 * max(5, math.ceil(_noise_words(config)))
    return made | {"shared_noise": rows, "noise_pool": 32 * rows // 5}


def xla_defaults(config: Any) -> dict[str, Any]:
    """What small steps in XLA change for a config: where it has much noise.

    A noise row takes K / S of every pair of a block of 32 tokens at once. Far beyond
    what it is by default that diverges, at three times as much CBOW may lose analogies
    (README, Defaults): more rows keep the weight of one, and a little damping holds the
    rest; much of it costs quality.
    """
    noise = _noise_words(config)
    if config.objective != "negative_sampling" or noise <= 10:
        return {}
    rows = _COMMON["shared_noise"] * max(2, math.ceil(noise / 15))
    return {"shared_noise": rows, "damping": 0.01 if noise <= 30 else 0.03}


def _noise_words(config: Any) -> float:
    """Noise words of a hidden vector, by the pairs that it has at window 5."""
    is_average = config.architecture == "cbow" and config.cbow_hidden == "average"
    pairs = 1.0 if is_average else _reach(config)
    return float(config.negatives * pairs)


def _reach(config: Any) -> float:
    """Mean half width of the window, by that of window 5, drawn from 1 to 5."""
    reach = (config.window + 1) / 2 if config.dynamic_window else config.window
    return float(reach / 3)


def for_hidden(defaults: dict[str, Any], config: Any) -> dict[str, Any]:
    """Defaults made those of CBOW's hidden vector and of the rule it is trained by."""
    if config.architecture != "cbow":
        return defaults
    if config.cbow_hidden == "sum":
        made = SUM[config.objective]
        rate = made["learning_rate"] / max(1.0, _reach(config))
        return defaults | {"gradient": "exact"} | made | {"learning_rate": rate}
    is_exact = (config.gradient or defaults["gradient"]) == "exact"
    return defaults if is_exact else defaults | UNDIVIDED


def for_window(defaults: dict[str, Any], config: Any) -> dict[str, Any]:
    """Defaults made those of a wider window than 5: a smaller row cap for the tree.

    The centres of a step share more of a wider window, and what they share moves at
    once by the whole error of each: with the cap of window 5 one training of three
    diverged at window 10 (README, Defaults). The exact gradient of an average does not,
    its error is divided among as many words.
    """
    if config.objective != "hierarchical_softmax" or _reach(config) <= 1:
        return defaults
    is_average = config.architecture == "cbow" and config.cbow_hidden == "average"
    if is_average and (config.gradient or defaults["gradient"]) == "exact":
        return defaults
    return defaults | {"row_cap": defaults["row_cap"] / _reach(config)}


# An accelerator is idle in small steps. Large ones diverge unless they are damped: 0.03
# is too little for 8,192 tokens of text without subsampling, 0.05 enough for 32,768,
# and where the tree's row cap diverges. Several replicas meet in every step, divide its
# streams and multiply its damping: each sees the curvature of its own part alone.
_LARGE = {"streams": 256, "damping": 0.05, "exchange_every": 8, "chunk": 2**21}
LARGE_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("skipgram", "negative_sampling"): _LARGE,
    ("cbow", "negative_sampling"): _LARGE,
    ("skipgram", "hierarchical_softmax"): _LARGE | {"streams": 512, "row_cap": 0.0},
    ("cbow", "hierarchical_softmax"): _LARGE | {"row_cap": 0.0},
}


def of_kernel(config: Any, kernel: str) -> dict[str, Any]:
    """A config's defaults in the kernel that trains it, replicas aside."""
    model = config.architecture, config.objective
    if kernel == "native":
        return MODEL_DEFAULTS[model] | native_defaults(config)
    changes = LARGE_DEFAULTS[model] if kernel == "xla_large" else xla_defaults(config)
    return MODEL_DEFAULTS[model] | changes


# The sum of the row caps of more than two replicas, under hierarchical softmax.
_CAP_OF_ALL = {
    ("native", "skipgram"): 256.0,
    ("native", "cbow"): 64.0,
    ("xla", "skipgram"): 128.0,
    ("xla", "cbow"): 64.0,
}


def for_replicas(
    defaults: dict[str, Any],
    replicas: int,
    *,
    kernel: str,
    model: tuple[str, str],
    shared_noise: int | None,
) -> dict[str, Any]:
    """Defaults made those of so many replicas.

    Args:
      defaults: of the model and its kernel, as found with two.
      replicas: R.
      kernel: that trains.
      model: (architecture, objective).
      shared_noise: S, where it is given.
    """
    made = dict(defaults)
    architecture, objective = model
    if kernel == "xla_large":
        made["streams"] = max(1, made["streams"] // replicas)
        made["damping"] *= replicas
        if replicas > 1:
            made["exchange_every"] = 1
    if objective == "softmax":
        made["block"] = max(1, made["block"] // replicas)
    if replicas <= 2:
        return made
    every = made["exchange_every"] = max(1, 2 * made["exchange_every"] // replicas)
    if objective == "hierarchical_softmax" and made["row_cap"]:
        of_all = _CAP_OF_ALL[kernel, architecture]
        made["row_cap"] = min(made["row_cap"], of_all / replicas)
    if every * (shared_noise or made["shared_noise"]) <= made["noise_pool"]:
        made["noise_pool"] = 0  # no step would take a row twice
    return made
