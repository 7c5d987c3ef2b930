import bz2
import dataclasses
import hashlib
import io
import json
import threading
import zipfile

import pytest

from tests.http_server import serving
from tests.test_wiki_dump import dump, page
from w2v_jax import datasets, evaluation_sets
from w2v_jax.datasets import CORPORA, Corpus, prepare, resolve_corpus
from w2v_jax.evaluation_sets import DATA_DIR_VARIABLE

TEXT = b"the cat sat on the mat\n" * 1000
DUMP = dump(page("The '''cat''' [[sit|sat]] on the mat."), page("a {{b}} c"))
LINE = b"the cat sat on the mat\n"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """A machine without any data."""
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(evaluation_sets, "BESIDE_THE_PROJECT", None)
    monkeypatch.setattr(evaluation_sets, "gensim_test_data", lambda: None)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The user's folder of data."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(folder))
    return folder


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def corpus(content=TEXT, **changes):
    """A corpus of one text file."""
    fields = dict(
        name="small",
        language="en",
        description="a test",
        licence="none",
        origin="this test",
        file="small.txt",
        sha256=sha256(content),
        size=len(content),
    )
    return Corpus(**(fields | changes))


def zip_corpus(address, content=TEXT, archive=None, **changes):
    """A corpus of one member of a zip to be downloaded."""
    archive = zipped("small", content) if archive is None else archive
    fields = dict(
        file="small.zip",
        member="small",
        url=f"{address}/small.zip",
        url_sha256=sha256(archive),
        url_size=len(archive),
    )
    return corpus(content, **(fields | changes))


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestResolve:
    def test_a_path_that_exists_wins_over_a_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "text8").write_text("mine")
        assert resolve_corpus("text8", tmp_path / "c").read_text() == "mine"

    def test_an_unknown_name_is_refused_with_the_nearest_one(self, tmp_path):
        for name in ("text9", "enwiki_sampel", ""):
            with pytest.raises(ValueError, match="no such file") as caught:
                resolve_corpus(name, tmp_path)
            assert ("Did you mean" in str(caught.value)) == bool(name)
            assert str(caught.value).startswith(f"{name}: ")

    def test_a_name_is_prepared(self, tmp_path, data, monkeypatch):
        monkeypatch.setitem(CORPORA, "small", corpus())
        (data / "small.txt").write_bytes(TEXT)
        assert resolve_corpus("small", tmp_path / "c") == data / "small.txt"


class TestOffline:
    @pytest.mark.parametrize("below", [".", "corpora"])
    def test_a_text_on_this_machine_is_used_in_place(self, tmp_path, data, below):
        (data / below).mkdir(exist_ok=True)
        (data / below / "small.txt").write_bytes(TEXT)
        found = prepare(corpus(), tmp_path / "c")
        assert found == data / below / "small.txt"

    def test_a_text_with_another_hash_is_refused_with_both(self, tmp_path, data):
        other = TEXT[:-1] + b"!"
        (data / "small.txt").write_bytes(other)
        with pytest.raises(ValueError, match=sha256(other)) as caught:
            prepare(corpus(), tmp_path / "c")
        assert sha256(TEXT) in str(caught.value)
        assert str(caught.value).startswith(str(data / "small.txt"))

    def test_a_corpus_that_is_nowhere_is_refused_with_the_remedy(self, tmp_path):
        with pytest.raises(ValueError, match="do this") as caught:
            prepare(corpus(remedy="do this"), tmp_path)
        assert DATA_DIR_VARIABLE in str(caught.value)

    def test_an_unpacked_member_is_used_in_place_of_the_zip(self, tmp_path, data):
        (data / "small").write_bytes(TEXT)
        assert prepare(zip_corpus("http://0"), tmp_path) == data / "small"

    def test_a_zip_on_this_machine_is_unpacked_and_stays(self, tmp_path, data):
        (data / "small.zip").write_bytes(zipped("small", TEXT))
        assert prepare(zip_corpus("http://0"), tmp_path).read_bytes() == TEXT
        assert (data / "small.zip").exists()

    @pytest.mark.parametrize(
        ("suffix", "pack"), [("bz2", bz2.compress), ("xml", bytes)]
    )
    def test_a_dump_is_cleaned_into_lines_of_words(self, tmp_path, data, suffix, pack):
        packed = pack(DUMP)
        (data / f"small.{suffix}").write_bytes(packed)
        small = corpus(packed, file=f"small.{suffix}", dump=True)
        assert prepare(small, tmp_path / "c").read_bytes() == LINE

    def test_a_dump_with_another_hash_is_refused_and_leaves_nothing(
        self, tmp_path, data
    ):
        small = corpus(bz2.compress(DUMP), file="small.bz2", dump=True)
        for other in (bz2.compress(DUMP + b" "), bz2.compress(DUMP)[:-9], b"", b"BZh9"):
            (data / "small.bz2").write_bytes(other)
            with pytest.raises(ValueError, match=sha256(other)):
                prepare(small, tmp_path / "c")
            assert files_in(tmp_path / "c" / "datasets") == ["small.lock"]

    def test_a_dump_that_may_end_anywhere_is_cleaned_up_to_there(self, tmp_path, data):
        cut = DUMP[:-30]
        (data / "small.zip").write_bytes(zipped("small", cut))
        small = zip_corpus("http://0", cut, dump=True, cut_short=True)
        assert prepare(small, tmp_path / "c").read_bytes() == LINE

    def test_a_dump_that_is_no_dump_is_refused_by_name(self, tmp_path, data):
        (data / "small.xml").write_bytes(TEXT)
        with pytest.raises(ValueError, match="not a complete MediaWiki") as caught:
            prepare(corpus(TEXT, file="small.xml", dump=True), tmp_path / "c")
        assert str(caught.value).startswith(str(data / "small.xml"))


class TestReuse:
    @pytest.fixture
    def prepared(self, tmp_path, data):
        (data / "small.xml").write_bytes(DUMP)
        small = corpus(DUMP, file="small.xml", dump=True)
        return small, prepare(small, tmp_path / "c")

    def made_again(self, prepared, tmp_path):
        """Whether preparing once more reads the dump; the text is right anyway."""
        calls = []
        small, _ = prepared
        path = prepare(small, tmp_path / "c", lambda *call: calls.append(call))
        assert path.read_bytes() == LINE
        return any(task == "preparing small" for task, *_ in calls)

    def test_a_text_is_made_once(self, prepared, tmp_path):
        assert not self.made_again(prepared, tmp_path)

    def test_a_text_that_was_damaged_is_made_again(self, prepared, tmp_path):
        prepared[1].write_bytes(LINE.replace(b"cat", b"cow"))
        assert self.made_again(prepared, tmp_path)
        assert not self.made_again(prepared, tmp_path)

    @pytest.mark.parametrize("record", ["", "[]", "{}", '{"recipe": 1}', None])
    def test_a_text_without_a_sound_record_is_made_again(
        self, prepared, tmp_path, record
    ):
        path = prepared[1].with_suffix(".json")
        path.unlink() if record is None else path.write_text(record)
        assert self.made_again(prepared, tmp_path)

    def test_another_cleaning_makes_another_text(self, prepared, tmp_path, monkeypatch):
        monkeypatch.setattr(datasets.wiki_dump, "VERSION", "next")
        assert self.made_again(prepared, tmp_path)
        record = json.loads(prepared[1].with_suffix(".json").read_text())
        assert record["recipe"]["cleaning"] == "next"


class TestDownloads:
    def test_a_corpus_is_fetched_unpacked_and_the_archive_removed(self, tmp_path):
        calls = []
        with serving({"small.zip": zipped("small", TEXT)}) as address:
            small = zip_corpus(address)
            path = prepare(small, tmp_path, lambda *call: calls.append(call))
        assert path.read_bytes() == TEXT
        assert files_in(path.parent) == ["small.json", "small.lock", "small.txt"]
        assert {task for task, *_ in calls} == {"fetching small.zip", "preparing small"}
        assert prepare(small, tmp_path) == path, "the server is gone"

    def test_an_archive_with_another_hash_is_refused_and_removed(self, tmp_path):
        archive = zipped("small", TEXT)
        with (
            serving({"small.zip": archive[:-1] + b"!"}) as address,
            pytest.raises(ValueError, match=sha256(archive)),
        ):
            prepare(zip_corpus(address), tmp_path)
        assert files_in(tmp_path / "datasets") == ["small.lock"]

    def test_a_member_with_another_hash_is_refused_and_all_is_removed(self, tmp_path):
        other = TEXT[:-1] + b"!"
        archive = zipped("small", other)
        with serving({"small.zip": archive}) as address:
            small = zip_corpus(address, archive=archive, url_sha256=None)
            with pytest.raises(ValueError, match=sha256(other)) as caught:
                prepare(small, tmp_path)
        assert sha256(TEXT) in str(caught.value)
        assert files_in(tmp_path / "datasets") == ["small.lock"]

    def test_a_cleaned_dump_is_checked_to_its_last_byte(self, tmp_path):
        # The XML ends before the member does; the rest counts too.
        padded = DUMP[:-30] + b"<" + b" " * 100_000
        other = padded[:-1] + b"!"
        archive = zipped("small", other)
        with serving({"small.zip": archive}) as address:
            small = zip_corpus(
                address, padded, archive, url_sha256=None, dump=True, cut_short=True
            )
            with pytest.raises(ValueError, match=sha256(other)):
                prepare(small, tmp_path)

    def test_threads_that_want_one_corpus_fetch_it_once(self, tmp_path):
        tasks = []
        with serving({"small.zip": zipped("small", TEXT)}) as address:
            small = zip_corpus(address)
            started = [
                threading.Thread(
                    target=prepare,
                    args=(small, tmp_path, lambda task, *_: tasks.append(task)),
                )
                for _ in range(4)
            ]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join(timeout=20)
        assert tasks.count("fetching small.zip") == 1  # a body of one block

    def test_nothing_is_fetched_from_a_machine_without_network(self, tmp_path):
        with serving({}) as address:
            small = zip_corpus(address)
        with pytest.raises(ValueError, match="cannot be fetched"):
            prepare(small, tmp_path)


def test_a_corpus_is_described_once_and_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CORPORA["text8"].sha256 = ""
