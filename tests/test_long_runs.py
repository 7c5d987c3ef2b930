"""Runs of more words than 32 bits count: positions, rates, draws, logs stay exact."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_training import clusters, run, trainer
from w2v_jax import checkpoint
from w2v_jax.blocks import Sampler, keep_thresholds, position_bits
from w2v_jax.metrics_log import MetricsLog, cut_back, read_metrics
from w2v_jax.position import Position
from w2v_jax.training import Trainer

WORDS = int((clusters() >= 0).sum())
EPOCHS = 2**31 - 1  # the most that the config takes
COUNTS = st.integers(0, 2**62)


@pytest.fixture(scope="module")
def long():
    """A run of some 10^13 words, of which we see two settled points."""
    return trainer(epochs=EPOCHS)


@pytest.mark.parametrize("words", [2**31, 2**32, 2**40])
def test_a_run_beyond_so_many_words_counts_and_goes_on_exactly(long, words, tmp_path):
    epoch = words // WORDS
    first = Position(epoch, 0, epoch * WORDS, epoch * WORDS, step=2**33)
    found = run(long, position=first, stop=2)
    chunks = [long.chunk(epoch, number) for number in range(4)]
    for number, (_, metrics) in enumerate(found, 1):
        done = chunks[: 2 * number]  # settled every two chunks
        assert metrics.position.epoch == epoch
        assert metrics.position.raw_words == first.raw_words + sum(
            chunk.raw_words for chunk in done
        )
        assert metrics.position.kept_tokens - first.kept_tokens == sum(
            len(chunk.tokens) for chunk in done
        )
        assert 0 < metrics.position.step - 2**33 < 10_000
        assert metrics.learning_rate == long.rate(metrics.position.raw_words)
    state, metrics = found[-1]
    metadata = {"position": dataclasses.asdict(metrics.position)}
    path = checkpoint.save(tmp_path, state, metadata)
    assert Position.from_dict(checkpoint.restore(path, state)[1]["position"]) == (
        metrics.position
    )


def test_a_run_that_goes_on_beyond_32_bits_ends_with_the_same_bits(long):
    first = Position(2**32 // WORDS, 0, 2**32, 2**32, 2**32)
    whole = run(long, position=first, stop=3)
    state, metrics = run(long, position=first, stop=1)[-1]
    rest = run(long, state, metrics.position, stop=2)
    assert rest[-1][1].position == whole[-1][1].position
    for name, table in whole[-1][0].tables.items():
        np.testing.assert_array_equal(rest[-1][0].tables[name], table)


def test_epochs_that_agree_in_their_low_bits_are_sampled_differently(long):
    one, other = (long.chunk(epoch, 0).reach for epoch in (3, 3 + 2**30))
    assert np.any(one != other)
    assert np.any(position_bits(0, 1, 0, 8) != position_bits(0, 1 + 2**32, 0, 8))


@given(words=COUNTS, epochs=st.integers(1, EPOCHS), rate=st.floats(1e-6, 10))
def test_the_rate_is_a_function_of_the_words_alone(words, epochs, rate):
    built = object.__new__(Trainer)  # the rate needs two of its attributes
    built.config = trainer_config(epochs, rate)
    built.total_words = total = 12_345 * epochs
    left = max(1 - Fraction(words, total), Fraction(1e-4))
    # float64: the quotient, the difference, the product; 1 - x loses what x is near 1.
    expected = pytest.approx(float(Fraction(rate) * left), rel=1e-11)
    assert built.rate(words) == expected
    assert built.rate(words) == built.rate(words)
    assert built.rate(words) >= built.rate(words + 1)


def trainer_config(epochs, rate):
    from tests.models import config

    return config(
        "skipgram",
        "negative_sampling",
        epochs=epochs,
        learning_rate=rate,
        final_rate_fraction=1e-4,
    )


def test_the_rate_neither_knows_chunks_nor_where_a_run_went_on():
    settings = {"epochs": 4, "learning_rate": 0.2}
    one, other = trainer(**settings), trainer(**settings, chunk=512, settle_every=3)
    assert one.chunks != other.chunks
    for words in (0, 1, WORDS, 3 * WORDS + 7, 4 * WORDS, 5 * WORDS):
        assert one.rate(words) == other.rate(words)


@pytest.fixture
def corpus_of_34_gigabytes(tmp_path):
    """2^33 word ids in a file with holes: only what is read takes place."""
    path = tmp_path / "ids.int32"
    size = 2**33
    try:
        with path.open("wb") as file:
            file.truncate(4 * size)
            file.seek(4 * (size - 1000))
            file.write(np.arange(1000, dtype="<i4").tobytes())
        yield np.memmap(path, "<i4", "r")
    except OSError:
        pytest.skip("needs a disk that keeps files with holes")
    finally:
        path.unlink()


def test_a_corpus_of_more_positions_than_32_bits_is_sampled_to_its_end(
    corpus_of_34_gigabytes,
):
    ids = corpus_of_34_gigabytes
    sampler = Sampler(ids, keep_thresholds(np.ones(1000)), 0, 5, True)
    chunk = sampler.chunk(0, len(ids) - 1000, len(ids) + 5)
    np.testing.assert_array_equal(chunk.tokens, np.arange(1000))
    assert chunk.raw_words == 1000
    # Draws at a position do not depend on where the chunk begins.
    later = sampler.chunk(0, len(ids) - 300, len(ids))
    np.testing.assert_array_equal(chunk.reach[-300:], later.reach)
    # 2^33 positions further: other draws, although the low 32 bits agree.
    assert np.any(position_bits(0, 0, 0, 50) != position_bits(0, 0, 2**32, 2**32 + 50))


@given(step=COUNTS, words=COUNTS)
def test_counts_of_any_size_stand_in_the_log_as_they_are(tmp_path_factory, step, words):
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    with MetricsLog(path) as log:
        log.append(step=step, raw_words=words)
        log.append(step=step + 1, raw_words=words + 1)
    assert [line["raw_words"] for line in read_metrics(path)] == [words, words + 1]
    cut_back(path, step)
    assert [line["step"] for line in read_metrics(path)] == [step]
    assert json.loads(path.read_text())["raw_words"] == words


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"epoch": 0},
        dataclasses.asdict(Position()) | {"more": 1},
        dataclasses.asdict(Position()) | {"epoch": -1},
        dataclasses.asdict(Position()) | {"chunk": 1.0},
        dataclasses.asdict(Position()) | {"step": True},
        dataclasses.asdict(Position()) | {"raw_words": "7"},
    ],
)
def test_what_is_no_position_is_refused(values):
    with pytest.raises(ValueError, match=r"a position has the fields|must be a whole"):
        Position.from_dict(values)


@given(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_every_position_comes_back_from_its_dictionary(counts):
    position = Position(*counts)
    text = json.dumps(dataclasses.asdict(position))
    assert Position.from_dict(json.loads(text)) == position
