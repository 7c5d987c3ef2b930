import json
import os

import pytest

from w2v_jax.config import Config
from w2v_jax.metrics_log import read_metrics
from w2v_jax.runlog import CONTENTS, RunDirectory, read_json, read_summary

CONFIG = Config(corpus="a.txt", replicas=2).to_dict()
ENVIRONMENT = {"jax": "0.10.2", "corpus_sha256": "ab", "tokenizer": "whitespace"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "demo"


def fill(path, config=CONFIG):
    """A directory with everything a finished run leaves."""
    with RunDirectory(path) as run:
        run.begin(config)
        run.record_environment(ENVIRONMENT)
        run.checkpoints.mkdir()
        (run.checkpoints / "000001").mkdir()
        for name in CONTENTS:
            if not (path / name).exists():
                run.write_text(name, f"{name}\n")


def test_the_directory_and_its_parents_are_made(path):
    with RunDirectory(path) as run:
        assert path.is_dir()
        assert run.config() is None
        assert not run.finished


def test_a_new_run_writes_its_config_and_the_same_command_goes_on(path):
    with RunDirectory(path) as run:
        assert run.begin(CONFIG) is False
    assert json.loads((path / "config.json").read_text()) == CONFIG
    with RunDirectory(path) as run:
        assert run.config() == CONFIG
        assert run.begin(CONFIG) is True


def test_another_config_is_refused_and_each_differing_field_is_named(path):
    fill(path)
    before = (path / "config.json").read_bytes()
    other = CONFIG | {"dim": 50, "seed": 7}
    says = r"demo: .*another config \(dim: 100 -> 50, seed: 0 -> 7\).*--overwrite"
    with RunDirectory(path) as run, pytest.raises(ValueError, match=says):
        run.begin(other)
    assert (path / "config.json").read_bytes() == before


def test_overwriting_removes_what_runs_write_and_nothing_else(path):
    fill(path)
    (path / "notes.txt").write_text("mine")
    with RunDirectory(path) as run:
        assert run.begin(CONFIG | {"seed": 1}, overwrite=True) is False
    assert set(os.listdir(path)) == {".lock", "config.json", "notes.txt"}
    assert json.loads((path / "config.json").read_text())["seed"] == 1


def test_overwriting_clears_a_finished_run_with_the_same_config(path):
    fill(path)
    with RunDirectory(path) as run:
        assert run.finished
        assert run.begin(CONFIG, overwrite=True) is False
        assert not run.finished


def test_overwriting_lets_an_unfinished_run_with_the_same_config_go_on(path):
    fill(path)
    (path / "summary.json").unlink()
    with RunDirectory(path) as run:
        assert run.begin(CONFIG, overwrite=True) is True
        assert (run.checkpoints / "000001").is_dir()


def test_overwriting_clears_an_unfinished_run_on_another_text(path):
    fill(path)
    (path / "summary.json").unlink()
    with RunDirectory(path) as run:
        same = ENVIRONMENT | {"jax": "0.11.0"}
        assert run.begin(CONFIG, overwrite=True, facts=same) is True
        other = ENVIRONMENT | {"corpus_sha256": "cd"}
        assert run.begin(CONFIG, facts=other) is True  # refused by record_environment
        assert run.begin(CONFIG, overwrite=True, facts=other) is False
        assert not run.checkpoints.exists()
        assert run.record_environment(other) == []


def test_overwriting_clears_an_unfinished_run_of_an_unknown_text(path):
    fill(path)
    (path / "summary.json").unlink()
    (path / "environment.json").write_text("{")
    with RunDirectory(path) as run:
        assert run.begin(CONFIG, overwrite=True, facts=ENVIRONMENT) is False


def test_a_damaged_list_of_changes_is_named(path):
    with RunDirectory(path) as run:
        run.write_json("environment.json", ENVIRONMENT | {"resumed": None})
        with pytest.raises(ValueError, match=r"environment\.json: resumed is no list"):
            run.record_environment(ENVIRONMENT | {"jax": "0.11.0"})


SUMMARY = {
    "raw_words": 9,
    "train_seconds": 1.5,
    "peak_memory_bytes": 7,
    "words_per_second": None,
    "final_loss": None,
}


def test_a_summary_comes_back_and_one_that_is_none_is_named(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(SUMMARY))
    assert read_summary(path) == SUMMARY
    for name in SUMMARY:
        less = {key: value for key, value in SUMMARY.items() if key != name}
        for damaged in (less, SUMMARY | {name: "many"}):
            path.write_text(json.dumps(damaged))
            with pytest.raises(ValueError, match=f"^{path}: {name} is missing or no"):
                read_summary(path)


def test_a_kill_while_clearing_leaves_a_directory_of_the_old_config(path, monkeypatch):
    fill(path)
    removed = []

    def remove(target):
        if len(removed) == len(CONTENTS) - 1:
            raise KeyboardInterrupt
        removed.append(target.name)

    monkeypatch.setattr("w2v_jax.runlog.durable.remove", remove)
    with RunDirectory(path) as run, pytest.raises(KeyboardInterrupt):
        run.begin(CONFIG | {"seed": 1}, overwrite=True)
    assert set(removed) == set(CONTENTS) - {"config.json"}


@pytest.mark.parametrize("text", ["", "{", "[1]", "\0", "[" * 10**5])
def test_a_config_that_cannot_be_read_is_refused_and_can_be_overwritten(path, text):
    fill(path)
    (path / "config.json").write_text(text)
    with RunDirectory(path) as run:
        with pytest.raises(ValueError, match="a config that cannot be read"):
            run.begin(CONFIG)
        assert run.begin(CONFIG, overwrite=True) is False


def test_checkpoints_without_a_config_are_refused(path):
    fill(path)
    (path / "config.json").unlink()
    with (
        RunDirectory(path) as run,
        pytest.raises(ValueError, match=r"but no config\.json"),
    ):
        run.begin(CONFIG)


def test_files_of_others_do_not_keep_a_run_from_beginning(path):
    path.mkdir(parents=True)
    (path / "notes.txt").write_text("mine")
    with RunDirectory(path) as run:
        assert run.begin(CONFIG) is False


def test_the_environment_of_the_first_start_stands_and_changes_are_said(path):
    with RunDirectory(path) as run:
        assert run.record_environment(ENVIRONMENT) == []
        assert run.record_environment(ENVIRONMENT) == []
        assert run.read_json("environment.json") == ENVIRONMENT
        newer = ENVIRONMENT | {"jax": "0.11.0"}
        assert run.record_environment(newer) == ["jax: 0.10.2 -> 0.11.0"]
        assert run.record_environment(newer) == ["jax: 0.10.2 -> 0.11.0"]
        expected = ENVIRONMENT | {"resumed": [{"jax": "0.11.0"}]}
        assert run.read_json("environment.json") == expected
        assert run.record_environment(ENVIRONMENT) == []


def test_the_command_may_be_spelt_in_another_way(path):
    with RunDirectory(path) as run:
        run.record_environment(ENVIRONMENT | {"command_line": "train --dim=100"})
        again = ENVIRONMENT | {"command_line": "train --dim 100"}
        assert run.record_environment(again) == []


@pytest.mark.parametrize(
    "change",
    [
        {"corpus_sha256": "cd"},
        {"tokenizer": "characters"},
        {"tokenizer_version": "2"},
    ],
)
def test_going_on_with_another_input_is_refused(path, change):
    with RunDirectory(path) as run:
        run.record_environment(ENVIRONMENT)
        (name,) = change
        with pytest.raises(ValueError, match=f"another input .{name}: .*--overwrite"):
            run.record_environment(ENVIRONMENT | change)
        assert run.read_json("environment.json") == ENVIRONMENT


def test_the_metrics_go_on_from_the_checkpoint(path):
    with RunDirectory(path) as run:
        log, messages = run.metrics(None)
        with log:
            for step in (1, 2, 3):
                log.append(step=step)
        assert messages == []
        (path / "metrics.jsonl").write_bytes(
            b"?\n" + (path / "metrics.jsonl").read_bytes() + b'{"st'
        )
        log, messages = run.metrics(2)
        with log:
            log.append(step=30)
    assert [line["step"] for line in read_metrics(path / "metrics.jsonl")] == [1, 2, 30]
    assert messages == [f"{path / 'metrics.jsonl'}: line 1 is no metric, dropped"]


def test_json_comes_back_equal_and_reads_well(path):
    values = {"raw_words": 2**62 + 1, "loss": 0.1, "words": "词向量", "none": None}
    with RunDirectory(path) as run:
        run.write_json("summary.json", values)
        assert run.read_json("summary.json") == values
        assert run.finished
    assert "词向量" in (path / "summary.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "\xff"])
def test_a_broken_file_is_refused_with_its_name_and_the_remedy(tmp_path, text):
    path = tmp_path / "summary.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"summary.json: no .*restore or delete"):
        read_json(path)
