import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.broken_disks import open_folder, ordinary_user
from w2v_jax import checkpoint
from w2v_jax.checkpoint import METADATA, STATE, SUMS, BrokenCheckpointError

FILES = (STATE, METADATA, SUMS)


def state(seed: int) -> dict:
    """Small, so that every byte of its file can be broken in turn."""
    table = np.random.default_rng(seed).normal(size=(3, 2)).astype(np.float32)
    return {"input": table, "key": np.arange(2, dtype=np.uint32)}


def where(step: int) -> dict:
    return {"step": step, "raw_words": 2**62 + step, "loss": 0.1 + step}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def two(folder):
    """The folders of two checkpoints, the older first."""
    return [checkpoint.save(folder, state(step), where(step)) for step in (1, 2)]


def latest(folder):
    messages: list[str] = []
    return checkpoint.latest_good(folder, messages.append), messages


def names(folder) -> set[str]:
    return set(os.listdir(folder))


def every_position(path) -> list[int]:
    return list(range(path.stat().st_size))


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_at_any_position_of_any_file_is_never_loaded(two, name):
    path = two[1] / name
    whole = path.read_bytes()
    for position in every_position(path):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        path.write_bytes(broken)
        with pytest.raises(BrokenCheckpointError, match=f"^{two[1]}"):
            checkpoint.restore(two[1], state(2))
    path.write_bytes(whole)
    found, _ = checkpoint.restore(two[1], state(2))
    np.testing.assert_array_equal(found["input"], state(2)["input"])


@pytest.mark.parametrize("name", FILES)
def test_a_missing_byte_at_any_position_of_any_file_is_never_loaded(two, name):
    path = two[1] / name
    whole = path.read_bytes()
    for position in every_position(path):
        for broken in (whole[:position], whole[:position] + whole[position + 1 :]):
            path.write_bytes(broken)
            with pytest.raises(BrokenCheckpointError):
                checkpoint.restore(two[1], state(2))


@given(st.sampled_from(FILES), st.integers(0), st.binary(max_size=4), st.integers(0, 4))
def test_bytes_changed_added_or_removed_lead_back_to_the_checkpoint_before(
    tmp_path_factory, name, position, new, removed
):
    folder = tmp_path_factory.mktemp("changed")
    older, newer = (checkpoint.save(folder, state(s), where(s)) for s in (1, 2))
    path = newer / name
    whole = path.read_bytes()
    at = position % (len(whole) + 1)
    changed = whole[:at] + new + whole[at + removed :]
    path.write_bytes(changed)
    found, messages = latest(folder)
    if changed == whole:
        assert found == (newer, where(2))
        assert messages == []
    else:
        assert found == (older, where(1))
        assert len(messages) == 1
        assert messages[0].startswith(str(newer))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_leads_back_to_the_checkpoint_before(folder, two, name):
    (two[1] / name).unlink()
    found, messages = latest(folder)
    assert found == (two[0], where(1))
    assert messages == [
        f"{two[1] / name}: No such file or directory: not used, set aside as "
        "broken-000002."
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_leads_back(folder, two, name):
    (two[1] / name).unlink()
    (two[1] / name).mkdir()
    found, messages = latest(folder)
    assert found == (two[0], where(1))
    assert messages[0].startswith(str(two[1] / name))


def test_a_file_in_the_place_of_a_checkpoint_leads_back(folder, two):
    shutil.rmtree(two[1])
    two[1].touch()
    assert latest(folder)[0] == (two[0], where(1))


def test_files_of_one_checkpoint_do_not_pass_in_another(folder, two):
    shutil.copy(two[0] / STATE, two[1] / STATE)
    with pytest.raises(BrokenCheckpointError, match="do not have the hashes"):
        checkpoint.restore(two[1], state(2))


def test_where_none_is_good_each_is_named_and_none_returned(folder, two):
    for path in two:
        (path / METADATA).write_bytes(b"{}")
    found, messages = latest(folder)
    assert found is None
    assert [message.partition(":")[0] for message in messages] == [
        str(two[1]),
        str(two[0]),
    ]


def test_a_broken_one_does_not_count_as_kept_and_goes_at_the_next_save(folder, two):
    (two[1] / STATE).write_bytes(b"")
    assert latest(folder)[0] == (two[0], where(1))
    assert names(folder) == {"000001", "broken-000002"}
    assert latest(folder) == ((two[0], where(1)), [])
    checkpoint.save(folder, state(3), where(3))
    assert names(folder) == {"000001", "000002"}
    assert latest(folder)[0] == (two[1], where(3))


def test_a_folder_that_cannot_be_written_still_gives_the_last_good_one():
    with open_folder() as folder:
        paths = [checkpoint.save(folder, state(s), where(s)) for s in (1, 2)]
        (paths[1] / STATE).write_bytes(b"")
        with ordinary_user():
            found, messages = latest(folder)
            with pytest.raises(PermissionError) as caught:
                checkpoint.save(folder, state(3), where(3))
        assert found == (paths[0], where(1))
        assert len(messages) == 1
        assert caught.value.filename.startswith(str(folder))
        assert names(folder) == {"000001", "000002"}


def test_one_that_may_not_be_read_is_an_error_and_not_given_up():
    with open_folder() as folder:
        paths = [checkpoint.save(folder, state(s), where(s)) for s in (1, 2)]
        (paths[1] / STATE).chmod(0)
        with ordinary_user(), pytest.raises(PermissionError) as caught:
            checkpoint.latest_good(folder)
        assert caught.value.filename == str(paths[1] / STATE)


KILLED = """
import os, pathlib, sys
import numpy as np
from w2v_jax import checkpoint

folder, countdown = sys.argv[1], int(sys.argv[2])

def hook(event, arguments):
    global countdown
    touched = event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")
    if touched and any(folder in str(argument) for argument in arguments):
        countdown -= 1
        if countdown < 0:
            os.kill(os.getpid(), 9)

sys.addaudithook(hook)
checkpoint.save(folder, {"a": np.full(1000, 3.0)}, {"step": 3})
"""


@pytest.mark.slow
def test_a_kill_before_any_change_of_the_disk_leaves_the_last_good_one(folder):
    """The process is killed before its first, second, ... access to the folder."""
    old = [{"a": np.full(1000, float(step))} for step in (1, 2)]
    for moment in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        for step, tree in enumerate(old, 1):
            checkpoint.save(folder, tree, {"step": step})
        command = [sys.executable, "-c", KILLED, str(folder), str(moment)]
        done = subprocess.run(command)
        (path, metadata), messages = latest(folder)
        assert messages == []
        assert metadata["step"] in (2, 3)
        found, _ = checkpoint.restore(path, {"a": np.zeros(1000)})
        np.testing.assert_array_equal(found["a"], np.full(1000, metadata["step"]))
        checkpoint.save(folder, old[0], {"step": 4})
        assert len(names(folder)) == 2, "what the killed writer left is swept"
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    # Hidden folder, three files, two renames and the removal of the oldest at least.
    assert 10 < moment < 99
    assert metadata["step"] == 3
