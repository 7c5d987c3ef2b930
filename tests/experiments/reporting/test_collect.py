"""Any tree of run directories is read, and what cannot be used is named."""

import json
import shutil

import pytest

from experiments.reporting.collect import collect
from tests.experiments.reporting.planted import write_run, write_sweep


def reasons(found):
    return {one.path.name: one.why for one in found.left_out}


def test_every_summary_below_the_folder_is_a_run(tmp_path):
    write_sweep(tmp_path, {"a": {}, "deep/down/b": {"window": 3}}, seeds=(1, 2))
    found = collect(tmp_path)
    assert [str(run.path.relative_to(tmp_path)) for run in found.runs] == [
        "a/seed-1",
        "a/seed-2",
        "deep/down/b/seed-1",
        "deep/down/b/seed-2",
    ]
    assert [run.seed for run in found.runs] == [1, 2, 1, 2]
    assert found.runs[2].config.window == 3
    assert found.runs[0].summary["raw_words"] == 50_000
    assert found.runs[0].environment["jax"] == "0.10.2"
    assert found.left_out == []


def test_the_folder_may_itself_be_a_run(tmp_path):
    write_run(tmp_path / "alone", 5)
    (run,) = collect(tmp_path / "alone").runs
    assert run.seed == 5
    assert len(run.metrics()) == 10


def test_an_earlier_report_and_checkpoints_are_not_searched(tmp_path):
    write_run(tmp_path / "a" / "seed-1", 1)
    for hidden in ("report", "a/seed-1/checkpoints", ".trash"):
        write_run(tmp_path / hidden / "inner", 2)
    assert [run.seed for run in collect(tmp_path).runs] == [1]


def test_failed_and_unfinished_cells_are_left_out_with_their_reasons(tmp_path):
    write_run(tmp_path / "good", 1)
    for name in ("failed", "unfinished", "orphan", "odd", "silent"):
        write_run(tmp_path / name, 2)
        (tmp_path / name / "summary.json").unlink()
    said = {"error": "diverged by step 7\nlower --learning_rate", "exit_code": 3}
    (tmp_path / "failed" / "failure.json").write_text(json.dumps(said))
    (tmp_path / "odd" / "failure.json").write_text('{"exit_code": 2, "at": 1.5}')
    (tmp_path / "silent" / "failure.json").write_text("{}")
    (tmp_path / "orphan" / "config.json").unlink()
    (tmp_path / "orphan" / "summary.json").write_text("{}")
    found = collect(tmp_path)
    assert [run.path.name for run in found.runs] == ["good"]
    assert reasons(found) == {
        "failed": "failed: diverged by step 7 lower --learning_rate",
        "odd": "failed: exit_code: 2 at: 1.5",
        "orphan": "a summary.json without a config.json beside it",
        "silent": "failed: no reason given",
        "unfinished": "unfinished: no summary.json",
    }


def test_a_run_that_finished_after_a_failure_counts(tmp_path):
    write_run(tmp_path / "again", 1)
    (tmp_path / "again" / "failure.json").write_text('{"error": "killed"}')
    found = collect(tmp_path)
    assert (len(found.runs), found.left_out) == (1, [])


def test_damaged_files_leave_a_run_out_and_are_named(tmp_path):
    for name in ("good", "config", "summary", "field"):
        write_run(tmp_path / name, 1)
    (tmp_path / "config" / "config.json").write_text("{")
    (tmp_path / "summary" / "summary.json").write_text("[]")
    config = json.loads((tmp_path / "field" / "config.json").read_text())
    (tmp_path / "field" / "config.json").write_text(json.dumps(config | {"windows": 5}))
    found = collect(tmp_path)
    assert [run.path.name for run in found.runs] == ["good"]
    for name, file in (
        ("config", "config"),
        ("summary", "summary"),
        ("field", "config"),
    ):
        assert reasons(found)[name].startswith(str(tmp_path / name / f"{file}.json"))
    assert "Did you mean window?" in reasons(found)["field"]


def test_a_config_of_an_older_version_takes_the_defaults_of_new_fields(tmp_path):
    path = write_run(tmp_path / "old", 1) / "config.json"
    config = json.loads(path.read_text())
    del config["path_room"], config["subsample_formula"]
    path.write_text(json.dumps(config))
    (run,) = collect(tmp_path).runs
    assert run.config.subsample_formula == "word2vec"


def test_what_was_asked_for_is_read_from_sweep_json(tmp_path):
    write_run(tmp_path / "a", 1)
    assert collect(tmp_path).sweep == {}
    (tmp_path / "sweep.json").write_text('{"question": "which?"}')
    assert collect(tmp_path).sweep == {"question": "which?"}
    (tmp_path / "sweep.json").write_text("nonsense")
    with pytest.raises(ValueError, match=r"sweep\.json: no valid JSON"):
        collect(tmp_path)


def test_a_folder_without_a_finished_run_is_refused_with_what_is_there(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        collect(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no finished run below it \(no summary"):
        collect(tmp_path)
    write_run(tmp_path / "half", 1)
    (tmp_path / "half" / "summary.json").unlink()
    with pytest.raises(ValueError, match=r"half: unfinished"):
        collect(tmp_path)


def test_a_run_without_a_log_or_an_environment_is_still_a_run(tmp_path):
    path = write_run(tmp_path / "bare", 1)
    (path / "metrics.jsonl").unlink()
    (path / "environment.json").unlink()
    (run,) = collect(tmp_path).runs
    assert (run.metrics(), run.environment) == ([], {})
    assert run.corpus == "planted.txt"  # for want of a hash
    shutil.rmtree(path)


@pytest.mark.parametrize("name", ["report", "checkpoints"])
def test_a_run_in_a_folder_that_is_passed_by_is_found(name, tmp_path):
    write_run(tmp_path / name, 3)
    assert [run.path.name for run in collect(tmp_path).runs] == [name]


@pytest.mark.parametrize("hashes", ["x", None, 3, {"input_vectors": 3}])
def test_hashes_that_are_none_do_not_matter(hashes, tmp_path):
    path = write_run(tmp_path / "a", 1) / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": hashes}))
    assert collect(tmp_path).runs[0].vectors is None


@pytest.mark.parametrize("name", ["raw_words", "loss"])
def test_a_metric_that_is_no_number_is_named(name, tmp_path):
    path = write_run(tmp_path / "a", 1) / "metrics.jsonl"
    first, *rest = path.read_text().splitlines()
    damaged = json.dumps(json.loads(first) | {name: "many"})
    path.write_text("\n".join([*rest, damaged]) + "\n")
    (run,) = collect(tmp_path).runs
    line = len(rest) + 1
    with pytest.raises(ValueError, match=f"^{path}: line {line}: {name} is no number"):
        run.metrics()
