"""Full softmax against the machine's own rate of large products.

    python -m experiments.benchmarking.softmax --max_vocabulary=10000,70000 --dim=100

prints JSON. A hidden vector costs 6 V D flop: its scores, and the gradients in it and
in the table; the log-sum-exp is taken once for it, however many words it predicts.
What the step multiplies beyond that (scores that were not kept, to save memory, are
worked out a second time) does not count. Training and the large product are timed in
turn.
"""

import json
from statistics import median
from typing import Any

from absl import flags

from experiments import cli, kernel
from experiments.benchmarking import timing
from w2v_jax.config import KERNELS

MODELS = ("skipgram-softmax", "cbow-softmax")


def flop_per_hidden(vocabulary: int, dim: int) -> int:
    """6 V D."""
    return 6 * vocabulary * dim


def measure(
    model: str,
    vocabulary: int,
    dim: int,
    *,
    seconds: float = 3.0,
    times: int = timing.TIMES,
    side: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """The share of the machine's product rate that training reaches.

    Args:
      model: of MODELS.
      vocabulary: V.
      dim: D.
      seconds: about how long a timing of the training should take, were it as fast
        as the large product.
      times: timings of each.
      side: of the large matrices; 0: the machine's own.
      more: fields of the config.

    Raises:
      cli.DivergedError: training left the finite numbers.
    """
    from experiments.benchmarking import machine, short

    multiply, per_second = machine.product(side=side)
    config = short.settings(model, dim=dim, subsample=0.0, **more)
    guess = machine.whole_machine(per_second(timing.seconds(multiply, 1)))
    words = int(seconds * guess / flop_per_hidden(vocabulary, dim))
    trained = short.Short(config, vocabulary, max(words, 4096))
    # Without subsampling and rare words every word read is a hidden vector.
    calls = {"training": trained.once, "product": multiply}
    found = timing.interleaved(calls, times)
    if not trained.finite():
        raise cli.DivergedError(f"{model}: diverged; lower --learning_rate")
    spent = median(found["training"])
    own = machine.whole_machine(per_second(median(found["product"])))
    hidden = trained.kept_tokens / spent
    rate = hidden * flop_per_hidden(vocabulary, dim)
    return {
        "model": model,
        "max_vocabulary": vocabulary,
        "dim": dim,
        "replicas": trained.config.replicas,
        "kernel": trained.config.kernel,
        "block": trained.config.block,
        "hidden_vectors": trained.kept_tokens,
        "hidden_vectors_per_second": hidden,
        "flop_per_second": rate,
        "product_flop_per_second": own,
        "share": rate / own,
        "seconds": found,
    }


def main(_: list[str]) -> None:
    from pathlib import Path

    from w2v_jax import runtime

    options = flags.FLAGS
    cache = Path(options.cache_dir).expanduser()
    runtime.configure(options.replicas, cache)
    chosen = options.kernel or kernel.usual(cache)
    found = []
    for model in options.models:
        if model not in MODELS:
            raise ValueError(f"--models={model}: must be among {', '.join(MODELS)}")
        for size in map(int, options.max_vocabulary):
            cli.note(f"{model}, {size:,} words")
            found.append(
                measure(
                    model,
                    size,
                    options.dim,
                    seconds=options.seconds,
                    times=options.times,
                    replicas=options.replicas,
                    kernel=chosen,
                )
            )
    print(json.dumps(found))


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_list("models", list(MODELS), f"Of {', '.join(MODELS)}.")
    flags.DEFINE_list("max_vocabulary", ["10000", "70000"], "V, one or several.")
    flags.DEFINE_integer("dim", 100, "D.", lower_bound=1)
    flags.DEFINE_integer("replicas", 0, "0: one for each device.", lower_bound=0)
    flags.DEFINE_float("seconds", 3.0, "Of one timing, about.", lower_bound=0.0)
    flags.DEFINE_integer("times", timing.TIMES, "Timings of each.", lower_bound=1)
    flags.DEFINE_enum("kernel", None, list(KERNELS), "None: that of any training.")
    flags.DEFINE_string("cache_dir", "~/.cache/w2v_jax", "Compiled programs.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
