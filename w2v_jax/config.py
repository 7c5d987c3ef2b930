"""Every hyper-parameter once: name, default, unit, range and source.

`Config` is frozen and flat, so that a run is described by one JSON object and a
command line flag exists for every field without being written twice.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from w2v_jax.config_fields import check, did_you_mean, field_of
from w2v_jax.defaults import (
    LARGE_DEFAULTS,
    for_hidden,
    for_replicas,
    for_window,
    of_kernel,
)

ARCHITECTURES = ("skipgram", "cbow")
OBJECTIVES = ("negative_sampling", "hierarchical_softmax", "softmax")
OPTIMIZERS = ("sgd", "adagrad", "adam")
KERNELS = ("xla", "xla_large", "native")
GRADIENTS = ("exact", "undivided", "word2vec_c", "gensim", "fasttext")


@dataclasses.dataclass(frozen=True)
class Config:
    """The resolved description of one training run.

    Fields left at None take the default of their model, see `resolve`.
    """

    corpus: str = field_of("", "Text file (.txt, .gz, .bz2, .zst) or a named corpus.")
    tokenizer: str = field_of(
        "whitespace",
        "whitespace (Unicode white space, U+3000 too), characters, or rjieba.",
    )
    invalid_utf8: str = field_of(
        "strict",
        "What bytes that are not UTF-8 do: stop, become U+FFFD, or vanish.",
        choices=("strict", "replace", "skip"),
    )
    max_words: int = field_of(
        0, "Read only the first so many raw words; 0: all.", low=0
    )
    min_count: int = field_of(
        5, "Rarest word kept, in occurrences (word2vec.c -min-count).", low=1
    )
    max_vocabulary: int = field_of(
        0, "Keep only the most frequent so many words; 0: no bound.", low=0
    )
    subsample: float = field_of(
        1e-3,
        "Subsampling threshold t, a relative frequency; 0: off "
        "(Mikolov et al. 2013b, eq. 5; word2vec.c -sample).",
        low=0.0,
        below=1.0,
    )
    subsample_formula: str = field_of(
        "word2vec",
        "Keep probability of a word of frequency f: word2vec.c's sqrt(t/f) + t/f, "
        "or the paper's sqrt(t/f).",
        choices=("word2vec", "paper"),
    )
    architecture: str = field_of(
        "skipgram",
        "skipgram (centre predicts context) or cbow (context predicts centre).",
        choices=ARCHITECTURES,
    )
    cbow_hidden: str = field_of(
        "average",
        "CBOW's hidden vector: average (note 003) or sum (note 004) of its context.",
        choices=("average", "sum"),
    )
    objective: str = field_of(
        "negative_sampling", "The loss of a pair.", choices=OBJECTIVES
    )
    gradient: str | None = field_of(
        None,
        "exact: the gradient of the stated loss; undivided: the same, but each word of "
        "CBOW's average takes the whole error, C times its gradient; or what an "
        "implementation propagates (w2v_jax/deviations.py): the same, scores beyond 6 "
        "or 8 saturated or skipped, noise equal to the target dropped. None: the "
        "model's own, exact but for CBOW's average under hierarchical softmax.",
        choices=GRADIENTS,
    )
    dim: int = field_of(100, "Vector size D.", low=1, high=65_536)
    window: int = field_of(
        5, "Window m: words to each side of the centre.", low=1, high=1000
    )
    dynamic_window: bool = field_of(
        True, "Draw each centre's window from U{1..m}, as word2vec.c; else always m."
    )
    negatives: int = field_of(
        5, "Noise words K per pair (Mikolov et al. 2013b, eq. 4).", low=1
    )
    noise_exponent: float = field_of(
        0.75, "Noise probability is proportional to count ** this (note 000).", low=0.0
    )
    shared_noise: int | None = field_of(
        None,
        "Noise rows S drawn once for each block, each weighted K/S; None: the "
        "model's own.",
        low=1,
    )
    noise_pool: int | None = field_of(
        None,
        "Noise rows drawn once for the steps between two meetings (--exchange_every), "
        "from which each block takes its S; 0: each block draws its own. None: the "
        "model's own.",
        low=0,
    )
    softmax_chunk: int = field_of(
        2048, "Output rows scored at a time by the full softmax.", low=1
    )
    optimizer: str = field_of(
        "sgd",
        "sgd and adagrad are exact on touched rows; adam is lazy: the moments of "
        "untouched rows wait.",
        choices=OPTIMIZERS,
    )
    learning_rate: float | None = field_of(
        None, "Initial rate per (input, target) pair; None: the model's own.", above=0.0
    )
    input_rate_scale: float | None = field_of(
        None, "Factor on the rate of the input table; None: the model's own.", above=0.0
    )
    final_rate_fraction: float = field_of(
        1e-4,
        "The rate falls linearly over all raw words to this fraction (word2vec.c).",
        low=0.0,
    )
    row_cap: float | None = field_of(
        None,
        "A row's summed step is scaled by min(1, this / its pair terms in the step), "
        "under full softmax the pairs that have it as target or centre; 0: off; None: "
        "the model's own.",
        low=0.0,
    )
    damping: float | None = field_of(
        None,
        "A row's step is divided by 1 + this x its rate x a bound on the curvature of "
        "the step's loss in it (w2v_jax/damping.py); 0: off; 1: no rate is too large; "
        "None: the model's own. In XLA, under sgd, not for full softmax.",
        low=0.0,
    )
    epochs: int = field_of(5, "Passes over the corpus.", low=1)
    seed: int = field_of(0, "Seed of initial vectors and of all sampling.", low=0)
    kernel: str | None = field_of(
        None,
        "What computes the step: xla; xla_large: the same in damped steps of thousands "
        "of tokens, for sgd, not for full softmax; native: the same in C++, compiled "
        "on this machine, for sgd and one stream. None: xla; commands take "
        "xla_large on an accelerator, and native on a CPU that can compile it.",
        choices=KERNELS,
    )
    replicas: int = field_of(
        0,
        "Copies of the tables trained side by side; 0: one per device.",
        low=0,
        high=1000,  # 2,000 met too seldom to learn, 5,000 did not end
    )
    block: int | None = field_of(
        None, "Tokens T of a block; None: the model's own.", low=1
    )
    streams: int | None = field_of(
        None, "Blocks a replica takes side by side in one step.", low=1
    )
    path_room: float | None = field_of(
        None,
        "Path nodes that a block of hierarchical softmax has room for, in multiples "
        "of its average; blocks end early beyond it. 0: room for the longest paths; "
        "None: the model's own.",
        low=0.0,
    )
    exchange_every: int | None = field_of(
        None,
        "Steps after which replicas add up their changes (xla: those to the most "
        "frequent rows); None: the model's own.",
        low=1,
    )
    chunk: int | None = field_of(
        None,
        "Raw words sampled and dispatched together, where windows end; None: the "
        "model's own.",
        low=64,
        high=2**26,
    )
    settle_every: int = field_of(
        4,
        "Chunks after which the loss is logged and a checkpoint may fall.",
        low=1,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check(field, getattr(self, field.name))

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Field names and values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds a config.

        Raises:
          ValueError: an unknown name (with the nearest known one) or a bad value.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(f"{name}: unknown field.{did_you_mean(name, known)}")
        return cls(**values)


def _required(name: str) -> Any:
    """The same field of `Config`, but without a default: it must be given."""
    return dataclasses.field(
        kw_only=True, metadata=Config.__dataclass_fields__[name].metadata
    )


@dataclasses.dataclass(frozen=True)
class ResolvedConfig(Config):
    """A config in which nothing is left open; what training works with."""

    gradient: str = _required("gradient")
    kernel: str = _required("kernel")
    learning_rate: float = _required("learning_rate")
    input_rate_scale: float = _required("input_rate_scale")
    row_cap: float = _required("row_cap")
    damping: float = _required("damping")
    shared_noise: int = _required("shared_noise")
    noise_pool: int = _required("noise_pool")
    block: int = _required("block")
    streams: int = _required("streams")
    path_room: float = _required("path_room")
    exchange_every: int = _required("exchange_every")
    chunk: int = _required("chunk")


def resolve(config: Config, devices: int) -> ResolvedConfig:
    """Fills every field left open: the model's measured defaults, the replicas.

    Args:
      config: what the user asked for.
      devices: what 0 replicas stands for.
    """
    values = config.to_dict()
    values["kernel"] = kernel = _kernel(config)
    defaults = of_kernel(config, kernel)
    if kernel == "native":
        values["path_room"] = 0.0
    defaults = for_window(for_hidden(defaults, config), config)
    values["replicas"] = replicas = config.replicas or devices
    defaults = for_replicas(
        defaults,
        replicas,
        kernel=kernel,
        model=(config.architecture, config.objective),
        shared_noise=config.shared_noise,
    )
    damped = config.optimizer == "sgd" and config.objective != "softmax"
    if not damped:
        defaults = defaults | {"damping": 0.0}
    values |= {name: v for name, v in defaults.items() if values[name] is None}
    if values["damping"] and not damped:
        raise ValueError("damping: for --optimizer=sgd, and not for full softmax.")
    return ResolvedConfig.from_dict(values)


def _kernel(config: Config) -> str:
    """The kernel that a config asks for, where its model has that; XLA's has all."""
    if has_native(config):
        return "native"
    model = (config.architecture, config.objective)
    large = config.kernel == "xla_large" and model in LARGE_DEFAULTS
    return "xla_large" if large and config.optimizer == "sgd" else "xla"


def has_native(config: Config) -> bool:
    """Whether a config asks for the native kernel, in what that has a form for."""
    return (
        config.kernel == "native"
        and config.optimizer == "sgd"
        and config.streams in (None, 1)
        and not config.damping
    )
