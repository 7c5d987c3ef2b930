"""A short training on random text, again and again."""

import numpy as np
import pytest

from experiments.benchmarking import pairs
from experiments.benchmarking.short import RATE, Short, settings

SMALL = {"dim": 4, "window": 2, "block": 8, "streams": 1, "shared_noise": 4}


@pytest.fixture(scope="module")
def short():
    config = settings("skipgram-negative_sampling", replicas=1, subsample=0.0, **SMALL)
    return Short(config, 40, 500)


def test_a_pass_reads_every_word_once(short):
    assert short.once() > 0
    assert short.kept_tokens == 500  # nothing is rare and nothing subsampled


def test_the_text_is_cut_into_chunks_that_can_overlap(short):
    assert short.trainer.chunks == 4
    assert short.config.chunk == 125
    assert short.config.epochs == 1


def test_passes_go_on_from_each_other_and_stay_finite(short):
    short.once()
    before = short.trainer.host(short.state).tables["output"]
    short.once()
    after = short.trainer.host(short.state).tables["output"]
    assert not np.array_equal(before, after)
    assert short.finite()


def test_pairs_are_those_of_its_trainer(short):
    assert short.pairs() == pairs.in_training(short.trainer) > 0


def test_a_table_that_is_not_finite_is_seen(short):
    import jax

    host = short.trainer.host(short.state)
    spoilt = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), host)
    good, short.state = short.state, short.trainer.place(spoilt)
    assert not short.finite()
    short.state = good


def test_without_words_the_text_is_whole_chunks_of_the_models_own():
    config = settings("skipgram-negative_sampling", replicas=1, chunk=100, **SMALL)
    made = Short(config, 10, 0, pieces=3)
    assert (made.config.chunk, made.trainer.chunks, len(made.trainer.ids)) == (
        100,
        3,
        300,
    )


def test_the_models_own_chunk_is_remembered(short):
    assert short.own_chunk == 2**20
    assert short.config.chunk < short.own_chunk


def test_the_rate_is_small_unless_it_is_given():
    assert settings("cbow-softmax").learning_rate is None
    config = settings("skipgram-negative_sampling", replicas=1, **SMALL)
    assert Short(config, 10, 64).config.learning_rate == RATE


def test_a_model_is_named_by_architecture_and_objective():
    config = settings("cbow-hierarchical_softmax", dim=7)
    assert (config.architecture, config.objective) == ("cbow", "hierarchical_softmax")
    assert config.dim == 7
