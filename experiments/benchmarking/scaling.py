"""What a kept token costs against V, D, the window, the negatives and the devices.

    python -m experiments.benchmarking.scaling --model=skipgram-softmax \
        --scaling=max_vocabulary,dim,window,negatives,replicas

prints JSON: for each value of each flag the seconds of short trainings on text of
Zipf's law, those of one flag in turn. The other flags stay at BASE. Softmax, V / 140
times as dear as negative sampling, reads fewer words.
"""

import json
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from absl import flags

from experiments import cli, kernel
from experiments.benchmarking import timing
from experiments.reporting import scaling
from experiments.reporting.intervals import Interval
from w2v_jax.config import KERNELS

BASE: dict[str, int] = {"max_vocabulary": 30_000, "dim": 100, "window": 5}
VALUES: dict[str, tuple[int, ...]] = {
    "max_vocabulary": (10_000, 30_000, 100_000, 200_000, 400_000),
    "dim": (50, 100, 200, 300),
    "window": (2, 5, 10, 15),
    "negatives": (2, 5, 10, 20),
    "replicas": (),  # powers of two, up to the devices of the machine
}
LEVEL = 0.95


def values(flag: str, devices: int) -> tuple[int, ...]:
    """The values of a flag; of replicas up to the number of devices."""
    if flag != "replicas":
        return VALUES[flag]
    powers = {2**k for k in range(devices.bit_length()) if 2**k <= devices}
    return tuple(sorted(powers | {devices}))


def words_of(model: str, vocabulary: int, words: int) -> int:
    """Raw words of a short training of about the same cost for every model."""
    if not model.endswith("-softmax"):
        return words
    return max(words * 140 // vocabulary, 2048)


def measure(
    model: str,
    flag: str,
    swept: Sequence[int],
    words: int,
    *,
    times: int = timing.TIMES,
    **more: Any,
) -> list[dict[str, Any]]:
    """Microseconds per kept token of short trainings, one for each value of a flag.

    Args:
      model: "architecture-objective".
      flag: of VALUES.
      swept: its values.
      words: raw words of a training, see `words_of`.
      times: timings of each.
      more: other values of BASE, or further fields of the config.

    Raises:
      ValueError: training left the finite numbers.
    """
    from experiments.benchmarking.short import Short, settings

    made = {}
    for value in swept:
        given = BASE | more | {flag: value}
        size = given.pop("max_vocabulary")
        config = settings(model, **given)
        made[str(value)] = Short(config, size, words_of(model, size, words))
    found = timing.interleaved({name: one.once for name, one in made.items()}, times)
    points = []
    for value in swept:
        one = made[str(value)]
        if not one.finite():
            raise ValueError(f"{model}, {flag}={value}: diverged")
        kept = one.kept_tokens
        points.append(
            {
                "model": model,
                "flag": flag,
                "value": value,
                "kept_tokens": kept,
                "pairs": one.pairs(),
                "microseconds": [1e6 * s / kept for s in found[str(value)]],
            }
        )
    return points


class Fitted(NamedTuple):
    """The cost of one model along one flag.

    Attributes:
      power: the fit of cost ~ x ^ e; `reporting.scaling` says what its fields are.
      of_log: (e, interval) of cost ~ (log x) ^ e; None where x begins at 1.
      change: of the throughput, from the first value to the last, as a fraction.
    """

    power: scaling.Scaling
    of_log: tuple[float, Interval] | None
    change: float


def fitted(points: Sequence[dict[str, Any]], level: float = LEVEL) -> list[Fitted]:
    """Fits of every model and flag that has two values or more; medians are fitted."""
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for point in points:
        pair = float(point["value"]), median(point["microseconds"])
        groups.setdefault((point["flag"], point["model"]), []).append(pair)
    found = []
    for (flag, model), pairs in groups.items():
        if len(pairs) < 2:
            continue
        x, y = np.array(sorted(pairs)).T
        of_log = scaling.fit(np.log(x), y, level) if x[0] > 1 else None
        power = scaling.Scaling(flag, model, x, y, *scaling.fit(x, y, level))
        found.append(Fitted(power, of_log, float(y[0] / y[-1] - 1)))
    return found


def main(_: list[str]) -> None:
    from pathlib import Path

    from w2v_jax import runtime

    options = flags.FLAGS
    cache = Path(options.cache_dir).expanduser()
    devices = runtime.configure(0, cache)
    found = []
    for flag in options.scaling:
        if flag not in VALUES:
            raise ValueError(f"--scaling={flag}: must be among {', '.join(VALUES)}")
        if flag == "negatives" and not options.model.endswith("-negative_sampling"):
            continue
        cli.note(f"{options.model}, {flag}")
        swept = tuple(map(int, options.values)) or values(flag, devices)
        given = (options.model, flag, swept, options.words)
        chosen = options.kernel or kernel.usual(cache)
        found += measure(*given, times=options.times, kernel=chosen)
    print(json.dumps(found))


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string(
        "model", "skipgram-negative_sampling", "Architecture-objective."
    )
    flags.DEFINE_list("scaling", list(VALUES), f"Flags to vary: {', '.join(VALUES)}.")
    flags.DEFINE_list("values", [], "Values for them; none: those of this file.")
    flags.DEFINE_integer("words", 500_000, "Raw words of a training.", lower_bound=256)
    flags.DEFINE_enum("kernel", None, list(KERNELS), "None: that of any training.")
    flags.DEFINE_integer("times", timing.TIMES, "Timings of each.", lower_bound=1)
    flags.DEFINE_string("cache_dir", "~/.cache/w2v_jax", "Compiled programs.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
