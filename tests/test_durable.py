import errno
import hashlib
import os
import signal
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.broken_disks import small_files
from w2v_jax import durable


def test_a_whole_file_has_its_bytes_and_nothing_is_left_beside_it(tmp_path):
    durable.write_whole(tmp_path / "summary.json", b"new")
    assert (tmp_path / "summary.json").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["summary.json"]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(b"old")
    too_large = pytest.raises(OSError, match="File too large")
    with small_files(1000), too_large as caught:
        durable.write_whole(path, bytes(2000))
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["summary.json"]


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(b"old")

    def interrupted():
        with durable.whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["summary.json"]


def test_a_killed_writer_leaves_the_old_file_and_the_sweep_takes_the_rest(tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(b"old")
    program = (
        "import os, pathlib, sys\n"
        "from w2v_jax import durable\n"
        "with durable.whole_file(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    (leftover,) = set(os.listdir(tmp_path)) - {"summary.json"}
    assert leftover.startswith(".summary.json.")
    (tmp_path / ".summary").touch()
    (tmp_path / ".summary.jsonl.1").touch()
    durable.sweep(tmp_path, ["summary.json"])
    assert set(os.listdir(tmp_path)) == {"summary.json", ".summary", ".summary.jsonl.1"}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        durable.write_whole(tmp_path / "gone" / "summary.json", b"")
    assert "gone" in caught.value.filename


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_the_hash_returned_is_that_of_the_file(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("hashed") / "file"
    found = durable.write_hashed(path, pieces)
    assert path.read_bytes() == b"".join(pieces)
    assert found == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_a_piece_larger_than_one_write_is_written_whole(tmp_path):
    data = np.random.default_rng(0).bytes(durable._PIECE + 12345)
    found = durable.write_hashed(tmp_path / "file", [data])
    assert (tmp_path / "file").read_bytes() == data
    assert found == hashlib.sha256(data).hexdigest()


def test_a_full_disk_names_the_file_that_is_hashed(tmp_path):
    too_large = pytest.raises(OSError, match="File too large")
    with small_files(1000), too_large as caught:
        durable.write_hashed(tmp_path / "state", [bytes(2000)])
    assert caught.value.filename == str(tmp_path / "state")


def test_files_links_and_folders_are_removed_and_absent_ones_ignored(tmp_path):
    kept = tmp_path / "kept"
    (kept / "inside").mkdir(parents=True)
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch()
    link = tmp_path / "link"
    link.symlink_to(kept)
    for path in (folder, link, tmp_path / "absent"):
        durable.remove(path)
    assert os.listdir(tmp_path) == ["kept"]
    assert (kept / "inside").is_dir()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.arange(10)[::3],
        np.array(-0.0),
        np.zeros((0, 3)),
        np.asarray(jnp.ones((2, 2), jnp.bfloat16)),
    ],
    ids=["rows", "columns", "strided", "scalar", "empty", "bfloat16"],
)
def test_the_hash_of_an_array_is_that_of_its_bytes_row_by_row(array):
    expected = hashlib.sha256(array.tobytes()).hexdigest()
    assert durable.array_sha256(array) == expected
    assert durable.array_sha256(jnp.asarray(array)) == durable.array_sha256(
        np.asarray(jnp.asarray(array))
    )


def test_a_file_that_cannot_be_begun_is_named_as_it_was_given(tmp_path):
    path = tmp_path / "nowhere" / "summary.json"
    with pytest.raises(FileNotFoundError) as caught:
        durable.write_whole(path, b"new")
    assert caught.value.filename == str(path)
