import jax.numpy as jnp
import numpy as np
import optax
import pytest

from w2v_jax.evaluation import fresh_layer
from w2v_jax.evaluation.likelihood import Batch

V, D, SIZE = 12, 4, 64
PLAIN = np.eye(D)


def planted(batches: int, seed: int = 0, turn=PLAIN, shift=0.0) -> list[Batch]:
    """Two kinds of hidden vectors; one predicts the even words, the other the odd."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(batches):
        kind = rng.integers(2, size=SIZE)
        hidden = rng.normal(size=(SIZE, D)) + 6 * (kind[:, None] - 0.5)
        targets = 2 * rng.integers(V // 2, size=(SIZE, 3)) + kind[:, None]
        made.append(
            Batch(
                jnp.asarray(hidden @ turn + shift, jnp.float32),
                jnp.asarray(targets, jnp.int32),
                jnp.ones((SIZE, 3)),
            )
        )
    return made


def score(layer: fresh_layer.FreshLayer, batches: list[Batch]) -> float:
    read = layer.reading()
    pairs = SIZE * 3 * len(batches)
    return sum(float(read(batch).sum()) for batch in batches) / pairs


def fitted(**changes) -> fresh_layer.FreshLayer:
    batches = planted(150, **changes)
    # few steps and a large rate, for the sake of the clock
    return fresh_layer.fit(lambda: batches, np.full(V, -np.log(V)), rate=0.2)


def test_the_layer_finds_what_the_hidden_vectors_tell():
    # the kind tells one of 6 words instead of 12: log 6 nats, at least
    found = score(fitted(), planted(20, seed=1))
    assert np.log(V / 2) - 0.02 < found < np.log(V / 2) + 0.1


def test_neither_coordinates_nor_length_nor_shift_of_the_vectors_matter():
    turn = 1e-3 * np.random.default_rng(5).normal(size=(D, D))
    plain = score(fitted(), planted(20, seed=1))
    moved = score(
        fitted(turn=turn, shift=0.7), planted(20, seed=1, turn=turn, shift=0.7)
    )
    # float32 after a change of basis of condition number about ten, and Adagrad's
    # step, which goes coordinate by coordinate: hundredths of a nat
    assert moved == pytest.approx(plain, abs=0.03)


def test_before_the_first_step_the_layer_is_the_unigram_baseline():
    batches = planted(5)
    prior = np.log(np.arange(1.0, V + 1) / np.arange(1, V + 1).sum())
    layer = fresh_layer.fit(lambda: batches, prior, rate=0.0)
    targets = np.concatenate([batch.targets for batch in batches])
    assert score(layer, batches) == pytest.approx(-prior[targets].mean(), abs=1e-5)


def test_whitened_vectors_have_mean_zero_and_covariance_one_up_to_the_ridge():
    batches = planted(50, turn=np.diag([1, 2, 3, 4]), shift=2.0)
    mean, scale = fresh_layer.whitening(batches)
    hidden = np.concatenate([batch.hidden for batch in batches])
    found = (hidden - np.asarray(mean)) @ np.asarray(scale)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)  # float32 sums
    # each direction's variance v becomes v / (v + ridge), which is one but for small v
    values = np.linalg.eigvalsh(np.cov(hidden.T, bias=True))
    expected = np.diag(values / (values + fresh_layer.RIDGE * values.mean()))
    np.testing.assert_allclose(np.cov(found.T, bias=True), expected, atol=1e-3)


def test_empty_slots_take_no_part():
    batch = planted(1)[0]
    half = batch._replace(weights=batch.weights.at[SIZE // 2 :].set(0))
    cut = Batch(*(array[: SIZE // 2] for array in batch))
    for mine, theirs in zip(
        fresh_layer.whitening([half]), fresh_layer.whitening([cut]), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)  # float32 sums
    layer = (jnp.ones((V, D)), jnp.zeros(V))
    np.testing.assert_allclose(
        fresh_layer.mean_loss(layer, half),
        fresh_layer.mean_loss(layer, cut),
        rtol=1e-6,
    )


def test_the_loss_is_optaxs_cross_entropy(monkeypatch):
    monkeypatch.setattr(fresh_layer, "CHUNK", 5)  # 12 words: two chunks and a rest
    batch = planted(1)[0]
    rng = np.random.default_rng(2)
    table, bias = jnp.asarray(rng.normal(size=(V, D)), jnp.float32), jnp.arange(V) / 7
    logits = batch.hidden @ table.T + bias[None]
    expected = optax.softmax_cross_entropy_with_integer_labels(
        jnp.repeat(logits[:, None], 3, axis=1), batch.targets
    ).mean()
    found = fresh_layer.mean_loss((table, bias), batch)
    np.testing.assert_allclose(found, expected, rtol=1e-5)  # float32 sums over 12


def test_nothing_to_fit_on_is_refused():
    empty = planted(1)[0]
    empty = empty._replace(weights=jnp.zeros_like(empty.weights))
    with pytest.raises(ValueError, match="no pair to fit"):
        fresh_layer.fit(lambda: [empty], np.zeros(V))
