import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from w2v_jax import closed_form, deviations, losses
from w2v_jax.architectures import Pairs
from w2v_jax.deviations import RULES

OTHERS = tuple(name for name in RULES if name != "exact")


def logistic(x):
    return 1 / (1 + math.exp(-x))


def slope(function, x):
    return float(jax.grad(function)(float(x)))


@pytest.mark.parametrize("x", [-40.0, -8.5, -6.5, -1.0, 0.0, 3.0, 6.0, 7.0, 100.0])
def test_deviating_softplus_has_the_value_of_softplus(x):
    for rule in RULES.values():
        assert rule.sampled(x) == losses.softplus(x)
        assert rule.path(x) == losses.softplus(x)


def test_inside_the_limit_every_rule_is_the_gradient(x64):
    for rule in RULES.values():
        for x in np.linspace(-5.9, 5.9, 7):
            for softplus in (rule.sampled, rule.path):
                # One logistic on each side, computed with a rounding or two.
                assert slope(softplus, x) == pytest.approx(logistic(x), rel=1e-15)


@pytest.mark.parametrize(("name", "limit"), [("word2vec_c", 6), ("fasttext", 8)])
def test_saturation_sets_the_slope_to_zero_and_one_beyond_the_limit(name, limit, x64):
    sampled = RULES[name].sampled
    beyond = limit + 0.01
    assert (slope(sampled, -beyond), slope(sampled, beyond)) == (0, 1)
    # By how much: s(-6) = 0.0025, s(-8) = 0.0003 of a full step.
    exact = slope(losses.softplus, beyond)
    assert 1 - exact == pytest.approx(logistic(-beyond), rel=1e-10)


@pytest.mark.parametrize(
    "softplus", [RULES["word2vec_c"].path, RULES["gensim"].sampled]
)
def test_skipping_sets_the_slope_to_zero_from_the_limit_on(softplus, x64):
    assert slope(softplus, 6.0) == slope(softplus, -6.0) == slope(softplus, 50.0) == 0
    assert slope(softplus, 5.99) == pytest.approx(logistic(5.99), rel=1e-15)
    # By how much: the worst predictions lose their whole gradient, almost 1 a term.
    assert slope(losses.softplus, 6.0) == pytest.approx(logistic(6), rel=1e-15)


def test_word2vec_c_looks_its_logistic_up_with_an_error_below_a_hundredth():
    # Its table holds s(i * 12 / 1000 - 6); integer division makes the index
    # int((x + 6) * 83), where 1000 / 12 = 83.3 was meant.
    x = np.linspace(-5.999, 5.999, 100_001)
    looked_up = 1 / (1 + np.exp(-(np.floor((x + 6) * 83) * 0.012 - 6)))
    error = np.abs(looked_up - 1 / (1 + np.exp(-x))).max()
    assert 0.005 < error < 0.01


WINDOW = jnp.array([[0.0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("name", "exact", "factor"),
    [
        # The input table's step is 2m = 2, 3 and 0 times the gradient, by centre.
        ("average_undivided", RULES["exact"].average, [2, 3, 0]),
        ("sum_divided", RULES["exact"].sum, [1 / 2, 1 / 3, 0]),
    ],
)
def test_cbow_gives_each_context_vector_2m_times_too_much_or_little(
    name, exact, factor, x64
):
    rows = jax.random.normal(jax.random.key(0), (4, 2), jnp.float64)
    window = WINDOW.astype(jnp.float64)
    deviating = getattr(deviations, name)
    for centre, times in enumerate(factor):
        one = window[centre][None]
        cotangent = jnp.array([[1.0, -2.0]])
        value, pull = jax.vjp(lambda r, w=one: deviating(w, r), rows)
        expected, pull_exact = jax.vjp(lambda r, w=one: exact(w, r), rows)
        np.testing.assert_array_equal(value, expected)
        # A division more or less: one rounding.
        np.testing.assert_allclose(
            pull(cotangent)[0], times * pull_exact(cotangent)[0], rtol=1e-15
        )


def test_exact_averages_equal_the_one_example_form(x64):
    rows = jax.random.normal(jax.random.key(0), (4, 2), jnp.float64)
    window = WINDOW.astype(jnp.float64)
    for rule, one in (
        (RULES["exact"].average, losses.cbow_hidden),
        (RULES["exact"].sum, losses.cbow_hidden_sum),
    ):
        expected = jax.vmap(one, (None, 0))(rows, window > 0)
        np.testing.assert_allclose(rule(window, rows), expected, rtol=1e-15)


def test_the_undivided_average_works_on_blocks_of_windows():
    windows = jnp.stack([WINDOW, WINDOW[::-1]])
    rows = jnp.arange(16.0).reshape(2, 4, 2)
    pulled = jax.grad(lambda r: deviations.average_undivided(windows, r).sum())(rows)
    # Each context word receives one unit from every window that holds it.
    expected = jnp.broadcast_to(WINDOW.sum(0)[:, None], (4, 2))
    np.testing.assert_array_equal(pulled, jnp.stack([expected, expected]))


def block():
    """Two hidden vectors, three targets 5, 7, 5, noise 7, 1, 5."""
    weights = jnp.array([[[0.0, 1, 1], [1, 0, 1]]])
    return Pairs(weights), jnp.array([[5, 7, 5]]), jnp.array([[7, 1, 5]])


def test_dropped_noise_does_not_count_for_the_pairs_whose_target_it_is():
    pairs, targets, noise = block()
    # Both hidden vectors have two pairs: (7, 5) and (5, 5); noise 1 is no target.
    expected = [[[2 - 1, 2, 2 - 1], [2 - 0, 2, 2 - 2]]]
    assert deviations.noise_without_targets(pairs, targets, noise).tolist() == expected


def test_dropped_noise_on_the_diagonal_of_cbow():
    pairs, targets = Pairs(jnp.array([[1.0, 1, 0]])), jnp.array([[5, 7, 5]])
    found = deviations.noise_without_targets(pairs, targets, jnp.array([[7, 1, 5]]))
    assert found.tolist() == [[[1, 1, 0], [0, 1, 1], [0, 0, 0]]]


@pytest.mark.slow
def test_dropped_noise_equals_the_sum_over_pairs_of_the_one_example_form(x64):
    pairs, targets, noise = block()
    keys = jax.random.split(jax.random.key(0), 2)
    hidden = jax.random.normal(keys[0], (2, 3), jnp.float64)
    table = jax.random.normal(keys[1], (9, 3), jnp.float64)

    def together(hidden):
        counts = deviations.noise_without_targets(pairs, targets, noise)[0]
        return (counts * losses.softplus(hidden @ table[noise[0]].T)).sum()

    def one_by_one(hidden):
        return sum(
            pairs.weights[0, i, j]
            * (
                deviations.negative_sampling_loss(
                    hidden[i], table[t], table[noise[0]], noise[0] == t
                )
                - losses.softplus(-(table[t] @ hidden[i]))
            )
            for i in range(2)
            for j, t in enumerate(targets[0])
        )

    # Sums of a dozen terms in two orders, two of which cancel.
    np.testing.assert_allclose(
        jax.grad(together)(hidden), jax.grad(one_by_one)(hidden), atol=1e-14
    )


@pytest.mark.parametrize("name", RULES)
def test_a_dropped_target_still_counts_in_the_value_of_the_loss(name, x64):
    hidden, positive, negatives = pair()
    negatives = negatives.at[1].set(positive)
    collision = jnp.array([False, True, False])
    found = deviations.negative_sampling_loss(
        hidden, positive, negatives, collision, 0.5, RULES[name]
    )
    assert found == losses.negative_sampling_loss(hidden, positive, negatives, 0.5)


def pair(scale=1.0):
    keys = jax.random.split(jax.random.key(1), 3)
    hidden = scale * jax.random.normal(keys[0], (4,), jnp.float64)
    positive = jax.random.normal(keys[1], (4,), jnp.float64)
    return hidden, positive, jax.random.normal(keys[2], (3, 4), jnp.float64)


def relative_gap(found, exact):
    return float(jnp.linalg.norm(found - exact) / jnp.linalg.norm(exact))


@pytest.mark.parametrize("name", RULES)
def test_small_scores_without_collisions_have_the_exact_gradient(name, x64):
    vectors, nobody = pair(), jnp.zeros(3, bool)
    rule = RULES[name]
    found = jax.grad(deviations.negative_sampling_loss, (0, 1, 2))(
        *vectors, nobody, 0.5, rule
    )
    exact = closed_form.negative_sampling_loss_gradient(*vectors, 0.5)
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)  # a dozen roundings
    path = vectors[0], vectors[2], jnp.array([0, 1, 1]), jnp.ones(3, bool)
    found = jax.grad(deviations.hierarchical_softmax_loss)(*path, rule)
    exact = closed_form.hierarchical_softmax_loss_gradient(*path)[0]
    np.testing.assert_allclose(found, exact, rtol=1e-13)


@pytest.mark.parametrize("name", ["word2vec_c", "gensim"])
def test_dropping_a_collision_weakens_the_gradient_by_its_own_term(name, x64):
    hidden, positive, negatives = pair()
    negatives = negatives.at[1].set(positive)
    collision = jnp.array([False, True, False])
    found = jax.grad(deviations.negative_sampling_loss)(
        hidden, positive, negatives, collision, 1.0, RULES[name]
    )
    exact = closed_form.negative_sampling_loss_gradient(hidden, positive, negatives)[0]
    missing = jax.nn.sigmoid(positive @ hidden) * positive
    np.testing.assert_allclose(exact - found, missing, rtol=1e-13)


def test_a_path_of_large_scores_is_where_word2vec_c_is_furthest_off(x64):
    hidden, _, nodes = pair(scale=20.0)
    scores = nodes @ hidden
    codes = jnp.where(scores > 0, 1, 0)  # every branch predicted wrongly
    path = hidden, nodes, codes, jnp.ones(3, bool)
    assert (jnp.abs(scores) > 6).all()
    exact = closed_form.hierarchical_softmax_loss_gradient(*path)[0]
    gap = {
        name: relative_gap(
            jax.grad(deviations.hierarchical_softmax_loss)(*path, RULES[name]), exact
        )
        for name in OTHERS
    }
    # Skipping loses everything; saturating rounds s(-|z|), at most 0.0025, to zero.
    assert gap["word2vec_c"] == gap["gensim"] == 1
    assert gap["fasttext"] < 2 * logistic(-6)


def test_redrawn_noise_is_the_noise_given_that_it_is_not_the_target():
    found = deviations.noise_redrawn(jnp.array([0.5, 0.2, 0.3]), 1)
    np.testing.assert_allclose(found, [0.5 / 0.8, 0, 0.3 / 0.8], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("cbow_mean", [1, 0])
def test_gensim_itself_moves_as_its_rule_says_and_not_as_the_gradient(cbow_mean):
    from gensim.models import Word2Vec

    rate, sentence = 0.25, list("abcde")
    model = Word2Vec(
        **{"sg": 0, "hs": 1, "negative": 0, "cbow_mean": cbow_mean, "workers": 1},
        **{"vector_size": 8, "window": 2, "shrink_windows": False},
        **{"min_count": 1, "sample": 0, "alpha": rate, "min_alpha": rate},
    )
    model.build_vocab([sentence])
    rng = np.random.default_rng(0)
    for table in (model.wv.vectors, model.syn1):
        table[:] = rng.standard_normal(table.shape)
    start = model.wv.vectors.copy()
    tables = start, model.syn1.copy()
    model.train([sentence], total_examples=1, epochs=1)
    moved = model.wv.vectors - start

    def follow(rule):
        inputs, outputs = (jnp.asarray(table) for table in tables)
        for i, word in enumerate(sentence):
            near = [w for j, w in enumerate(sentence) if 0 < abs(i - j) <= 2]
            slots = np.array([model.wv.key_to_index[w] for w in near])
            nodes = model.wv.get_vecattr(word, "point")
            codes = jnp.asarray(model.wv.get_vecattr(word, "code"))
            step = context_gradient(rule, inputs[slots], outputs[nodes], codes)
            inputs = inputs.at[slots].add(-rate * step[0])
            outputs = outputs.at[nodes].add(-rate * step[1])
        return np.asarray(inputs) - start

    def context_gradient(rule, rows, nodes, codes):
        def loss(rows, nodes):
            window = jnp.ones((1, len(rows)), rows.dtype)
            hidden = (rule.average if cbow_mean else rule.sum)(window, rows)[0]
            path = nodes, codes, jnp.ones(len(codes), bool)
            return deviations.hierarchical_softmax_loss(hidden, *path, rule)

        return jax.grad(loss, (0, 1))(rows, nodes)

    # gensim's table rounds s(x) by 0.01 where slopes are about 0.5.
    assert relative_gap(follow(RULES["gensim"]), moved) < 0.05
    # Two to four context words: a wrong factor of 1/4 to 1/2, or of 2 to 4.
    assert relative_gap(follow(RULES["exact"]), moved) > 0.4
