import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax import wikitext
from w2v_jax.wikitext import plain_paragraphs


def plain(markup):
    return list(plain_paragraphs(markup))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        # Links become their text.
        ("a [[dog]] and [[cat|two cats]]", "a dog and two cats"),
        ("[[Dog|dog]]s bark", "dogs bark"),
        ("the [[File:x.jpg|thumb|a [[dog]] sits]] dog", "the dog"),
        ("end.[[Category:Dogs]] [[de:Hund]]", "end."),
        ("[[:Category:Dogs]] here", "Category:Dogs here"),
        ("see [[Star Trek: Voyager]]", "see Star Trek: Voyager"),
        ("[http://a.b/c the site] and [http://a.b/c]", "the site and"),
        ("at http://a.b/c?d=e now", "at now"),
        # Templates go, but for those that stand for words.
        ("one{{citation needed|date=May}} two", "one two"),
        ("a {{cite|x={{y|z}}|w}} b", "a b"),
        ("{{lang|fr|laissez-faire}} policy", "laissez-faire policy"),
        ("ran {{convert|5|km|mi|abbr=on}} far", "ran 5 km far"),
        ("in {{as of|2015|df=uk}} so", "in as of 2015 so"),
        ("the {{USS|Enterprise|CV-6}} sailed", "the USS Enterprise sailed"),
        ("a{{ndash}}b", "a – b"),
        ("word ({{IPA-nah|x|}}) more", "word more"),
        ("{{a|{{b|}}}} kept", "kept"),
        # Tables go, also within a template and with an empty cell at the end.
        ("before\n{| class=x\n| cell\n|}\nafter", ("before", "after")),
        ("{{box|\n{| \n| a {{b|}}\n|}}} kept", "kept"),
        # Elements without running text.
        ("one<ref name=a>Smith [[x]]</ref> two<ref name=a/> three", "one two three"),
        ("x <math>a^2 < b</math> y", "x y"),
        ("x <ref>never closed y", "x never closed y"),
        ("keep <b>bold</b>, H<sub>2</sub>O<br />x", "keep bold, H2O x"),
        ("one <!-- not [[this --> two <!-- nor this", "one two"),
        # Emphasis, entities, magic words, edited letters, empty parentheses.
        ("'''Bold''' ''it'' isn't", "Bold it isn't"),
        ("a&nbsp;&ndash; b &amp; c &lt;d&gt;", "a – b & c <d>"),
        ("__NOTOC__ text", "text"),
        ("uphold[ing] [T]he law", "upholding The law"),
        ("Rome (, ; ) fell ( )", "Rome fell"),
        # Lists lose their marks, bibliographies go.
        ("* one\n## two\n:three", ("one", "two", "three")),
        ("* Smith (1990) ''A book''. ISBN 0 1234 5678 9\ntext", "text"),
        # Headings go, and the closing sections with all they hold.
        ("== History ==\ntext", "text"),
        ("text\n==References==\n* x\n=== Notes ===\ny\n== Later ==\nz", ("text", "z")),
        ("== a = b ==\ntext", "text"),
    ],
)
def test_markup_becomes_the_text_a_reader_sees(markup, text):
    assert plain(markup) == ([text] if isinstance(text, str) else list(text))


def test_an_opening_that_is_never_closed_hides_nothing_behind_it():
    assert plain("a {{b [[c]] d\n{{e}} f") == ["a {{b c d", "f"]
    assert plain("x [[y {{z|w}} v") == ["x [[y v"]
    assert plain("a }} b ]] c |} d") == ["a }} b ]] c |} d"]
    assert plain("a |||}} b") == ["a |||}} b"]


def test_an_inner_opening_without_end_does_not_keep_the_outer_one_open():
    assert plain("{{box|a [[b}} text") == ["text"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a [[]''] b", "a b"),
        ("a [[c]''] b", "a c b"),
        ("a [[c]{{d}}] b", "a c b"),
        ("a [[c]<b></b>] b", "a c b"),
        ("a {''{lang|x|c}''} b", "a c b"),
        # a file that appears and goes, and leaves a link
        ("a [[c][[File:x]'']''] b", "a c b"),
    ],
)
def test_brackets_that_meet_when_what_stood_between_is_gone_are_brackets(markup, text):
    assert plain(markup) == [text]


@pytest.mark.parametrize("times", [1, 3])
def test_brackets_that_meet_again_and_again_leave_none(times, monkeypatch):
    monkeypatch.setattr(wikitext, "_TIMES", times)
    # The file goes in the first time, which leaves [[c]].
    assert plain("a [[c][[File:x]'']''] b") == ["a c b"]


def test_plain_text_stays_as_it_is():
    text = "It's 5 o'clock; 3 < 4, and (so on) – 50%."
    assert plain(text) == [text]


MARKS = (
    "{{ }} {| |} |}} [[ ]] ] <ref> </ref> <ref /> <math> <!-- --> == | = * ( , ) word "
    "&amp; &#x; File: __A__ ISBN {{lang|x| [http://a"
)


@given(marks=st.lists(st.sampled_from([*MARKS.split(), " ", "\n", "''"]), max_size=60))
def test_any_markup_gives_lines_without_links_templates_or_tags(marks):
    for line in plain("".join(marks)):
        assert "\n" not in line
        assert line == line.strip() != ""
        assert "<ref>" not in line
        assert "<!--" not in line
        # A pair of brackets that is left is of different kinds or in wrong order.
        for opening, closing in (("{{", "}}"), ("[[", "]]")):
            start = line.find(opening)
            assert start < 0 or closing not in line[start:], line


UNITS = (
    "{{lang|x| [[a| {| <ref> <!-- [// (, =a {{a|b= <a <math>x</math> [[a]] |}} [a] "
    "&amp __A http:// {{ [[{{ <ref></math> '''"
)


@pytest.mark.parametrize("unit", [*UNITS.split(), "[//a ", "( "])
def test_hostile_repetition_takes_time_in_proportion_to_its_length(unit):
    def seconds(times):
        start = time.process_time()
        plain(unit * times)
        return time.process_time() - start

    length = 60_000 // len(unit)
    # Quadratic work would take 16 times as long; 9 leaves room for a noisy machine.
    assert seconds(4 * length) < 9 * max(seconds(length), 0.02)
