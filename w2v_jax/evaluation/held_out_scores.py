"""A finished run on held-out text: nats per pair by every reading, with intervals."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from w2v_jax.evaluation import fresh_layer, likelihood, statistics
from w2v_jax.evaluation.finished_run import FinishedRun
from w2v_jax.evaluation.held_out import Windows
from w2v_jax.evaluation.likelihood import Batch
from w2v_jax.vocabulary import keep_probabilities

SEGMENT = 100  # windows that stand side by side are resampled together
FIT_BATCH = 1024  # windows of one step of the fresh layer
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


def evaluate(
    run: FinishedRun,
    scored: Windows,
    fitted: Windows | None = None,
    subsample: float | None = None,
    progress: Progress = lambda task, done, total: None,
) -> dict[str, Any]:
    """Nats per pair of the scored windows.

    Args:
      run: the model.
      scored: windows of held-out text.
      fitted: other windows, for the fresh layer; None: no fresh layer.
      subsample: the threshold with which the windows were made, for the baseline;
        None: the run's own.
      progress: called with task, windows done, windows.

    Returns:
      {"pairs": ..., "nats_per_pair": {reading: {"mean", "interval"}}}; the readings are
      "own", "distribution", "raw_softmax" for negative sampling alone, "fresh_layer"
      and "unigram", the baseline. The intervals resample segments of the text.

    Raises:
      ValueError: no pairs to score or to fit on.
    """
    if not len(scored):
        raise ValueError("no pair of known words to score; give more text")
    config = run.config
    inputs = jnp.asarray(run.inputs)
    threshold = config.subsample if subsample is None else subsample
    keep = keep_probabilities(
        run.vocabulary.counts, threshold, config.subsample_formula
    )
    prior = likelihood.unigram(run.vocabulary, keep)
    made = jax.jit(likelihood.batch_of, static_argnums=(2, 3))

    def batches(windows: Windows, size: int, task: str) -> Iterator[Batch]:
        for done, part in enumerate(windows.batches(size)):
            yield made(inputs, part, config.architecture, config.cbow_hidden)
            progress(task, min((done + 1) * size, len(windows)), len(windows))

    score = likelihood.readings(config, run.vocabulary, run.outputs)
    readers: list[likelihood.Reading] = [score, _baseline(prior)]
    if fitted is not None:
        mixed = fitted.shuffled()
        layer = fresh_layer.fit(lambda: batches(mixed, FIT_BATCH, "fitting"), prior)
        fresh = layer.reading()
        readers.append(lambda batch: {"fresh_layer": fresh(batch)})
    nats: dict[str, list[NDArray[np.float32]]] = {}
    pairs = []
    for batch in batches(scored, likelihood.BATCH, "scoring"):
        pairs.append(np.asarray(batch.weights.sum(axis=1)))
        for reader in readers:
            for name, sums in reader(batch).items():
                nats.setdefault(name, []).append(np.asarray(sums))
    real = slice(len(scored))  # the last batch is filled up with empty windows
    each = np.concatenate(pairs).astype(np.float64)[real]
    return {
        "pairs": int(each.sum()),
        "nats_per_pair": {
            name: mean_by_segment(np.concatenate(sums).astype(np.float64)[real], each)
            for name, sums in nats.items()
        },
    }


def _baseline(prior: Floats) -> likelihood.Reading:
    logs = jnp.asarray(prior, jnp.float32)

    def score(batch: Batch) -> dict[str, jax.Array]:
        return {"unigram": -(batch.weights * logs[batch.targets]).sum(axis=1)}

    return jax.jit(score)


def mean_by_segment(nats: Floats, pairs: Floats) -> dict[str, Any]:
    """Nats per pair and the interval of a bootstrap over segments of the text.

    Neighbouring windows share words, so that they are no independent draws.

    Args:
      nats: [P] summed over the pairs of each window.
      pairs: [P].
    """
    starts = np.arange(0, len(nats), SEGMENT)
    sums, counts = (np.add.reduceat(array, starts) for array in (nats, pairs))
    at = statistics.resamples(len(starts))
    draws = sums[at].sum(axis=1) / np.maximum(counts[at].sum(axis=1), 1)
    interval = statistics.percentiles(draws) if len(starts) > 1 else None
    return {"mean": float(sums.sum() / counts.sum()), "interval": interval}
