"""All layers over one loss, over all losses, and over the models of training."""

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from w2v_jax.verification import (
    autodiff,
    differences,
    expectations,
    gathered_rows,
    identities,
    training_path,
    training_sizes,
)
from w2v_jax.verification.comparison import Comparison, in_float64
from w2v_jax.verification.inputs import SCORES, draw
from w2v_jax.verification.spec import SPECS, LossSpec

FLOATS = (np.float64, np.float32)


def check_loss(
    spec: LossSpec,
    rng: np.random.Generator,
    draws: int = 1,
    scores: Sequence[str] = tuple(SCORES),
    cases: Sequence[str] | None = None,
) -> Iterator[Comparison]:
    """Layers a, b and c over one loss.

    Args:
      spec: the loss.
      rng: consumed.
      draws: random examples for each size of scores and each case.
      scores: of `inputs.SCORES`.
      cases: of the spec's; None for all.
    """
    for size in scores:
        for case in spec.cases if cases is None else cases:
            for _ in range(draws):
                yield from _check_example(spec, rng, size, case)
    if spec.architecture == "skipgram" and spec.name in expectations.EXPECTATIONS:
        yield from expectations.EXPECTATIONS[spec.name](spec, rng)


def _check_example(
    spec: LossSpec, rng: np.random.Generator, size: str, case: str
) -> Iterator[Comparison]:
    arguments, inputs = draw(spec, rng, size, case), f"{size}, {case}"
    for dtype in FLOATS:
        yield from autodiff.compare(spec, arguments, inputs, dtype)
    yield from identities.scores_only(spec, arguments, inputs)
    if size == "extreme":
        yield from identities.finite(spec, arguments, inputs)
    else:
        yield from differences.compare(spec, arguments, inputs)
        yield from autodiff.compare_hessian(spec, arguments, inputs)
    if case == "masked slots":
        yield from identities.masked_slots(spec, arguments, inputs)
    if case in ("plain", "masked slots") and size == "extreme":
        yield from identities.limits(spec, arguments, inputs)


def check_model(
    architecture: str, hidden: str, objective: str, rng: np.random.Generator
) -> Iterator[Comparison]:
    """Layer d over one model, every exact optimizer, size of scores and float type.

    Args:
      architecture: skipgram or cbow.
      hidden: CBOW's average or sum.
      objective: of the config.
      rng: consumed.
    """
    make_world = in_float64(training_path.make_world)
    world = make_world(architecture, objective, rng, cbow_hidden=hidden)
    yield from training_sizes.compare(world, rng)


def check_all(
    seed: int = 0, draws: int = 1, names: Sequence[str] | None = None
) -> Iterator[Comparison]:
    """Layers a to d over everything that the library trains with.

    Most of the time goes into compiling, so losses and models are checked two at a
    time; the comparisons come in the same order and are the same.

    Args:
      seed: of all examples.
      draws: examples for each size of scores and each case.
      names: of losses, such as softmax; None for all.
    """
    tasks: list[Callable[[np.random.Generator], Iterator[Comparison]]] = [
        functools.partial(check_loss, spec, draws=draws)
        for spec in SPECS.values()
        if names is None or spec.name in names
    ]
    tasks += [
        functools.partial(check_model, *model)
        for model in training_path.MODELS
        if names is None or model[2] in names
    ]

    def run(number: int) -> list[Comparison]:
        return list(tasks[number](np.random.default_rng([seed, number])))

    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(run, range(len(tasks))):
            yield from found


def check_users_loss(
    spec: LossSpec, seed: int = 0, draws: int = 1
) -> Iterator[Comparison]:
    """Layers a to d over a loss from outside, as far as they apply to it."""
    yield from check_loss(spec, np.random.default_rng([seed, 0]), draws)
    rng = np.random.default_rng([seed, 1])
    for optimizer in training_path.EXACT:
        yield from gathered_rows.compare(spec, rng, optimizer)
