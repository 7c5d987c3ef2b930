import errno
import os
import signal
import subprocess
import sys

import pytest

from tests.broken_disks import full_disk, open_folder, ordinary_user
from w2v_jax.runlog import RunDirectory, stored_config

CONFIG = {"dim": 100, "seed": 0}

HOLDER = """
import sys
from w2v_jax.runlog import RunDirectory
run = RunDirectory(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "demo"


def start_holder(path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    return holder


def stop(holder):
    holder.communicate()


def test_a_second_process_is_refused_with_the_number_of_the_first(path):
    holder = start_holder(path)
    try:
        with pytest.raises(
            ValueError, match=f"{path}: process {holder.pid} is at work"
        ):
            RunDirectory(path)
    finally:
        stop(holder)
    RunDirectory(path).close()


def test_a_killed_process_leaves_no_lock(path):
    holder = start_holder(path)
    holder.send_signal(signal.SIGKILL)
    stop(holder)
    with RunDirectory(path) as run:
        assert not run.begin(CONFIG)


def test_the_lock_is_held_within_one_process_too_and_dropped_on_closing(path):
    with RunDirectory(path) as run:
        with pytest.raises(ValueError, match=f"process {os.getpid()} is at work"):
            RunDirectory(path)
        run.close()
        RunDirectory(path).close()


def test_a_program_that_the_run_starts_does_not_keep_the_lock(path):
    with RunDirectory(path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        RunDirectory(path).close()
    finally:
        child.kill()
        child.wait()


def test_what_killed_writers_left_is_removed_on_opening(path):
    RunDirectory(path).close()
    for name in (".vectors.bin.a1b2", ".summary.json.77"):
        (path / name).touch()
    (path / ".hidden").touch()
    RunDirectory(path).close()
    assert {name for name in os.listdir(path) if name[0] == "."} == {".lock", ".hidden"}


def test_the_stored_config_can_be_read_while_another_process_holds_the_lock(path):
    assert stored_config(path) is None
    with RunDirectory(path) as run:
        assert stored_config(path) is None
        run.begin(CONFIG)
        assert stored_config(path) == CONFIG
    (path / "config.json").write_text("{")
    assert stored_config(path) is None


def test_a_file_in_the_place_of_the_directory_is_named(path):
    path.parent.mkdir()
    path.touch()
    with pytest.raises(FileExistsError) as caught:
        RunDirectory(path)
    assert caught.value.filename == str(path)


def test_a_directory_that_may_not_be_written_is_named():
    with open_folder() as folder:
        RunDirectory(folder / "run").close()
        with ordinary_user(), pytest.raises(PermissionError) as caught:
            RunDirectory(folder / "run")
        assert caught.value.filename == str(folder / "run" / ".lock")
        with ordinary_user(), pytest.raises(PermissionError) as caught:
            RunDirectory(folder / "another")
        assert caught.value.filename == str(folder / "another")


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    page = 4096
    with full_disk(tmp_path, 20 * page), RunDirectory(tmp_path) as run:
        run.begin(CONFIG)
        run.write_json("summary.json", {"loss": 1})
        with pytest.raises(OSError, match="No space left") as caught:
            run.write_text("summary.json", "x" * 30 * page)
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == str(tmp_path / "summary.json")
        assert run.read_json("summary.json") == {"loss": 1}
