import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax import word_ids
from w2v_jax.tokenizer import get_tokenizer
from w2v_jax.word_ids import SENTENCE_END, WordIds

PIECES = st.lists(
    st.text(
        alphabet=st.sampled_from("ab词é\u3000\u00a0\u2003\x1c \n\t\r"), max_size=30
    ).map(lambda text: text + " "),
    max_size=5,
)


def expected_ids(pieces, tokenizer):
    """What the definition says, word by word."""
    numbers, ids, line_is_empty = {}, [], True
    for line in "".join(pieces).split("\n"):
        if ids and not line_is_empty:
            ids.append(SENTENCE_END)
        words = tokenizer(line)
        ids += [numbers.setdefault(word, len(numbers) + 1) for word in words]
        line_is_empty = not words
    return ids, list(numbers)


def assigned(pieces, name="whitespace"):
    numbers = WordIds(get_tokenizer(name))
    ids = [id for piece in pieces for id in numbers.assign(piece.encode()).tolist()]
    return ids, [word.decode() for word in numbers.words()[1:]]


@pytest.mark.parametrize("name", ["whitespace", "characters"])
@given(pieces=PIECES)
def test_ids_follow_first_appearance_and_newlines_end_sentences(name, pieces):
    assert assigned(pieces, name) == expected_ids(pieces, get_tokenizer(name))


@given(words=st.lists(st.text("abc", min_size=1, max_size=40), max_size=60))
def test_words_that_share_a_beginning_stay_apart_at_every_length(words):
    # The cache holds the first 16 bytes; longer words must not be taken for it.
    pieces = [" ".join(words[:30]) + " ", " ".join(words[30:]) + " "]
    assert assigned(pieces) == expected_ids(pieces, str.split)


def test_short_words_seen_before_are_found_without_the_dictionary(monkeypatch):
    words = ["a", "the", "eightlet", "nineletter"[:9], "sixteen_letters_", "词"]
    numbers = WordIds(get_tokenizer("whitespace"))
    ids = numbers.assign((" ".join(words) + " ").encode())
    looked_up = []
    real = WordIds._look_up

    def look_up(self, missing):
        looked_up.extend(missing)
        return real(self, missing)

    monkeypatch.setattr(WordIds, "_look_up", look_up)
    turned = numbers.assign(("  \t".join(reversed(words)) + "\n").encode())
    assert turned.tolist() == [*reversed(ids.tolist()), SENTENCE_END]
    assert looked_up == []
    numbers.assign(b"seventeen_letters ")
    assert looked_up == [b"seventeen_letters"]


def test_a_long_word_is_not_taken_for_its_first_sixteen_bytes():
    words = ["abcdefghijklmnopqrstuvwxyz"[:length] for length in range(1, 27)]
    # In the second piece the cache knows the short ones.
    pieces = [" ".join(words) + " ", " ".join(reversed(words)) + " "]
    assert assigned(pieces) == expected_ids(pieces, str.split)


def test_words_that_differ_behind_the_eighth_byte_only_stay_apart(monkeypatch):
    monkeypatch.setattr(word_ids, "_SLOT_BITS", 1)
    pieces = [f"abcdefgh{i % 7} " for i in range(40)]
    assert assigned(pieces) == expected_ids(pieces, str.split)


def test_two_words_that_fall_on_one_slot_of_the_cache_keep_their_ids(monkeypatch):
    monkeypatch.setattr(word_ids, "_SLOT_BITS", 1)  # two slots for all words
    words = [f"w{i % 50}" for i in range(500)]
    pieces = [" ".join(words[at : at + 7]) + " " for at in range(0, 500, 7)]
    assert assigned(pieces) == expected_ids(pieces, str.split)


def test_every_white_space_of_unicode_and_nothing_else_divides_words():
    # All of the basic plane but NUL, newline and the surrogates; nothing beyond the
    # basic plane is white space.
    codes = [c for c in range(1, 0x10000) if c != 10 and not 0xD800 <= c < 0xE000]
    text = " ".join(f"a{code}{chr(code)}b{code}" for code in codes) + " "
    ids, words = assigned([text])
    assert words == text.split()
    assert ids == list(range(1, len(words) + 1))
    assert not any(chr(c).isspace() for c in range(0x10000, sys.maxunicode + 1))


def test_words_are_found_at_the_very_start_and_end_of_a_piece():
    ids, words = assigned(["start middle", " next", "\nend"])
    assert words == ["start", "middle", "next", "end"]
    assert ids == [1, 2, 3, SENTENCE_END, 4]


def test_empty_lines_end_no_sentence_across_pieces():
    ids, _ = assigned(["\n\na \n", "\n \n", "b\n"])
    assert ids == [1, SENTENCE_END, 2, SENTENCE_END]


def test_the_number_of_ids_counts_the_sentence_end():
    numbers = WordIds(get_tokenizer("whitespace"))
    numbers.assign(b"a b a c ")
    assert len(numbers) == 1 + 3
    assert numbers.words() == [b"\n", b"a", b"b", b"c"]


def test_ids_are_32_bit_integers_even_when_there_are_none():
    for name in ("whitespace", "characters"):
        numbers = WordIds(get_tokenizer(name))
        assert numbers.assign(b" \n ").dtype == np.int32
        assert numbers.assign(b"").size == 0
