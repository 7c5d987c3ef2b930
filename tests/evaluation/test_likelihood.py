"""Against distributions over a small vocabulary that NumPy writes out whole."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests import models
from w2v_jax.evaluation import likelihood
from w2v_jax.evaluation.held_out import Windows
from w2v_jax.huffman import build_huffman
from w2v_jax.noise import noise_probabilities

ROUNDING = 2e-5  # float32 sums of at most a few hundred terms of size one
V, D = models.WORDS, 7
VOCABULARY = models.vocabulary()
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(V, D)).astype(np.float32)
OUTPUTS = RNG.normal(size=(V, D)).astype(np.float32)
WINDOWS = Windows(
    np.array([3, 0, 22], np.int32),
    np.array([[1, 2, 0, 5], [7, 0, 0, 0], [4, 4, 4, 4]], np.int32),
    np.array([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]], bool),
)


def config(architecture, objective, **changes):
    return models.config(architecture, objective, **changes)


def outputs_of(objective):
    return OUTPUTS[:-1] if objective == "hierarchical_softmax" else OUTPUTS


def read(architecture, objective, windows=WINDOWS, **changes):
    made = config(architecture, objective, **changes)
    batch = likelihood.batch_of(
        jnp.asarray(INPUTS), windows, architecture, made.cbow_hidden
    )
    score = likelihood.readings(made, VOCABULARY, outputs_of(objective))
    return {name: np.asarray(nats) for name, nats in score(batch).items()}


def pairs_of(architecture, hidden="average"):
    """(hidden vector, target, window) of every pair, one at a time, in float64."""
    inputs = INPUTS.astype(np.float64)
    for row, (centre, context, mask) in enumerate(zip(*WINDOWS, strict=True)):
        words = context[mask]
        if architecture == "skipgram":
            yield from ((inputs[centre], word, row) for word in words)
        else:
            combine = np.mean if hidden == "average" else np.sum
            yield combine(inputs[words], axis=0), centre, row


def log_distribution(hidden, objective, made):
    """log p [V] over all words, written out."""
    if objective == "hierarchical_softmax":
        tree, logs = build_huffman(VOCABULARY.counts), np.zeros(V)
        z = OUTPUTS[:-1].astype(np.float64) @ hidden
        for word in range(V):
            for step in range(tree.lengths[word]):
                sign = 1 - 2 * tree.codes[word, step]
                logs[word] -= np.log1p(np.exp(-sign * z[tree.paths[word, step]]))
        return logs
    scores = OUTPUTS.astype(np.float64) @ hidden
    if objective == "negative_sampling":
        scores += np.log(noise_probabilities(VOCABULARY.counts, made.noise_exponent))
    return scores - np.log(np.exp(scores).sum())


@pytest.mark.parametrize(("architecture", "objective"), models.MODELS)
@pytest.mark.parametrize("hidden", ["average", "sum"])
def test_every_model_is_read_as_its_distribution_written_out(
    architecture, objective, hidden
):
    made = config(architecture, objective, cbow_hidden=hidden)
    expected = np.zeros(3)
    for vector, target, row in pairs_of(architecture, hidden):
        expected[row] -= log_distribution(vector, objective, made)[target]
    found = read(architecture, objective, cbow_hidden=hidden)["distribution"]
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)


@pytest.mark.parametrize("objective", sorted({name for _, name in models.MODELS}))
def test_every_distribution_sums_to_one_over_the_vocabulary(objective):
    everything = Windows(
        np.full(V, 3, np.int32),
        np.arange(V, dtype=np.int32)[:, None],
        np.ones((V, 1), bool),
    )
    nats = read("skipgram", objective, everything)["distribution"]
    assert np.exp(-nats).sum() == pytest.approx(1, abs=ROUNDING)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_negative_samplings_own_loss_is_the_mean_over_its_noise(architecture):
    made = config(architecture, "negative_sampling", negatives=3)
    q = noise_probabilities(VOCABULARY.counts, made.noise_exponent)
    expected = np.zeros(3)
    for vector, target, row in pairs_of(architecture):
        z = OUTPUTS.astype(np.float64) @ vector
        expected[row] += np.log1p(np.exp(-z[target]))
        expected[row] += 3 * (q * np.log1p(np.exp(z))).sum()
    found = read(architecture, "negative_sampling", negatives=3)["own"]
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)


def test_scores_that_are_the_shifted_pmi_are_read_as_the_text_they_come_from():
    # hidden is one of V axes, so that every score is free: z_co = log p(o|c) / (K q(o))
    made = config("skipgram", "negative_sampling", negatives=5)
    truth = RNG.dirichlet(np.ones(V), size=V)
    q = noise_probabilities(VOCABULARY.counts, made.noise_exponent)
    scores = np.log(truth / (5 * q)).astype(np.float32)
    score = likelihood.readings(made, VOCABULARY, scores.T.copy())
    batch = likelihood.batch_of(jnp.eye(V), WINDOWS, "skipgram", "average")
    expected = [
        -np.log(truth[centre, context[mask]]).sum()
        for centre, context, mask in zip(*WINDOWS, strict=True)
    ]
    found = score(batch)
    np.testing.assert_allclose(found["distribution"], expected, rtol=ROUNDING)
    # the raw reading is another distribution, so on average it is worse (Gibbs)
    raw = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert -(truth * np.log(raw)).sum() > -(truth * np.log(truth)).sum()
    expected = [
        -np.log(raw[centre, context[mask]]).sum()
        for centre, context, mask in zip(*WINDOWS, strict=True)
    ]
    np.testing.assert_allclose(found["raw_softmax"], expected, rtol=ROUNDING)


def test_the_size_of_the_chunks_changes_nothing_but_rounding(monkeypatch):
    whole = read("skipgram", "negative_sampling")
    monkeypatch.setattr(likelihood, "CHUNK", 5)  # 23 words: four chunks and a rest
    in_parts = read("skipgram", "negative_sampling")
    for name, nats in whole.items():
        np.testing.assert_allclose(in_parts[name], nats, rtol=ROUNDING)


def test_large_scores_stay_finite():
    made = config("skipgram", "negative_sampling")
    batch = likelihood.batch_of(
        jnp.asarray(100 * INPUTS), WINDOWS, "skipgram", "average"
    )
    score = likelihood.readings(made, VOCABULARY, 100 * OUTPUTS)
    assert all(np.isfinite(nats).all() for nats in score(batch).values())


def test_the_baseline_is_the_frequency_of_words_after_subsampling():
    keep = np.linspace(0.1, 1, V)
    logs = likelihood.unigram(VOCABULARY, keep)
    kept = VOCABULARY.counts * keep
    np.testing.assert_allclose(np.exp(logs), kept / kept.sum(), rtol=1e-12)
