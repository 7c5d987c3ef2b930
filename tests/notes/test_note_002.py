"""Note 002: lookup and score tables, the two vectors of a word, what is updated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import closed_form, losses
from w2v_jax.config import Config, resolve
from w2v_jax.step import get_model, initial_tables
from w2v_jax.vocabulary import Vocabulary

WORDS = ["我", "爱", "北京", "天安门", "的"]
W = np.arange(1, 16).reshape(5, 3) / 10
W_PRIME = np.array([[0.15, 0.16, 0.17]]) + 0.1 * np.arange(5)[:, None]
SCORES = [0.386, 0.626, 0.866, 1.106, 1.346]
BEIJING = WORDS.index("北京")


def test_one_hot_times_w_looks_the_row_of_beijing_up(x64):
    one_hot = jax.nn.one_hot(BEIJING, 5)
    np.testing.assert_allclose(jnp.asarray(W).T @ one_hot, [0.7, 0.8, 0.9], rtol=1e-15)
    np.testing.assert_array_equal(one_hot @ jnp.asarray(W), W[BEIJING])


def test_the_five_scores_are_those_of_the_table(x64):
    scores = jnp.asarray(W_PRIME) @ jnp.asarray(W[BEIJING])
    np.testing.assert_allclose(scores, SCORES, rtol=1e-14)
    # The columns of W' grow by 0.1 in each of three places: 0.1 (0.7 + 0.8 + 0.9).
    np.testing.assert_allclose(np.diff(scores), 0.24, rtol=1e-12)


def test_their_softmax_is_what_the_losses_say(x64):
    p = np.exp(SCORES) / np.exp(SCORES).sum()
    for target in range(5):
        loss = losses.softmax_loss(
            jnp.asarray(W[BEIJING]), jnp.asarray(W_PRIME), target
        )
        # Scores are given to three decimals, and are exact there.
        assert float(jnp.exp(-loss)) == pytest.approx(p[target], rel=1e-12)


def test_output_vectors_as_rows_or_columns_score_alike():
    # W' is 3 x 5 in the note, one word a column; here its transpose, one word a row.
    columns = W_PRIME.T
    np.testing.assert_allclose(W[BEIJING] @ columns, W_PRIME @ W[BEIJING], rtol=1e-15)


def test_average_and_concatenation_of_the_two_vectors():
    average, both = (W + W_PRIME) / 2, np.concatenate([W, W_PRIME], axis=1)
    assert average.shape == (5, 3)
    assert both.shape == (5, 6)
    # Inner products of concatenations add those of the parts.
    np.testing.assert_allclose(both @ both.T, W @ W.T + W_PRIME @ W_PRIME.T, rtol=1e-14)


def test_one_hot_vectors_are_orthogonal_and_cannot_show_similarity():
    one_hots = np.eye(10_000, dtype=np.float32)[:50]
    cosines = one_hots @ one_hots.T
    np.testing.assert_array_equal(cosines, np.eye(50))
    distances = ((one_hots[:, None] - one_hots[None]) ** 2).sum(-1)
    assert set(distances[~np.eye(50, dtype=bool)]) == {2.0}  # all equally far


def test_negative_sampling_updates_seven_vectors_and_not_six(x64):
    # Centre "brown", context "fox", five noise words, 100 other words.
    rng = np.random.default_rng(0)
    centre = jnp.asarray(rng.standard_normal((107, 4)))
    context = jnp.asarray(rng.standard_normal((107, 4)))
    brown, fox, noise = 0, 1, jnp.arange(2, 7)

    def loss(centre, context):
        return losses.negative_sampling_loss(
            centre[brown], context[fox], context[noise]
        )

    in_centre, in_context = jax.grad(loss, (0, 1))(centre, context)
    moved = [np.abs(g).max(axis=1) > 0 for g in (in_centre, in_context)]
    assert moved[0].nonzero()[0].tolist() == [brown]
    assert moved[1].nonzero()[0].tolist() == [1, 2, 3, 4, 5, 6]


def test_the_full_softmax_moves_every_output_vector():
    rng = np.random.default_rng(0)
    hidden, output = rng.standard_normal(4), rng.standard_normal((107, 4))
    _, in_output = closed_form.softmax_loss_gradient(
        jnp.asarray(hidden, jnp.float32), jnp.asarray(output, jnp.float32), 1
    )
    assert (np.abs(in_output).max(axis=1) > 0).all()


def test_a_frequent_words_output_vector_is_pushed_in_every_softmax_step(x64):
    # W' as the messenger of errors: dL/dW = W' (p - y), dL/dW' = (p - y) h.
    hidden, output = jnp.asarray(W[BEIJING]), jnp.asarray(W_PRIME)
    in_hidden, in_output = closed_form.softmax_loss_gradient(hidden, output, 0)
    error = np.exp(SCORES) / np.exp(SCORES).sum() - np.eye(5)[0]
    np.testing.assert_allclose(in_hidden, W_PRIME.T @ error, rtol=1e-12)
    np.testing.assert_allclose(in_output, np.outer(error, W[BEIJING]), rtol=1e-12)


def test_cbow_and_skip_gram_have_tables_of_the_same_size():
    counts = np.array([5, 4, 3, 2, 1])
    shapes = {}
    for architecture in ("skipgram", "cbow"):
        made = resolve(Config(architecture=architecture, dim=3), 1)
        state, _ = initial_tables(get_model(made), Vocabulary(tuple(WORDS), counts))
        shapes[architecture] = {n: t.shape for n, t in state.tables.items()}
    assert shapes["skipgram"] == shapes["cbow"] == {"input": (5, 3), "output": (5, 3)}
