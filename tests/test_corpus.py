import bz2
import gzip
import itertools
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax import corpus as corpus_module
from w2v_jax import text_files
from w2v_jax.corpus import encode
from w2v_jax.tokenizer import get_tokenizer

TEXT = "the cat sat on the mat\n\nthe dog sat\n  \nno end of line"


def written(tmp_path, data, name="text.txt"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def encoded(tmp_path, data, name="text.txt", **options):
    return encode(written(tmp_path, data, name), cache_dir=tmp_path / "c", **options)


def expected(text, tokenizer=str.split, max_words=0):
    """Sentences, words by count, counts: what the definition says."""
    sentences = [words for line in text.split("\n") if (words := tokenizer(line))]
    if max_words:
        left = itertools.accumulate(map(len, sentences), initial=0)
        sentences = [
            sentence[: max_words - before]
            for sentence, before in zip(sentences, left, strict=False)
            if before < max_words
        ]
    counts = Counter(word for sentence in sentences for word in sentence)
    # most_common keeps words of equal count in the order of their first appearance.
    return sentences, *zip(*counts.most_common(), strict=True)


def sentences_of(corpus):
    ends = np.flatnonzero(corpus.ids == -1)
    assert corpus.ids[-1] == -1
    parts = np.split(corpus.ids, ends + 1)[:-1]
    return [[corpus.words[id] for id in part[:-1]] for part in parts]


def check(corpus, text, **options):
    sentences, words, counts = expected(text, **options)
    assert sentences_of(corpus) == sentences
    assert corpus.words == words
    assert corpus.counts.tolist() == list(counts)
    assert corpus.raw_words == sum(counts)
    assert corpus.sentences == len(sentences)
    assert corpus.ids.size == corpus.raw_words + corpus.sentences


def test_ids_rank_words_by_count_and_then_by_first_appearance(tmp_path):
    corpus = encoded(tmp_path, TEXT)
    check(corpus, TEXT)
    assert corpus.words[:3] == ("the", "sat", "cat")
    assert (corpus.ids.dtype, corpus.counts.dtype) == (np.int32, np.int64)


def test_the_ids_and_counts_cannot_be_written(tmp_path):
    corpus = encoded(tmp_path, TEXT)
    for array in (corpus.ids, corpus.counts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@given(
    text=st.text(st.sampled_from("ab 词\n\r\t\u3000é"), max_size=200),
    max_words=st.integers(0, 30),
    tokenizer=st.sampled_from(["whitespace", "characters"]),
    size=st.integers(1, 40),
)
def test_any_text_encodes_as_the_definition_says(text, max_words, tokenizer, size):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "PIECE_BYTES", size)
        patch.setattr(corpus_module, "_BLOCK_IDS", size)
        options = {"tokenizer": tokenizer, "max_words": max_words}
        if not text.split():
            with pytest.raises(ValueError, match=r"empty|no word"):
                encoded(Path(name), text, **options)
            return
        corpus = encoded(Path(name), text, **options)
        options["tokenizer"] = get_tokenizer(tokenizer)
        check(corpus, text, **options)


@pytest.mark.parametrize("max_words", range(1, 15))
def test_max_words_counts_words_and_not_the_ends_of_sentences(tmp_path, max_words):
    # Six, three and four words on three lines.
    corpus = encoded(tmp_path, TEXT, max_words=max_words)
    assert corpus.raw_words == min(max_words, 6 + 3 + 4)
    check(corpus, TEXT, max_words=max_words)


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_an_archive_encodes_as_its_text_does(tmp_path, suffix, pack):
    check(encoded(tmp_path, pack(TEXT.encode()), f"text{suffix}"), TEXT)


def test_windows_line_ends_and_a_byte_order_mark_leave_no_trace(tmp_path):
    windows = "\ufeff" + TEXT.replace("\n", "\r\n")
    check(encoded(tmp_path, windows), TEXT)


def test_chinese_is_segmented_by_the_named_segmenter(tmp_path):
    text = "我们在北京学习词向量\n他在上海工作\n"
    corpus = encoded(tmp_path, text, tokenizer="rjieba")
    segmenter = get_tokenizer("rjieba")
    check(corpus, text, tokenizer=segmenter)
    assert (corpus.tokenizer, corpus.tokenizer_version) == (
        "rjieba",
        segmenter.version,
    )


def test_invalid_bytes_are_replaced_or_skipped_and_counted(tmp_path):
    data = b"good w\xffrd \xfe\xfe good"
    replaced = encoded(tmp_path, data, invalid_utf8="replace")
    assert replaced.words == ("good", "w\ufffdrd", "\ufffd\ufffd")
    skipped = encoded(tmp_path, data, invalid_utf8="skip")
    assert skipped.words == ("good", "wrd")
    assert replaced.invalid_bytes == skipped.invalid_bytes == 3
    again = encoded(tmp_path, data, invalid_utf8="skip")
    assert (again.reused, again.invalid_bytes) == (True, 3)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b" \n\0\t\n", "no word in it"),
        ("\ufeff".encode(), "no word in it"),
        (b"a \xff b", "not UTF-8"),
    ],
)
def test_a_file_without_text_is_refused_in_one_line(tmp_path, data, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        encoded(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / "text.txt"))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "c" / "corpora").glob("*.partial"))


def test_missing_files_and_directories_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        encode(tmp_path / "absent", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="not a regular file"):
        encode(tmp_path, cache_dir=tmp_path)


def test_a_negative_number_of_words_is_refused(tmp_path):
    with pytest.raises(ValueError, match="max_words=-1"):
        encoded(tmp_path, TEXT, max_words=-1)


def test_an_encoding_is_reused_for_the_same_bytes_under_any_name(tmp_path):
    assert not encoded(tmp_path, TEXT).reused
    again = encoded(tmp_path, TEXT, "other.txt")
    assert again.reused
    check(again, TEXT)


def test_another_text_tokenizer_policy_or_length_is_another_encoding(tmp_path):
    encoded(tmp_path, TEXT)
    for change in (
        {"tokenizer": "characters"},
        {"invalid_utf8": "skip"},
        {"max_words": 3},
    ):
        assert not encoded(tmp_path, TEXT, **change).reused
    assert not encoded(tmp_path, TEXT + "!").reused


def test_a_text_that_changes_in_place_is_encoded_anew(tmp_path):
    old = time.time_ns() - 10**10  # 10 s ago, so that the stamp is remembered
    path = written(tmp_path, TEXT)
    os.utime(path, ns=(old, old))
    encode(path, cache_dir=tmp_path / "c")
    other = TEXT.replace("cat", "cow")
    written(tmp_path, other)
    os.utime(path, ns=(old, old))  # same size, inode and time of modification
    check(encode(path, cache_dir=tmp_path / "c"), other)


def test_a_text_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path, "word " * 1000)
    monkeypatch.setattr(text_files, "PIECE_BYTES", 64)

    def append(task, done, total, note):
        if task == "encoding" and done < total:
            with path.open("a") as file:
                file.write("more ")

    with pytest.raises(ValueError, match="changed while it was read"):
        encode(path, cache_dir=tmp_path / "c", progress=append)


def test_progress_is_told_in_bytes_of_the_source(tmp_path):
    calls = []
    text = "word " * 300_000
    encoded(tmp_path, text, progress=lambda *call: calls.append(call))
    encoding = [call for call in calls if call[0] == "encoding"]
    assert encoding[-1] == ("encoding", len(text), len(text), "300,000 words")
    assert [call[1] for call in encoding] == sorted(call[1] for call in encoding)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "raw_words", "types", "frequent"),
    [
        ("enwiki2015_leads_100MB.txt.bz2", 17_010_519, 235_134, 70_538),
        ("text8_prefix_12.5MB.txt.bz2", 2_139_748, None, None),
        ("zhwiki2018_simplified_segmented_113MB.txt.bz2", 18_073_086, None, 140_764),
    ],
)
def test_real_corpora_have_the_counts_of_their_description(
    shared_data, tmp_path, name, raw_words, types, frequent
):
    corpus = encode(shared_data / "corpora" / name, cache_dir=tmp_path)
    assert corpus.raw_words == raw_words
    assert types in (None, len(corpus.words))
    assert frequent in (None, np.count_nonzero(corpus.counts >= 5))
    assert np.array_equal(np.bincount(corpus.ids[corpus.ids >= 0]), corpus.counts), (
        "each id occurs as often as its word was counted"
    )
