"""What a training run refuses is refused before anything of an earlier one is lost."""

import json

import pytest

from experiments import training_run
from tests.test_runlog import fill
from w2v_jax.config import Config
from w2v_jax.native import build
from w2v_jax.runlog import CONTENTS


@pytest.fixture
def asked(tmp_path):
    corpus = tmp_path / "text.txt"
    corpus.write_text("one two two three three three " * 30)
    return Config(corpus=str(corpus), dim=4, replicas=1, kernel="native")


def test_overwriting_keeps_the_run_where_the_kernel_cannot_be_had(
    asked, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    fill(run)
    before = {name: (run / name).stat().st_mtime_ns for name in CONTENTS}

    def refused(cache):
        raise build.NativeUnavailableError("no compiler")

    monkeypatch.setattr(build, "register", refused)
    with pytest.raises(ValueError, match="no compiler"):
        training_run.carry_out(asked, run, tmp_path / "cache", overwrite=True)
    assert {name: (run / name).stat().st_mtime_ns for name in CONTENTS} == before


def test_a_refused_new_run_leaves_no_directory_that_refuses_the_remedy(
    asked, tmp_path, monkeypatch
):
    def refused(cache):
        raise build.NativeUnavailableError("no compiler; use --kernel=xla")

    monkeypatch.setattr(build, "register", refused)
    with pytest.raises(ValueError, match="--kernel=xla"):
        training_run.carry_out(asked, tmp_path / "run", tmp_path / "cache")
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_finished_run_whose_summary_is_damaged_is_named(asked, tmp_path):
    run = tmp_path / "run"
    asked = asked.replace(kernel="xla")
    training_run.carry_out(asked, run, tmp_path / "cache")
    summary = json.loads((run / "summary.json").read_text())
    assert training_run.carry_out(asked, run, tmp_path / "cache") == summary
    (run / "summary.json").write_text("{}")
    with pytest.raises(ValueError, match=r"summary\.json: raw_words is missing"):
        training_run.carry_out(asked, run, tmp_path / "cache")
    (run / "summary.json").unlink()
    again = training_run.carry_out(asked, run, tmp_path / "cache")
    assert again["sha256"] == summary["sha256"]
