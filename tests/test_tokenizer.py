import builtins
import importlib.metadata
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.tokenizer import NAMES, get_tokenizer


def test_white_space_of_any_script_divides_words():
    text = "一\u3000二\u00a0three\tfour\r\n five\u2028six\x1cseven"
    expected = ["一", "二", "three", "four", "five", "six", "seven"]
    assert get_tokenizer("whitespace")(text) == expected


def test_a_zero_width_space_divides_nothing():
    assert get_tokenizer("whitespace")("a\u200bb") == ["a\u200bb"]


def test_characters_are_all_that_is_not_white_space():
    assert get_tokenizer("characters")("机器 学习\u3000ab\n") == list("机器学习ab")


def test_a_segmenter_divides_chinese_text_and_records_its_version():
    tokenizer = get_tokenizer("rjieba")
    tokens = tokenizer("我们在北京学习 词向量")
    assert "".join(tokens) == "我们在北京学习词向量"
    assert "北京" in tokens
    assert tokenizer.version == importlib.metadata.version("rjieba")


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(max_size=60))
def test_tokens_hold_no_white_space_and_lose_no_other_character(name, text):
    tokens = get_tokenizer(name)(text)
    assert all(token and token.split() == [token] for token in tokens)
    assert "".join(tokens) == "".join(text.split())


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_has_its_name_and_a_version(name):
    tokenizer = get_tokenizer(name)
    assert tokenizer.name == name
    assert tokenizer.version


def test_an_unknown_tokenizer_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="Did you mean whitespace"):
        get_tokenizer("white_space")


def test_a_segmenter_that_is_not_installed_is_refused_with_the_way_to_install(
    monkeypatch,
):
    real = builtins.__import__

    def without_rjieba(name, *args, **kwargs):
        if name == "rjieba":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "rjieba", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_rjieba)
    with pytest.raises(ValueError, match=r"pip install 'w2v_jax\[chinese\]'"):
        get_tokenizer("rjieba")
