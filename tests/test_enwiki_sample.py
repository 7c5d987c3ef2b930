"""The demo's corpus, made from the dump that the gensim wheel carries."""

import hashlib

import pytest

from w2v_jax import wiki_dump
from w2v_jax.corpus import encode
from w2v_jax.datasets import resolve_corpus


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The text of the demo, made from the gensim wheel."""
    cache_dir = tmp_path_factory.mktemp("sample")
    return resolve_corpus("enwiki_sample", cache_dir), cache_dir


def test_it_is_text_without_traces_of_markup(sample):
    text = sample[0].read_text()
    assert not set('{}[]|<>=&#*_"') & set(text)
    words = text.split()
    marks = {"http", "https", "nbsp", "px", "colspan", "wikitable", "thumb", "ref"}
    # "thumb" is an English word: Tom Thumb, and a rule of it.
    assert sum(word in marks for word in words) < 10
    assert text == text.lower()


def test_it_reads_like_the_articles_it_is_made_from(sample):
    first = sample[0].read_text().splitlines()[0]
    expected = (
        "anarchism is a political philosophy that advocates self governed "
        "societies based on voluntary institutions"
    )
    assert first.startswith(expected)


def test_the_version_of_the_cleaning_names_this_very_text(sample):
    # Prepared texts are reused as long as the version stays: when this fails, the
    # cleaning gives another text, so raise its VERSION and put both here anew.
    # Pythons 3.10 to 3.13 (Unicode 13 to 15.1) give the same bytes.
    sums = {"2": "bd5e65cfd5e7e463de52857c1a50e598566a8469a861ed85b7cb81d15e939d1a"}
    text = sample[0].read_bytes()
    assert sums == {wiki_dump.VERSION: hashlib.sha256(text).hexdigest()}


def test_it_holds_the_words_of_106_articles(sample):
    path, cache_dir = sample
    encoded = encode(path, cache_dir=cache_dir)
    # What the wheel's own authors count, 0.45 M, give or take the tokenizer.
    assert 0.42e6 < encoded.raw_words < 0.48e6
    assert encoded.sentences == len(path.read_text().splitlines())
    shares = encoded.counts / encoded.raw_words
    # English: "the" is one word in 15 to 20, then of, and, in, to, a.
    assert encoded.words[0] == "the"
    assert 1 / 20 < shares[0] < 1 / 13
    assert set(encoded.words[:6]) == {"the", "of", "and", "in", "to", "a"}
