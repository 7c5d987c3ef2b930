"""The config: ranges, names, defaults of the models."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.config import (
    ARCHITECTURES,
    GRADIENTS,
    OBJECTIVES,
    OPTIMIZERS,
    Config,
    ResolvedConfig,
    did_you_mean,
    resolve,
)
from w2v_jax.defaults import MODEL_DEFAULTS
from w2v_jax.deviations import RULES
from w2v_jax.objectives import REGISTRY
from w2v_jax.rowwise import OPTIMIZERS as ROW_OPTIMIZERS


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("dim", 0),
        ("window", 0),
        ("epochs", 0),
        ("negatives", 0),
        ("min_count", 0),
        ("seed", -1),
        ("subsample", -1e-9),
        ("subsample", 1.0),
        ("subsample", float("nan")),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", float("inf")),
        ("input_rate_scale", 0.0),
        ("noise_exponent", -1.0),
        ("row_cap", -1.0),
        ("chunk", 1),
        ("dim", 1.5),
        ("dim", True),
        ("dim", "100"),
        ("dynamic_window", 1),
        ("corpus", 7),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name}="):
        Config(**{name: bad})


def test_a_misspelt_choice_and_a_misspelt_name_get_the_nearest():
    with pytest.raises(ValueError, match="Did you mean hierarchical_softmax"):
        Config(objective="hierarchical_softmx")
    with pytest.raises(ValueError, match=r"^gradient=word2vec: .*mean word2vec_c\?"):
        Config(gradient="word2vec")
    with pytest.raises(ValueError, match="Did you mean window"):
        Config.from_dict({"windw": 3})
    assert did_you_mean("zzz", ["window"]) == ""


@given(
    dim=st.integers(1, 1000),
    subsample=st.floats(0, 0.999),
    architecture=st.sampled_from(ARCHITECTURES),
    objective=st.sampled_from(OBJECTIVES),
)
def test_a_config_survives_json(dim, subsample, architecture, objective):
    made = Config(
        dim=dim, subsample=subsample, architecture=architecture, objective=objective
    )
    assert Config.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    resolved = resolve(made, 2)
    again = ResolvedConfig.from_dict(json.loads(json.dumps(resolved.to_dict())))
    assert again == resolved


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_resolving_leaves_nothing_open_and_keeps_what_was_asked(
    architecture, objective
):
    made = Config(architecture=architecture, objective=objective, learning_rate=0.7)
    resolved = resolve(made, 4)
    assert all(value is not None for value in resolved.to_dict().values())
    assert resolved.learning_rate == 0.7
    assert resolved.replicas == 4
    assert resolve(made.replace(replicas=1), 4).replicas == 1
    shared_by = 4 if objective == "softmax" else 1
    whole = MODEL_DEFAULTS[architecture, objective]["block"]
    assert resolved.block * shared_by == whole


def test_more_replicas_than_can_meet_soon_enough_are_refused():
    assert Config(replicas=1000).replicas == 1000
    with pytest.raises(ValueError, match="replicas=1001: must be at most 1000"):
        Config(replicas=1001)


@pytest.mark.parametrize("kernel", ["xla", "native"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_of_full_softmax_is_as_long_for_any_number_of_replicas(
    architecture, kernel
):
    made = Config(architecture=architecture, objective="softmax", kernel=kernel)
    tokens = {
        resolve(made, replicas).block * resolve(made, replicas).streams * replicas
        for replicas in (1, 2, 4, 8)
    }
    assert tokens == {MODEL_DEFAULTS[architecture, "softmax"]["block"]}
    assert resolve(made, 1000).block == 1
    assert resolve(made.replace(block=7), 4).block == 7


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dynamic_window", [True, False])
@pytest.mark.parametrize("window", [1, 2, 5, 6, 10, 33])
@pytest.mark.parametrize("negatives", [1, 5, 6, 15])
def test_a_noise_row_weighs_no_more_for_many_noise_words(
    architecture, window, negatives, dynamic_window
):
    sizes = {"window": window, "negatives": negatives, "dynamic_window": dynamic_window}
    asked = Config(kernel="native", architecture=architecture)
    usual, made = (resolve(asked.replace(**given), 2) for given in ({}, sizes))
    pairs, usual_pairs = 1, 1  # of a hidden vector, on average
    if architecture == "skipgram":
        usual_pairs = 6
        pairs = 2 * window
        if dynamic_window:
            pairs = sum(2 * reach for reach in range(1, window + 1)) / window
    # All noise rows of a hidden vector weigh so much together.
    weight = pairs * negatives
    most = usual_pairs * 5 / usual.shared_noise
    assert weight / made.shared_noise <= most * (1 + 1e-9)
    assert made.shared_noise >= usual.shared_noise == 40
    fewer = made.shared_noise - 8
    assert fewer < usual.shared_noise or weight / fewer > most * (1 - 1e-9)
    rounds = 256 / 40  # blocks that the pool could serve without a row in common
    assert made.noise_pool == int(rounds * made.shared_noise)
    own = asked.replace(shared_noise=7, noise_pool=9, **sizes)
    assert (resolve(own, 2).shared_noise, resolve(own, 2).noise_pool) == (7, 9)


@pytest.mark.parametrize("other", [{"objective": "softmax"}, {"kernel": "xla_large"}])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_elsewhere_noise_rows_are_as_many_for_any_window(architecture, other):
    wide = Config(**{"kernel": "native", "architecture": architecture} | other)
    wide, usual = (
        resolve(wide.replace(window=window, negatives=negatives), 2)
        for window, negatives in ((10, 15), (5, 5))
    )
    found = [(made.shared_noise, made.noise_pool) for made in (wide, usual)]
    assert found[0] == found[1]


@pytest.mark.parametrize("kernel", ["xla", "native", "xla_large"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_more_replicas_meet_sooner_and_share_the_cap(architecture, objective, kernel):
    asked = Config(architecture=architecture, objective=objective, kernel=kernel)
    one, two, *more = (resolve(asked, replicas) for replicas in (1, 2, 3, 8, 64, 1000))
    if two.kernel != "xla_large":
        assert two == one.replace(replicas=2)
    else:  # its replicas share the tokens of a step
        assert (2 * two.streams, two.damping) == (one.streams, 2 * one.damping)
        assert two.exchange_every == 1 < one.exchange_every
    for made in more:
        exact = 2 * two.exchange_every / made.replicas
        assert made.exchange_every == max(1, int(exact))
        assert made.row_cap <= two.row_cap
        if two.kernel == "xla_large":
            assert made.damping == pytest.approx(one.damping * made.replicas)
            whole = 2 * two.streams // made.replicas
            assert made.streams == max(1, whole)
        else:
            assert made.row_cap * made.replicas <= 256.0
            assert not made.damping
        assert bool(made.row_cap) == bool(two.row_cap)
        drawn = made.exchange_every * made.shared_noise
        assert made.noise_pool == (two.noise_pool if drawn > two.noise_pool else 0)
    own = resolve(asked.replace(exchange_every=7, row_cap=5.0, noise_pool=3), 64)
    assert (own.exchange_every, own.row_cap, own.noise_pool) == (7, 5.0, 3)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("gradient", [name for name in GRADIENTS if name != "exact"])
def test_cbow_by_another_rule_has_the_rates_of_word2vec_c(objective, gradient):
    # word2vec.c: "default is 0.025 for skip-gram and 0.05 for CBOW", for both tables.
    made = Config(architecture="cbow", objective=objective, gradient=gradient)
    resolved = resolve(made, 1)
    assert (resolved.learning_rate, resolved.input_rate_scale) == (0.05, 1.0)
    asked = resolve(made.replace(learning_rate=0.2, input_rate_scale=2.0), 1)
    assert (asked.learning_rate, asked.input_rate_scale) == (0.2, 2.0)
    skipgram = Config(objective=objective, gradient=gradient)
    exact = resolve(skipgram.replace(gradient="exact"), 1)
    assert resolve(skipgram, 1).learning_rate == exact.learning_rate == 0.025


@pytest.mark.parametrize(
    ("architecture", "more", "rows", "damping"),
    [
        ("skipgram", {"negatives": 10}, 64, 0.0),
        ("skipgram", {"negatives": 11}, 128, 0.01),
        ("skipgram", {"negatives": 30}, 128, 0.01),
        ("skipgram", {"negatives": 31}, 192, 0.03),
        # 1 to 11 words to each side are twice 1 to 5
        ("skipgram", {"window": 11}, 64, 0.0),
        ("skipgram", {"window": 12}, 128, 0.01),
        ("skipgram", {"window": 6, "dynamic_window": False}, 64, 0.0),
        ("skipgram", {"window": 7, "dynamic_window": False}, 128, 0.01),
        ("skipgram", {"window": 17, "negatives": 10}, 128, 0.01),
        ("cbow", {"window": 12}, 64, 0.0),  # one pair to a centre
        ("cbow", {"negatives": 46}, 256, 0.03),
        ("skipgram", {"negatives": 30, "objective": "hierarchical_softmax"}, 64, 0.0),
    ],
)
def test_much_noise_has_more_rows_and_is_damped_in_xla(
    architecture, more, rows, damping
):
    asked = Config(architecture=architecture, kernel="xla", **more)
    made = resolve(asked, 2)
    assert (made.shared_noise, made.damping) == (rows, damping)
    assert made.exchange_every == 16
    own = resolve(asked.replace(damping=0.3, shared_noise=7), 2)
    assert (own.damping, own.shared_noise) == (0.3, 7)
    assert not resolve(asked.replace(optimizer="adam"), 2).damping


@pytest.mark.parametrize("kernel", ["xla", "native"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_tree_caps_a_row_by_the_width_of_the_window(architecture, kernel):
    asked = Config(
        architecture=architecture, objective="hierarchical_softmax", kernel=kernel
    )
    usual = resolve(asked, 2)
    for window in (1, 4, 5):
        assert resolve(asked.replace(window=window), 2) == usual.replace(window=window)
    # 1 to 10 words to each side are 5.5 in the mean, 1 to 5 are 3
    wide = resolve(asked.replace(window=10), 2)
    assert wide.row_cap == pytest.approx(usual.row_cap * 3 / 5.5)
    assert wide.replace(row_cap=usual.row_cap, window=5) == usual
    static = resolve(asked.replace(window=12, dynamic_window=False), 2)
    assert static.row_cap == pytest.approx(usual.row_cap * 3 / 12)
    assert resolve(asked.replace(window=10, row_cap=7.0), 2).row_cap == 7.0
    assert resolve(asked.replace(window=10, row_cap=0.0), 2).row_cap == 0.0
    exact = [
        resolve(asked.replace(window=window, gradient="exact"), 2).row_cap
        for window in (5, 10)
    ]
    assert (exact[0] == exact[1]) == (architecture == "cbow")


@pytest.mark.parametrize("kernel", ["xla", "native"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_sum_has_rates_of_its_own(objective, kernel):
    average = Config(architecture="cbow", objective=objective, kernel=kernel)
    asked = average.replace(cbow_hidden="sum")
    made, other = resolve(asked, 2), resolve(average, 2)
    assert made.gradient == "exact"
    # each word gets all of the error, not the C-th part of it
    assert made.learning_rate <= other.learning_rate / 4
    assert made.input_rate_scale == 1.0
    # 1 to 20 words to each side are 10.5 in the mean, 1 to 5 are 3
    wide = resolve(asked.replace(window=20), 2)
    assert wide.learning_rate == pytest.approx(made.learning_rate * 3 / 10.5)
    narrow = resolve(asked.replace(window=1), 2)
    assert narrow.learning_rate == made.learning_rate
    if objective == "hierarchical_softmax":
        assert wide.row_cap == pytest.approx(made.row_cap * 3 / 10.5)
    if objective == "negative_sampling":
        assert wide.shared_noise > made.shared_noise == other.shared_noise
    given = resolve(asked.replace(learning_rate=0.3, input_rate_scale=2.0), 2)
    assert (given.learning_rate, given.input_rate_scale) == (0.3, 2.0)
    # skip-gram has no such vector
    skipgram = average.replace(architecture="skipgram")
    as_sum = resolve(skipgram.replace(cbow_hidden="sum"), 2)
    assert as_sum == resolve(skipgram, 2).replace(cbow_hidden="sum")


def test_the_choices_are_those_of_the_registries():
    assert set(OBJECTIVES) == set(REGISTRY)
    assert set(OPTIMIZERS) == set(ROW_OPTIMIZERS)
    assert tuple(RULES) == GRADIENTS
    assert set(MODEL_DEFAULTS) == {(a, o) for a in ARCHITECTURES for o in OBJECTIVES}


def test_every_field_says_what_it_is_and_cannot_be_changed():
    for field in dataclasses.fields(Config):
        assert len(field.metadata["help"]) > 10
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().dim = 3
