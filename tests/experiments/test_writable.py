"""A path that cannot be written to is known before the work begins."""

import errno
import os
import tempfile

import pytest

from experiments import writable
from tests.experiments.test_cli import command


@pytest.mark.parametrize("folder", [False, True])
def test_a_path_that_can_be_written_gets_its_folder_and_nothing_in_it(folder, tmp_path):
    path = tmp_path / "a" / "b"
    writable.check("out", path, folder=folder)
    assert path.exists() == folder
    assert path.parent.is_dir()
    assert not list((path if folder else path.parent).iterdir())


@pytest.mark.parametrize("folder", [False, True])
def test_a_file_in_the_way_is_named_with_the_flag(folder, tmp_path):
    (tmp_path / "file").write_text("kept")
    path = tmp_path / "file" / "b"
    why = os.strerror(errno.ENOTDIR) if folder else "no folder"
    with pytest.raises(ValueError, match=f"--out={path}: .*file.*: {why}; give"):
        writable.check("out", path, folder=folder)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_takes_no_file_is_named(tmp_path, monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(ValueError, match=os.strerror(errno.ENOSPC)):
        writable.check("figures", tmp_path, folder=True)


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path):
    with pytest.raises(ValueError, match=f"--out={tmp_path}: is a folder; name a file"):
        writable.check("out", tmp_path)


def test_a_result_makes_its_folder_again_and_takes_the_place_of_the_last(tmp_path):
    path = tmp_path / "gone" / "scores.json"
    writable.save(path, "{}\n")
    assert path.read_text() == "{}\n"
    writable.save(path, "新\n")
    assert path.read_text(encoding="utf-8") == "新\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "asked",
    [
        ("evaluate", "--vectors=none"),
        ("stability", "--vectors=none", "--vectors=nor_this"),
        ("likelihood", "--run=none", "--text=none"),
        ("softmax_reference", "--corpus=none"),
    ],
    ids=lambda asked: asked[0],
)
def test_commands_ask_before_they_read_anything(asked, tmp_path):
    name, *flags = asked
    code, _, err = command("-m", f"experiments.{name}", *flags, f"--out={tmp_path}")
    assert code == 2
    assert err == f"--out={tmp_path}: is a folder; name a file in it\n"
