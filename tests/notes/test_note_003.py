"""Note 003: both likelihoods, both gradients, and its slips of notation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import oracle
from w2v_jax import closed_form, losses

SENTENCE = ["the", "man", "loves", "his", "son"]


def table(rows, seed=0):
    return jnp.asarray(np.random.default_rng(seed).standard_normal((rows, 4)))


def test_the_context_of_loves_is_the_four_other_words():
    pairs = oracle.skipgram_pairs(SENTENCE, 2)
    assert [o for c, o in pairs if c == "loves"] == ["the", "man", "his", "son"]


def test_the_window_is_cut_at_the_ends_of_the_text():
    # The product over -m <= j <= m runs past the text; those factors are left out.
    pairs = oracle.skipgram_pairs(SENTENCE, 2)
    assert [o for c, o in pairs if c == "the"] == ["man", "loves"]
    assert len(pairs) == 4 * len(SENTENCE) - 6


def test_independence_makes_the_loss_of_a_window_a_sum(x64):
    centre, output = table(5)[2], table(5, seed=1)
    context = [0, 1, 3, 4]
    p = jax.nn.softmax(output @ centre)
    total = sum(losses.softmax_loss(centre, output, o) for o in context)
    joint = np.prod([p[o] for o in context])
    assert float(jnp.exp(-total)) == pytest.approx(float(joint), rel=1e-12)


def test_the_skip_gram_gradient_of_log_p_is_observed_minus_expected(x64):
    centre, output = table(5)[2], table(5, seed=1)
    p = jax.nn.softmax(output @ centre)
    found = jax.grad(lambda v: -losses.softmax_loss(v, output, 3))(centre)
    np.testing.assert_allclose(found, output[3] - p @ output, rtol=1e-12)


def test_cbow_scores_the_average_of_its_context(x64):
    context, output = table(4), table(5, seed=1)
    mask = jnp.ones(4, bool)
    hidden = losses.cbow_hidden(context, mask)
    scores = [(u @ context.sum(0)) / 4 for u in output]  # 1 / 2m, m = 2
    np.testing.assert_allclose(output @ hidden, jnp.stack(scores), rtol=1e-13)


def test_the_cbow_gradient_of_log_p_has_the_factor_1_over_2m(x64):
    context, output = table(4), table(5, seed=1)
    mask = jnp.ones(4, bool)

    def log_p(context):
        return -losses.softmax_loss(losses.cbow_hidden(context, mask), output, 3)

    found = jax.grad(log_p)(context)
    p = jax.nn.softmax(output @ context.mean(0))
    for row in found:
        np.testing.assert_allclose(row, (output[3] - p @ output) / 4, rtol=1e-12)


def test_a_word_twice_in_the_context_receives_twice_the_slots_gradient(x64):
    # The context as a set, as printed, would hold the word once.
    words, output = table(6), table(5, seed=1)
    slots, mask = jnp.array([2, 0, 2, 5]), jnp.ones(4, bool)

    def loss(words):
        hidden = losses.cbow_hidden(words[slots], mask)
        return losses.softmax_loss(hidden, output, 3)

    by_word = jax.grad(loss)(words)
    in_hidden, _ = closed_form.softmax_loss_gradient(
        losses.cbow_hidden(words[slots], mask), output, 3
    )
    by_slot = closed_form.cbow_hidden_gradient(words[slots], mask, in_hidden)
    np.testing.assert_allclose(by_word[2], 2 * by_slot[0], rtol=1e-12)
    as_set = losses.cbow_hidden(words[jnp.array([0, 2, 5])], jnp.ones(3, bool))
    assert jnp.abs(as_set - losses.cbow_hidden(words[slots], mask)).max() > 0.01


def test_a_window_cut_short_divides_by_the_words_there_are(x64):
    context, cotangent = table(4), table(1)[0]
    mask = jnp.array([False, False, True, True])  # the first word of a text, m = 2
    found = closed_form.cbow_hidden_gradient(context, mask, cotangent)
    np.testing.assert_allclose(found[2], cotangent / 2, rtol=1e-15)


def test_the_inner_product_is_not_a_cosine(x64):
    # Doubling u_o doubles the score and changes P; a cosine would not move.
    centre, output = table(5)[2], table(5, seed=1)
    longer = output.at[3].multiply(2)

    def cosine(u):
        return float(u @ centre / (jnp.linalg.norm(u) * jnp.linalg.norm(centre)))

    assert cosine(longer[3]) == pytest.approx(cosine(output[3]), rel=1e-14)
    before, after = (losses.softmax_loss(centre, u, 3) for u in (output, longer))
    assert abs(float(after - before)) > 0.01


def test_one_hot_cosines_are_zero_between_different_words():
    one_hots = np.eye(6)
    cosine = one_hots @ one_hots.T
    assert cosine[1, 4] == 0
    assert cosine[4, 4] == 1
