"""Every model's defaults learn real text, in each kernel that a CPU has.

Frequent words of real text come together as those of random text do not: rows that are
stable on the one may leave all bounds on the other after a few million words.
"""

import bz2
import functools

import pytest

from tests.models import SAMPLED
from tests.native.needs import compiler
from w2v_jax.config import Config, resolve
from w2v_jax.corpus import encode
from w2v_jax.position import Position
from w2v_jax.training import Trainer, train
from w2v_jax.vocabulary import build_vocabulary

BENCHMARK = "corpora/enwiki2015_leads_100MB.txt.bz2"
TEXT = 8_000_000  # ids


@functools.cache
def encoded(file, folder):
    return encode(file, cache_dir=folder)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["xla", pytest.param("native", marks=compiler)])
@pytest.mark.parametrize(("architecture", "objective"), SAMPLED)
def test_the_defaults_learn_real_text(
    architecture, objective, kernel, shared_data, tmp_path_factory
):
    text = encoded(shared_data / BENCHMARK, tmp_path_factory.getbasetemp())
    asked = Config(
        architecture=architecture,
        objective=objective,
        kernel=kernel,
        subsample=1e-4,
        seed=1,
    )
    words = build_vocabulary(text, asked.min_count)
    built = Trainer(text.ids[:TEXT], words, resolve(asked, 1))
    assert built.config.kernel == kernel
    state, constants = built.start()
    first, _ = built.measure(state, constants)
    for _, now in train(built, state, constants, Position()):
        if now.position.epoch:  # the first of five, whose rate is high
            break
    # Seen: .94 of it and less. A row cap of 64 left CBOW's tree in XLA at ten times it.
    assert now.finite
    assert now.loss < 0.97 * first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "most"),
    [
        # seen: .26, .72, .77 and .53; without the rule .42, 1.38 and twice no number
        ({"negatives": 30}, 0.3),
        ({"window": 20}, 0.8),
        ({"window": 40}, 0.85),
        ({"window": 40, "negatives": 15}, 0.7),
    ],
)
def test_small_steps_in_xla_learn_with_much_noise(more, most, shared_data, tmp_path):
    file = tmp_path / "short.txt"
    with bz2.open(shared_data / "corpora/text8_prefix_12.5MB.txt.bz2") as source:
        file.write_bytes(source.read(2_000_000))
    text = encode(file, cache_dir=tmp_path)
    asked = Config(kernel="xla", epochs=1, **more)
    words = build_vocabulary(text, asked.min_count)
    built = Trainer(text.ids, words, resolve(asked, 2))
    state, constants = built.start()
    first, _ = built.measure(state, constants)
    *_, (_, now) = train(built, state, constants, Position())
    assert now.finite
    assert now.loss < most * first


# With the row cap of window 5 these diverged.
TREE_IN_A_WIDE_WINDOW = [
    {"architecture": "cbow", "window": 20, "seed": 1},
    {"architecture": "skipgram", "window": 40, "seed": 2},
]
# With the rates of the average these diverged, but for negative sampling in XLA at 20.
SUM = [
    {"architecture": "cbow", "cbow_hidden": "sum", "window": window, "seed": 1}
    for window in (5, 20)
]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["xla", pytest.param("native", marks=compiler)])
@pytest.mark.parametrize(
    ("objective", "asked"),
    [("hierarchical_softmax", asked) for asked in TREE_IN_A_WIDE_WINDOW + SUM]
    + [("negative_sampling", asked) for asked in SUM],
)
def test_what_diverged_by_other_defaults_learns(
    objective, asked, kernel, shared_data, tmp_path_factory
):
    text = encoded(shared_data / BENCHMARK, tmp_path_factory.getbasetemp())
    model = Config(objective=objective, kernel=kernel, subsample=1e-4, **asked)
    words = build_vocabulary(text, model.min_count)
    built = Trainer(text.ids[: TEXT // 2], words, resolve(model, 2))
    state, constants = built.start()
    first, _ = built.measure(state, constants)
    for _, now in train(built, state, constants, Position()):
        if now.position.epoch:
            break
    assert now.finite
    assert now.loss < first  # it was a hundred times that and more
