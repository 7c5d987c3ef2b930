"""Each model's own learning rates, caps and block shapes, as measured.

The gradient of CBOW's average is exact here, C times smaller than the update of
word2vec.c and gensim, so CBOW wants larger rates, and larger ones still for the input
table. Hierarchical softmax needs the row cap: hundreds of pairs of a step touch the
root at one old value.
"""

from typing import Any

# Found on the benchmark corpus; README, "Measured", says how.
_COMMON = {
    "block": 32,
    "streams": 4,
    "shared_noise": 64,
    "noise_pool": 0,
    "input_rate_scale": 1.0,
    "row_cap": 0.0,
    "path_room": 0.0,
    "chunk": 2**20,
    "exchange_every": 16,
}
# CBOW by another rule than the gradient: the rate that word2vec.c sets, one for both
# tables, because the undivided error needs no other.
UNDIVIDED = {"learning_rate": 0.05, "input_rate_scale": 1.0}
_TREE = {"row_cap": 64.0, "path_room": 1.125}
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
            _TREE | {"learning_rate": 0.062, "input_rate_scale": 3.0, "streams": 2},
        ),
        ("skipgram", "softmax", {"learning_rate": 0.025, "chunk": 2**16}),
        ("cbow", "softmax", {"learning_rate": 0.1, "chunk": 2**16}),
    )
}
# The native kernel takes one block at a time and pays little for small ones.
_NATIVE = {"streams": 1, "block": 16, "exchange_every": 32}
_PATHS = _NATIVE | {"row_cap": 16.0, "exchange_every": 64}
_POOLED = _NATIVE | {"shared_noise": 64, "noise_pool": 256}
_WHOLE = {"streams": 1, "block": 128}  # as many tokens a step as in XLA
NATIVE_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("skipgram", "negative_sampling"): _POOLED,
    ("cbow", "negative_sampling"): _POOLED,
    ("skipgram", "hierarchical_softmax"): _PATHS,
    ("cbow", "hierarchical_softmax"): _PATHS,
    ("skipgram", "softmax"): _WHOLE,
    ("cbow", "softmax"): _WHOLE,
}
