import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax.wiki_dump import articles, word_lines, words

NAMESPACE = "http://www.mediawiki.org/xml/export-0.10/"


def page(text, title="A title", space="<ns>0</ns>", more=""):
    return (
        f"<page><title>{title}</title>{space}{more}<revision><text>{text}</text>"
        "</revision></page>"
    )


def dump(*pages):
    body = "".join(pages)
    return f'<mediawiki xmlns="{NAMESPACE}">{body}</mediawiki>'.encode()


def lines(data, **options):
    return list(word_lines(io.BytesIO(data), **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The quick, brown Fox.", "the quick brown fox"),
        ("Aristotle's dog doesn’t bark", "aristotle 's dog doesn't bark"),
        ("self-governed – and so/on", "self governed and so on"),
        ("in 1945, 10,000 of 3.5 kg.", "in 1945 10,000 of 3.5 kg"),
        ("the 1920s, 19th century CO2", "the 1920s 19th century co2"),
        ("the U.S. and the U.S.A.", "the u.s. and the u.s.a."),
        ("J. R. Tolkien etc.", "j r tolkien etc"),
        ("Rock 'n' roll, 'quoted'", "rock n roll quoted"),
        ("Θάλης and 北京, naïve", "θάλης and 北京 naïve"),
        ("a_b ... !? «»", "a b"),
        ("Cafe\u0301", "café"),
    ],
)
def test_words_are_lower_case_letters_and_numbers(text, expected):
    assert words(text) == expected.split()


@given(text=st.text(max_size=80))
def test_words_hold_no_white_space_and_no_capital(text):
    for word in words(text):
        assert word.split() == [word]
        assert word == word.lower()


def test_each_paragraph_of_five_words_is_a_line():
    text = (
        "One two three four '''five'''.\n\nToo short.\n* six seven eight nine [[ten]]"
    )
    assert lines(dump(page(text))) == [
        "one two three four five",
        "six seven eight nine ten",
    ]


def test_redirects_and_pages_that_are_no_articles_are_left_out():
    text = "one two three four five"
    data = dump(
        page(text, more='<redirect title="B"/>'),
        page("#REDIRECT [[B]] " + text),
        page(text, space="<ns>4</ns>"),
        page(text, title="Talk:A", space=""),
        page(text, title="User talk:A", space=""),
        "<page><title>No text</title></page>",
        page("six seven eight nine ten", title="2001: A Space Odyssey", space=""),
    )
    assert lines(data) == ["six seven eight nine ten"]


def test_a_dump_that_is_cut_short_is_refused_unless_it_may_be():
    whole = dump(page("one two three four five"), page("six seven eight nine ten"))
    cut = whole[: whole.index(b"eight")]
    with pytest.raises(ValueError, match="not a complete MediaWiki dump"):
        lines(cut)
    assert lines(cut, cut_short=True) == ["one two three four five"]


def test_a_file_that_is_no_dump_is_refused():
    with pytest.raises(ValueError, match="not a complete MediaWiki dump"):
        lines(b"plain text")


@given(data=st.data())
def test_a_mutated_dump_gives_lines_or_one_clear_error(data):
    text = bytearray(dump(page("one [[two|2]] {{three}} &amp; four five six")))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=2))
    error = refusal(bytes(text))
    assert error is None or error.startswith("not a complete MediaWiki dump: ")


def refusal(data):
    try:
        lines(data)
    except ValueError as error:
        return str(error)
    return None


def test_entities_that_grow_without_bound_are_refused():
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<!DOCTYPE m [<!ENTITY e0 "ha">{levels}]><mediawiki>&e11;</mediawiki>'
    assert "not a complete MediaWiki dump" in refusal(bomb.encode())


def test_one_article_is_in_memory_at_a_time():
    text = "word " * 20_000

    class Dump:
        """2,000 articles of 100 kB, made as they are read."""

        def __init__(self):
            parts = [b"<mediawiki>", *[page(text).encode()] * 2000, b"</mediawiki>"]
            self.parts = iter(parts)

        def read(self, size):
            return next(self.parts, b"")

    tracemalloc.start()
    try:
        assert sum(1 for _ in articles(Dump())) == 2000
        # A handful of articles, not their 200 MB.
        assert tracemalloc.get_traced_memory()[1] < 20 * len(text)
    finally:
        tracemalloc.stop()
