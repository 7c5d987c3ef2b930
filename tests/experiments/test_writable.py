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


def test_what_is_read_is_not_written_over(tmp_path):
    path = tmp_path / "v.bin"
    path.write_bytes(b"vectors")
    with pytest.raises(ValueError, match=f"--out={path}: is read here; name another"):
        writable.check("out", path, reads=[tmp_path / "x" / ".." / "v.bin"])
    writable.check("out", tmp_path / "v.json", reads=[path])
    assert path.read_bytes() == b"vectors"


def test_a_result_does_not_take_the_name_of_what_goes_beside_it(tmp_path):
    path = tmp_path / "x.png"
    with pytest.raises(ValueError, match=f"--out={path}: must be a .json file"):
        writable.check("out", path, beside=(".md", ".png"))
    writable.check("out", tmp_path / "x.json", beside=(".md", ".png"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("evaluate", "--vectors=OUT"), "is read here"),
        (("stability", "--vectors=a", "--vectors=OUT"), "is read here"),
        (("likelihood", "--run=none", "--text=OUT"), "is read here"),
        (("pictures", "map", "a", "--vectors=OUT.png"), "is read here"),
        (("step_parts", "--words=1", "--times=1"), "must be a .json file"),
        (("many_runs", f"--corpus={__file__}"), "must be a .json file"),
        (("benchmark", f"--corpus={__file__}"), "must be a .json file"),
        (("verify_gradients", "--heatmap=OUT"), "the heat map goes there"),
    ],
    ids=lambda asked: asked[0],
)
def test_no_command_loses_what_it_reads_or_writes(asked, said, tmp_path):
    path = tmp_path / "x.md"
    (name, *given) = [one.replace("OUT", str(path)) for one in asked]
    code, _, err = command("-m", f"experiments.{name}", *given, f"--out={path}")
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
