import sys
import textwrap

import pytest

from w2v_jax.verification.suite import check_users_loss
from w2v_jax.verification.user import load, parse_kinds, user_spec

MODULE = """
    import jax, jax.numpy as jnp

    def naive(hidden, output_vectors, target):
        return -jax.nn.log_softmax(output_vectors @ hidden)[target]

    def naive_gradient(hidden, output_vectors, target):
        p = jax.nn.softmax(output_vectors @ hidden)
        r = p - jax.nn.one_hot(target, len(p), dtype=p.dtype)
        return r @ output_vectors, jnp.outer(r, hidden)

    def wrong_gradient(hidden, output_vectors, target):
        in_hidden, in_output = naive_gradient(hidden, output_vectors, target)
        return -in_hidden, in_output

    def glove(word, context, biases, scale=1.0):
        return (word @ context + biases.sum() - 1.0) ** 2 * scale

    def glove_gradient(w, c, b):
        r = 2 * (w @ c + b.sum() - 1.0)
        return r * c, r * w, r * jnp.ones_like(b)

    def batched(hidden):
        return hidden ** 2

    def failing(hidden):
        return hidden @ jnp.ones((99,))

    def nothing(target):
        return 0.0

    def swapped(hidden, output_vectors, target):
        return naive_gradient(hidden, output_vectors, target)[::-1]

    def keyword(hidden, *, positive):
        return hidden @ positive

    def starred(*vectors):
        return vectors[0].sum()

    not_a_function = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of losses in a folder on the path."""
    (tmp_path / "my_losses.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "broken_losses.py").write_text("raise RuntimeError('not today')")
    monkeypatch.syspath_prepend(tmp_path)
    yield "my_losses"
    sys.modules.pop("my_losses", None)
    sys.modules.pop("broken_losses", None)


def test_arguments_are_known_by_their_names(mine):
    spec = user_spec(f"{mine}:naive", f"{mine}:naive_gradient")
    assert dict(spec.kinds) == {
        "hidden": "D",
        "output_vectors": "V D",
        "target": "id V",
    }
    assert spec.cases == ("plain", "repeated words")


@pytest.mark.slow
def test_a_naive_softmax_passes_every_layer(mine):
    spec = user_spec(f"{mine}:naive", f"{mine}:naive_gradient")
    found = list(check_users_loss(spec))
    assert [one for one in found if not one.passed] == []
    layers = {one.layer for one in found}
    assert layers == {"autodiff", "differences", "identities", "training_path"}
    assert any("<h, dL/dh>" in one.quantity for one in found)


def test_a_wrong_gradient_is_found_and_the_argument_named(mine):
    spec = user_spec(f"{mine}:naive", f"{mine}:wrong_gradient")
    first = next(one for one in check_users_loss(spec) if not one.passed)
    assert (first.layer, first.quantity) == ("autodiff", "hidden")
    assert first.error == pytest.approx(2, rel=1e-6)  # -g where g was expected


@pytest.mark.slow
def test_a_loss_with_biases_and_other_names_passes_where_identities_do_not_apply(mine):
    kinds = parse_kinds("word=D, context=D, biases=K")
    spec = user_spec(f"{mine}:glove", f"{mine}:glove_gradient", kinds)
    assert list(spec.kinds) == ["word", "context", "biases"]  # scale keeps its default
    found = list(check_users_loss(spec))
    assert [one for one in found if not one.passed] == []
    assert not any("<h, dL/dh>" in one.quantity for one in found)


def test_kinds_are_read_from_text():
    assert parse_kinds("a=D, b = V D ,") == {"a": "D", "b": "V D"}
    assert parse_kinds("") == {}


@pytest.mark.parametrize(
    ("loss", "gradient", "kinds", "message"),
    [
        ("naive", "naive_gradient", {}, r"^naive: write it as module:function"),
        ("no_such_module:f", "x:y", {}, r"importing no_such_module failed.*PYTHONPATH"),
        ("broken_losses:f", "x:y", {}, r"RuntimeError: not today"),
        ("my_losses:naiv", "x:y", {}, r"has no function naiv\. Did you mean naive\?"),
        ("my_losses:not_a_function", "x:y", {}, r"no function not_a_function"),
        ("my_losses:glove", "my_losses:glove_gradient", {}, r"^word: .* unknown kind"),
        (
            "my_losses:naive",
            "my_losses:naive_gradient",
            {"hiden": "D"},
            r"^hiden: .*no such argument\. Did you mean hidden\?",
        ),
        (
            "my_losses:naive",
            "my_losses:naive_gradient",
            {"target": "integer"},
            r"^integer: unknown kind",
        ),
        ("my_losses:batched", "my_losses:batched", {}, r"returns shape \[5\].*vmap"),
        ("my_losses:failing", "my_losses:failing", {}, r"fails for hidden \[5\]"),
        ("my_losses:nothing", "my_losses:nothing", {}, r"none of its arguments"),
        ("my_losses:starred", "my_losses:starred", {}, r"none of its arguments"),
        ("my_losses:keyword", "my_losses:keyword", {}, r"positive is keyword-only"),
        (
            "my_losses:naive",
            "my_losses:swapped",
            {},
            r"swapped: returns shapes \[\[7, 5\], \[5\]\]; expected one .*\[\[5\], \[7",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(
    mine, loss, gradient, kinds, message
):
    with pytest.raises(ValueError, match=message) as refused:
        user_spec(loss, gradient, kinds)
    assert "\n" not in str(refused.value)


def test_a_function_is_loaded_by_its_dotted_name():
    from w2v_jax import losses

    assert load("w2v_jax.losses:softmax_loss") is losses.softmax_loss


def test_an_entry_without_a_kind_is_refused():
    with pytest.raises(ValueError, match=r"^bias: write each argument as name=kind"):
        parse_kinds("hidden=D,bias")
