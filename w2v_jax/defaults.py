"""Each model's own learning rates, caps and block shapes, as measured.

The gradient of CBOW's average is C times smaller than the update of word2vec.c and
gensim, so CBOW wants larger rates, and larger ones still for the input table. Under
hierarchical softmax no such rate brings it to their score on analogies; a rate in
proportion to C, example by example, does, which is their update. The tree needs the row
cap: hundreds of pairs of a step touch its root at one old value. Under full softmax
every pair touches every row: its replicas share the tokens of a step, so that more of
them make it no longer.
"""

from typing import Any

# Found on the benchmark corpus; README, "Measured", says how.
_COMMON = {
    "block": 32,
    "streams": 4,
    "shared_noise": 64,
    "noise_pool": 0,
    "input_rate_scale": 1.0,
    "gradient": "exact",
    "row_cap": 0.0,
    "path_room": 0.0,
    "chunk": 2**20,
    "exchange_every": 16,
}
# CBOW by another rule than the gradient: the rate that word2vec.c sets, one for both
# tables, because the undivided error needs no other.
UNDIVIDED = {"learning_rate": 0.05, "input_rate_scale": 1.0}
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
            | {"gradient": "undivided"},  # the rates are those of "exact"
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
# An accelerator is idle below tens of thousands of tokens a step. A row that most of
# these touch takes a step that is capped.
_LARGE = {"streams": 1024, "row_cap": 256.0, "exchange_every": 8, "chunk": 2**22}
LARGE_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("skipgram", "negative_sampling"): _LARGE,
    ("cbow", "negative_sampling"): _LARGE,
}
