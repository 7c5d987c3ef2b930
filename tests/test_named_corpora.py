import hashlib
import re

import pytest

from w2v_jax.evaluation_sets import gensim_test_data
from w2v_jax.named_corpora import CORPORA


def test_every_corpus_says_what_it_is_and_has_a_sha256():
    for name, corpus in CORPORA.items():
        assert corpus.name == name
        assert corpus.language in ("en", "zh")
        assert corpus.description
        assert corpus.licence
        assert corpus.origin
        assert re.fullmatch("[0-9a-f]{64}", corpus.sha256)
        assert corpus.size > 0


def test_what_can_be_downloaded_has_a_size_and_a_checked_member_or_hash():
    fetched = {name for name, corpus in CORPORA.items() if corpus.url}
    assert fetched == {"text8", "enwik9"}
    for name in fetched:
        assert CORPORA[name].url_size > 0
        assert CORPORA[name].member == name


def test_the_text_in_the_gensim_wheel_has_the_hash_and_size_listed():
    corpus = CORPORA["enwiki_sample"]
    data = (gensim_test_data() / corpus.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == corpus.sha256
    assert len(data) == corpus.size


@pytest.mark.slow
def test_the_corpora_on_this_machine_have_the_hashes_and_sizes_listed(shared_data):
    listed = {corpus.file: corpus for corpus in CORPORA.values()}
    for path in (shared_data / "corpora").iterdir():
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == listed[path.name].sha256
        assert len(data) == listed[path.name].size
