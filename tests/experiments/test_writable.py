"""A path that cannot be written to is known before the work begins."""

import errno
import os
import tempfile

import pytest

from experiments import writable


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
