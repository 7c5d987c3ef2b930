import hashlib
import io
import socket
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http_server import serving
from w2v_jax.downloads import fetch, zip_member

BODY = b"text of a corpus\n" * 100_000
SIZE = len(BODY)
SHA256 = hashlib.sha256(BODY).hexdigest()


def zipped(members, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_whole_and_progress_is_told_in_bytes(tmp_path):
    calls = []
    with serving({"corpus": BODY}) as address:
        fetch(
            f"{address}/corpus",
            tmp_path / "corpus",
            size=SIZE,
            sha256=SHA256,
            progress=lambda *call: calls.append(call),
        )
    assert (tmp_path / "corpus").read_bytes() == BODY
    assert files_in(tmp_path) == ["corpus"]
    assert calls[-1] == ("fetching corpus", SIZE, SIZE, "")
    assert len(calls) > 1


def refused(tmp_path, files, match):
    """Fetches `corpus`, which must fail and leave nothing but an earlier copy."""
    (tmp_path / "corpus").write_bytes(b"an earlier copy")
    with (
        serving(files) as address,
        pytest.raises(ValueError, match=match) as caught,
    ):
        fetch(f"{address}/corpus", tmp_path / "corpus", size=SIZE, sha256=SHA256)
    assert str(caught.value).startswith(str(tmp_path / "corpus"))
    assert files_in(tmp_path) == ["corpus"]
    assert (tmp_path / "corpus").read_bytes() == b"an earlier copy"
    return str(caught.value)


def test_another_file_of_the_same_size_is_refused_with_both_hashes(tmp_path):
    other = BODY[:-1] + b"!"
    message = refused(tmp_path, {"corpus": other}, "SHA-256")
    assert SHA256 in message
    assert hashlib.sha256(other).hexdigest() in message


def test_a_body_that_ends_early_is_refused(tmp_path):
    short = (200, SIZE, BODY[:1000])
    refused(tmp_path, {"corpus": short}, "gave 1000 bytes where 1700000")


def test_a_shorter_file_is_refused(tmp_path):
    refused(tmp_path, {"corpus": BODY[:-7]}, f"gave {SIZE - 7} bytes")


def test_a_longer_file_is_refused_before_it_fills_the_disk(tmp_path):
    refused(tmp_path, {"corpus": BODY * 20}, f"more than {SIZE}")
    taken = []
    with (
        serving({"corpus": BODY * 20}) as address,
        pytest.raises(ValueError, match="more than"),
    ):
        fetch(
            f"{address}/corpus",
            tmp_path / "corpus",
            size=SIZE,
            progress=lambda task, done, total, note: taken.append(done),
        )
    assert SIZE < taken[-1] <= SIZE + (1 << 18), "one block more than the size"


def test_a_missing_page_is_refused_with_its_address(tmp_path):
    assert "/corpus cannot be fetched (" in refused(tmp_path, {}, "Not Found")


def test_an_address_that_nobody_serves_is_refused(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/corpus"
    with pytest.raises(ValueError, match="cannot be fetched"):
        fetch(address, tmp_path / "corpus", size=1)
    assert files_in(tmp_path) == []


class TestZipMember:
    def opened(self, tmp_path, data, name="text", size=SIZE):
        path = tmp_path / "corpus.zip"
        path.write_bytes(data)
        with zip_member(path, name, size) as member:
            return member.read()

    def test_a_member_is_read_without_unpacking(self, tmp_path):
        assert self.opened(tmp_path, zipped({"text": BODY, "notes": b""})) == BODY
        assert files_in(tmp_path) == ["corpus.zip"]

    @pytest.mark.parametrize(
        "name", ["../text", "a/../../b", "/etc/text", "..\\text", "C:\\text", "C:text"]
    )
    def test_a_path_that_climbs_out_is_refused(self, tmp_path, name):
        with pytest.raises(ValueError, match="out of its folder"):
            self.opened(tmp_path, zipped({"text": BODY, name: b"x"}))

    def test_a_name_with_two_dots_in_it_is_no_climb(self, tmp_path):
        assert self.opened(tmp_path, zipped({"text": BODY, "a..b": b""})) == BODY

    def test_a_missing_member_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="holds no text"):
            self.opened(tmp_path, zipped({"other": BODY}))

    def test_a_member_of_another_size_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="16 bytes where 17 were expected"):
            self.opened(tmp_path, zipped({"text": b"x" * 16}), size=17)

    @given(data=st.data())
    def test_a_damaged_zip_gives_its_text_or_one_clear_error(self, data):
        body = b"a few words\n" * 30
        packed = bytearray(zipped({"text": body}))
        if data.draw(st.booleans()):
            packed = packed[: data.draw(st.integers(0, len(packed) - 1))]
        else:
            at = data.draw(st.integers(0, len(packed) - 1))
            packed[at] ^= data.draw(st.integers(1, 255))
        with tempfile.TemporaryDirectory() as folder:
            outcome = self.outcome(Path(folder), bytes(packed), len(body))
            assert outcome == body or outcome.startswith(folder)

    def outcome(self, folder, packed, size):
        try:
            return self.opened(folder, packed, size=size)
        except ValueError as error:
            return str(error)
