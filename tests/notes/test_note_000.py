"""Note 000: its toy corpus, its training, and what is wrong in its figures."""

import collections
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import oracle
from w2v_jax import losses
from w2v_jax.blocks import Sampler, cut_blocks, keep_thresholds, lay_streams, pad_chunk
from w2v_jax.config import Config, resolve
from w2v_jax.corpus import encode
from w2v_jax.noise import build_alias_table, draw_noise, noise_probabilities
from w2v_jax.position import Position
from w2v_jax.training import Trainer, train
from w2v_jax.vocabulary import build_vocabulary

SENTENCES = [
    "i like to eat apples and bananas",
    "i like to watch movies and cartoons",
    "the cat likes to eat fish",
    "john loves to read books about python",
]
WINDOW, NEGATIVES, DIM = 2, 4, 8


@pytest.fixture
def toy(tmp_path):
    """The toy corpus as the library reads it, and its vocabulary."""
    path = tmp_path / "toy.txt"
    path.write_text("\n".join(SENTENCES) + "\n")
    corpus = encode(path, cache_dir=tmp_path / "cache")
    return corpus, build_vocabulary(corpus, min_count=1)


def written_pairs():
    return [p for s in SENTENCES for p in oracle.skipgram_pairs(s.split(), WINDOW)]


def test_the_toy_corpus_has_20_words_and_not_14(toy):
    _, vocabulary = toy
    assert len(vocabulary) == len(set(" ".join(SENTENCES).split())) == 20


def test_it_has_84_pairs_at_window_2_and_not_58():
    # A sentence of n words: 2 n neighbours at distance 1 less 2 at the ends, and 2 n
    # at distance 2 less 4: 4 n - 6. Lengths 7, 7, 6, 7.
    assert len(written_pairs()) == sum(4 * n - 6 for n in (7, 7, 6, 7)) == 84


def test_the_printed_list_of_pairs_leaves_one_out():
    words = sorted(set(" ".join(SENTENCES).split()))
    ids = [(words.index(a), words.index(b)) for a, b in written_pairs()]
    printed = [(9, 11), (9, 18), (11, 9), (11, 18), (11, 7), (18, 9), (18, 11), (18, 7)]
    printed += [(7, 11), (7, 18)]
    missing = (words.index("to"), words.index("apples"))
    assert ids[:11] == [*printed[:8], missing, *printed[8:]]


def test_blocks_hold_the_pairs_that_the_note_means(toy):
    corpus, vocabulary = toy
    sampler = Sampler(corpus.ids, keep_thresholds(np.ones(20)), 0, WINDOW, False)
    chunk = sampler.chunk(0, 0, len(corpus.ids))
    size = len(chunk.tokens)
    room = size + 2 * WINDOW
    padded = pad_chunk(chunk, room, WINDOW, True)
    laid = lay_streams(
        tuple(map(jnp.asarray, padded)), [jnp.int32(0)], jnp.int32(size), room, WINDOW
    )
    block = cut_blocks(laid, jnp.int32(0), size, WINDOW)
    found = collections.Counter()
    for i, j in zip(*np.nonzero(np.asarray(block.window[0])), strict=True):
        centre, context = block.centres[0, i], block.tokens[0, j]
        found[vocabulary.words[int(centre)], vocabulary.words[int(context)]] += 1
    assert found == collections.Counter(written_pairs())


def test_the_noise_distribution_is_the_counts_to_the_power_three_quarters(toy):
    _, vocabulary = toy
    counts = collections.Counter(" ".join(SENTENCES).split())
    # "to" 4 times; i, like, eat, and twice; 15 words once.
    total = 4**0.75 + 4 * 2**0.75 + 15
    assert math.fsum(n**0.75 for n in counts.values()) == pytest.approx(total)
    found = noise_probabilities(vocabulary.counts, 0.75)
    expected = [counts[word] ** 0.75 / total for word in vocabulary.words]
    np.testing.assert_allclose(found, expected, rtol=1e-14)  # exp(log) once


def test_the_power_lifts_rare_words_and_lowers_frequent_ones(toy):
    _, vocabulary = toy
    flat, plain = (noise_probabilities(vocabulary.counts, a) for a in (0.75, 1.0))
    assert flat[0] < plain[0]  # "to"
    assert flat[-1] > plain[-1]


@pytest.mark.slow
def test_the_library_trains_on_it_from_five_log_two_downwards(toy):
    corpus, vocabulary = toy
    made = Config(
        dim=DIM,
        window=WINDOW,
        dynamic_window=False,
        negatives=NEGATIVES,
        shared_noise=NEGATIVES,
        subsample=0.0,
        min_count=1,
        epochs=60,
        learning_rate=0.1,
        block=8,
        streams=1,
        replicas=1,
        settle_every=1,
        row_cap=0.0,
    )
    trainer = Trainer(corpus.ids, vocabulary, resolve(made, 1))
    state, constants = trainer.start()
    lost = [metrics.loss for _, metrics in train(trainer, state, constants, Position())]
    # Output vectors begin at zero: every score is 0, every term log 2.
    assert lost[0] < (1 + NEGATIVES) * math.log(2) * 1.001
    assert lost[-1] < 0.9 * lost[0]


def printed_training(key):
    """Mean loss of three epochs, as the note's program means it, without epsilon."""
    words = sorted(set(" ".join(SENTENCES).split()))
    counts = collections.Counter(" ".join(SENTENCES).split())
    noise = build_alias_table(
        noise_probabilities(np.array([counts[w] for w in words]), 0.75)
    )
    pairs = jnp.array([(words.index(a), words.index(b)) for a, b in written_pairs()])
    start, order, draws = jax.random.split(key, 3)
    tables = jax.random.uniform(start, (2, 20, DIM), minval=-0.5, maxval=0.5)
    keys = jax.random.split(order, 3)
    shuffled = jnp.concatenate([jax.random.permutation(k, pairs) for k in keys])
    negatives = draw_noise(noise, draws, (len(shuffled), NEGATIVES))

    def step(tables, example):
        (centre, outside), drawn = example

        def loss(tables):
            return losses.negative_sampling_loss(
                tables[0, centre], tables[1, outside], tables[1, drawn]
            )

        value, slope = jax.value_and_grad(loss)(tables)
        return tables - 0.01 * slope, value

    _, values = jax.lax.scan(step, tables, (shuffled, negatives))
    return values.reshape(3, -1).mean(axis=1)


@pytest.mark.slow
def test_the_printed_losses_do_not_come_from_the_printed_program():
    means = np.asarray(jax.jit(jax.vmap(printed_training))(_keys(200)))
    printed = np.array([3.3084, 2.6271, 2.4257])
    # Five scores near zero: 5 log 2 = 3.47 with a spread of a few hundredths. The
    # loss falls by about a hundredth an epoch, not by 0.68 and 0.2.
    assert means.mean(axis=0)[0] == pytest.approx(5 * math.log(2), abs=0.05)
    falls = means[:, :-1] - means[:, 1:]
    assert falls.max() < 0.25
    assert (means[:, 2].min() - printed[2]) > 0.5


def _keys(count):
    return jax.random.split(jax.random.key(0), count)


def test_the_printed_program_cannot_run_with_one_pair_at_a_time():
    # squeeze() takes the batch of one away with the last axis, and sum(1) has no axis.
    scores = np.zeros((1, NEGATIVES, 1)).squeeze()
    assert scores.shape == (NEGATIVES,)
    with pytest.raises(np.exceptions.AxisError):
        scores.sum(1)


def test_an_epsilon_inside_the_log_bounds_the_loss_and_loses_the_gradient(x64):
    def printed(x):
        return -jnp.log(jax.nn.sigmoid(x) + 1e-8)

    x = -30.0
    # The loss is softplus(30) = 30; printed it is -log(1e-8 + e-30) = 18.4.
    assert float(losses.softplus(-x)) == pytest.approx(30, abs=1e-12)
    assert float(printed(x)) == pytest.approx(8 * math.log(10), abs=1e-4)
    # Its slope, -1 in truth, is -s(-30) / (s(-30) + 1e-8) = -1e-5.
    ratio = oracle.logistic(x) / (oracle.logistic(x) + 1e-8)
    assert float(jax.grad(printed)(x)) == pytest.approx(-ratio, rel=1e-6)
    assert float(jax.grad(lambda x: losses.softplus(-x))(x)) == pytest.approx(-1)


def test_the_gradient_is_observed_minus_expected(x64):
    rng = np.random.default_rng(0)
    centre, outside = rng.standard_normal(3), rng.standard_normal((5, 3))
    p = np.exp(oracle.log_probabilities(outside @ centre))
    found = jax.grad(lambda v: -losses.softmax_loss(v, jnp.asarray(outside), 2))(centre)
    np.testing.assert_allclose(found, outside[2] - p @ outside, rtol=1e-12)


def test_negative_sampling_does_not_approximate_the_softmax(x64):
    # One centre, output vectors e_w: every score is free. Both losses in expectation
    # over the context distribution p, minimised by Newton's method from zero.
    p, q = jnp.array([0.7, 0.2, 0.1]), jnp.array([0.2, 0.3, 0.5])
    output, noise = jnp.eye(3), 2

    def sampled(z):
        return (p * losses.softplus(-z) + noise * q * losses.softplus(z)).sum()

    @jax.jit
    def newton(z):
        return z - jnp.linalg.solve(jax.hessian(sampled)(z), jax.grad(sampled)(z))

    z = jnp.zeros(3)
    for _ in range(20):
        z = newton(z)
    # Its minimum is the shifted PMI, not log p; its softmax is p / q, normalised.
    np.testing.assert_allclose(z, jnp.log(p / (noise * q)), rtol=1e-10)
    np.testing.assert_allclose(jax.nn.softmax(z), (p / q) / (p / q).sum(), rtol=1e-10)
    assert np.abs(jax.nn.softmax(z) - p).max() > 0.1
    expected = sum(
        p[o] * jax.grad(losses.softmax_loss)(jnp.log(p), output, o) for o in range(3)
    )
    np.testing.assert_allclose(expected, 0, atol=1e-15)  # the softmax's is log p


def test_one_hot_times_matrix_is_lookup_and_its_gradient_is_scatter(x64):
    table = jnp.arange(12.0).reshape(4, 3)
    one_hot = jax.nn.one_hot(2, 4)
    assert (one_hot @ table == table[2]).all()
    slope = jax.grad(lambda t: (one_hot @ t).sum())(table)
    assert slope.tolist() == [[0] * 3, [0] * 3, [1] * 3, [0] * 3]


def test_the_matrix_view_scores_a_sentence_of_one_hots_at_once():
    table = jnp.arange(12.0).reshape(4, 3)
    sentence = jnp.array([3, 0, 3])
    one_hots = jax.nn.one_hot(sentence, 4).T  # X of the note: [V, T]
    assert (one_hots.T @ table == table[sentence]).all()


def test_the_loss_of_a_document_is_the_cross_entropy_of_its_pairs(x64):
    # 1/T sum of -log P, printed with and without 1/T: cross-entropy needs the mean.
    p = np.array([0.5, 0.3, 0.2])
    seen = [0, 0, 1, 2, 0]
    frequency = np.bincount(seen) / len(seen)
    total = math.fsum(-math.log(p[o]) for o in seen)
    assert total / len(seen) == pytest.approx(-(frequency * np.log(p)).sum())


def test_the_loss_of_sampled_documents_wants_the_factor_d_over_l():
    # Four sentences, two sampled: over all six choices each is in half of them.
    losses_of = [4 * len(s.split()) - 6 for s in SENTENCES]  # a nat a pair
    sampled = [a + b for a, b in itertools.combinations(losses_of, 2)]
    assert np.mean(sampled) == sum(losses_of) * 2 / 4


def test_a_row_cannot_be_multiplied_from_the_left_by_w_out():
    one_hot, w_in, w_out = np.eye(5)[:, [2]], np.ones((5, 3)), np.ones((5, 3))
    hidden = one_hot.T @ w_in
    assert hidden.shape == (1, 3)
    with pytest.raises(ValueError, match="mismatch"):
        w_out @ hidden
    assert (w_out @ hidden.T).shape == (5, 1)  # scores as a column, or
    assert (hidden @ w_out.T).shape == (1, 5)  # as a row: the matrix view


def test_scores_of_shape_batch_by_one_would_broadcast():
    centre, outside = np.ones((6, DIM)), np.ones((6, DIM))
    scores = (centre * outside).sum(axis=1)
    assert scores.shape == (6,)
    negatives = np.ones((6, NEGATIVES)).sum(1)
    assert (scores + negatives).shape == (6,)
    assert (scores[:, None] + negatives).shape == (6, 6)
