"""What a run will cost, from runs that have finished or from a table of measured rates.

    seconds = words . epochs . seconds per word (. V for the full softmax) + overhead

The finished runs of a sweep know best: those of the same cell, else those of the same
model; their median stands for the rest. Before there are any, `RATES` does. Vector
size, window and noise words are not in the formula: an estimate by the table is good
to a factor of two or three, one by finished runs of the same cell to a few per cent.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.sweeps.runs import Run
from w2v_jax.config import Config, has_native
from w2v_jax.runlog import read_json

# Seconds of one core per raw word with D=100, window 5 and 5 negatives on an Intel Xeon
# at 2.8 GHz: two over the words per second of both cores, natively those of README,
# "Measured". Of the full softmax per raw word and word of the vocabulary: two over the
# hidden vectors a second times V, as `experiments.benchmarking.softmax` measures them.
RATES: dict[tuple[str, str, str], float] = {
    ("native", "skipgram", "negative_sampling"): 2 / 2.4e6,
    ("native", "cbow", "negative_sampling"): 2 / 2.6e6,
    ("native", "skipgram", "hierarchical_softmax"): 2 / 1.2e6,
    ("native", "cbow", "hierarchical_softmax"): 2 / 1.7e6,
    ("native", "skipgram", "softmax"): 2 / 2.5e8,
    ("native", "cbow", "softmax"): 2 / 2.5e8,
    ("xla", "skipgram", "negative_sampling"): 2 / 1.06e6,
    ("xla", "cbow", "negative_sampling"): 2 / 1.34e6,
    ("xla", "skipgram", "hierarchical_softmax"): 2 / 0.46e6,
    ("xla", "cbow", "hierarchical_softmax"): 2 / 0.70e6,
    ("xla", "skipgram", "softmax"): 2 / 1e8,
    ("xla", "cbow", "softmax"): 2 / 1e8,
}
OVERHEAD = 8.0  # seconds beside training: start, compilation, saving, judging


@dataclasses.dataclass(frozen=True)
class Text:
    """What the cost of training on a text depends on.

    Attributes:
      raw_words: of one pass.
      counts: [types], occurrences of each word, most frequent first.
      sha256: of the file.
    """

    raw_words: int
    counts: npt.NDArray[np.int64]
    sha256: str

    def vocabulary(self, config: Config) -> int:
        """V under the config's min_count and max_vocabulary."""
        kept = int(np.count_nonzero(self.counts >= config.min_count))
        return min(kept, config.max_vocabulary) if config.max_vocabulary else kept


class Estimate(NamedTuple):
    """Seconds, and where they come from: "cell", "model" or "table"."""

    seconds: float
    source: str


def work(config: Config, text: Text) -> float:
    """What the seconds of training are proportional to: words, or words times V."""
    words = float(text.raw_words * config.epochs)
    by_words = config.objective != "softmax"
    return words if by_words else words * text.vocabulary(config)


class Estimator:
    """Estimates that get better with every run that finishes.

    Args:
      text: of each run's config, found by `key`.
      cores: that each run has.
    """

    def __init__(
        self, texts: Mapping[tuple[Any, ...], Text], cores: float = 1.0
    ) -> None:
        self.texts, self.cores = texts, cores
        self._of_cell: dict[str, list[float]] = {}
        self._of_model: dict[tuple[str, str], list[float]] = {}

    def learn(self, run: Run) -> None:
        """Takes in a finished run's summary.json; nothing where it cannot be read."""
        try:
            summary = read_json(Path(run.path) / "summary.json")
            spent = float(summary["train_seconds"])
        except (OSError, ValueError, LookupError, TypeError):
            return
        rate = spent / max(work(run.config, self.text(run.config)), 1.0)
        self._of_cell.setdefault(run.cell, []).append(rate)
        self._of_model.setdefault(_model(run.config), []).append(rate)

    def text(self, config: Config) -> Text:
        """The text that a config asks for."""
        return self.texts[text_key(config)]

    def cost(self, run: Run) -> Estimate:
        """Seconds of one run from its start to its scores."""
        amount, model = work(run.config, self.text(run.config)), _model(run.config)
        if found := self._of_cell.get(run.cell):
            return Estimate(amount * median(found) + OVERHEAD, "cell")
        if found := self._of_model.get(model):
            return Estimate(amount * median(found) + OVERHEAD, "model")
        seconds = amount * RATES[_kernel(run.config), *model] / self.cores
        return Estimate(seconds + OVERHEAD, "table")


def text_key(config: Config) -> tuple[Any, ...]:
    """What of a config decides which encoded text it reads."""
    return (config.corpus, config.tokenizer, config.invalid_utf8, config.max_words)


def _model(config: Config) -> tuple[str, str]:
    return config.architecture, config.objective


def _kernel(config: Config) -> str:
    """The one that the run will have on a CPU with a compiler."""
    asked = config.replace(kernel=config.kernel or "native")
    return "native" if has_native(asked) else "xla"


def duration(seconds: float) -> str:
    """45 s, 12 min or 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
