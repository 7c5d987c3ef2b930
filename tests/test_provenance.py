import json
import os
import platform
import subprocess
import sys
from importlib import metadata

import jax
import pytest

from w2v_jax import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("pass\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "begin")
    return tmp_path


def test_a_tree_that_equals_its_commit_is_clean(repository):
    assert provenance.git_state(repository) == (
        git(repository, "rev-parse", "HEAD"),
        True,
    )


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_a_changed_or_an_untracked_file_makes_the_tree_unclean(repository, name):
    (repository / name).write_text("print()\n")
    assert provenance.git_state(repository)[1] is False


def test_an_ignored_file_leaves_the_tree_clean(repository):
    (repository / ".git" / "info" / "exclude").write_text("runs\n")
    (repository / "runs").write_text("")
    assert provenance.git_state(repository)[1] is True


def test_another_repository_named_by_the_surroundings_is_not_asked(
    repository, monkeypatch
):
    monkeypatch.setenv("GIT_DIR", str(repository / "nowhere"))
    assert provenance.git_state(repository)[1] is True


def test_outside_a_git_tree_and_below_somebody_elses_there_is_no_commit(
    repository, tmp_path_factory
):
    assert provenance.git_state(tmp_path_factory.mktemp("plain")) == (None, None)
    (repository / "site-packages").mkdir()
    assert provenance.git_state(repository / "site-packages") == (None, None)


def test_a_repository_without_a_commit_or_a_machine_without_git_has_none(
    tmp_path, repository, monkeypatch
):
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert provenance.git_state(empty) == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert provenance.git_state(repository) == (None, None)


def test_the_environment_names_versions_machine_command_and_what_the_caller_adds():
    found = provenance.environment(corpus_sha256="ab", tokenizer="whitespace")
    assert json.loads(json.dumps(found)) == found
    for package in ("jax", "jaxlib", "numpy", "optax", "flax"):
        assert found[package] == metadata.version(package)
    assert found["python"] == platform.python_version()
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert len(found["devices"]) == jax.device_count()
    assert found["devices"][0].startswith("cpu")
    assert found["corpus_sha256"] == "ab"
    assert found["tokenizer"] == "whitespace"
    assert found["git_commit"] == provenance.git_state(provenance.PROJECT)[0]
    assert found["cpu"]


def test_the_command_line_can_be_typed_again():
    program = (
        "from w2v_jax.provenance import environment as e; print(e()['command_line'])"
    )
    arguments = [sys.executable, "-c", program, "--corpus=two words"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("'--corpus=two words'")
    assert done.stdout.startswith(sys.executable)


def peak_of(program: str) -> int:
    program = f"from w2v_jax.provenance import peak_memory_bytes\n{program}"
    program += "\nprint(peak_memory_bytes())"
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_peak_memory_counts_what_was_freed_again_but_not_the_parents():
    size = 300 << 20
    held = bytearray(size)  # a parent larger than the child
    plain = peak_of("")
    large = peak_of(f"held = bytearray({size}); del held")
    del held
    assert plain < size
    # The pages of the block count; the rest of the process may differ by 16 MB.
    assert abs(large - plain - size) < 16 << 20


def test_the_peak_memory_is_known_without_linuxs_own_mark(monkeypatch):
    exact = provenance.peak_memory_bytes()
    monkeypatch.setattr(provenance, "Path", lambda _: provenance.PROJECT / "absent")
    # The other mark lags a little behind, and may be that of a larger parent; bytes
    # taken for kilobytes would be a factor of 1024.
    assert 0.9 * exact < provenance.peak_memory_bytes() < 100 * exact


def test_changes_name_each_entry_that_differs_in_order_of_name():
    old = {"dim": 100, "seed": 0, "window": None}
    new = {"window": 5, "seed": 0, "block": 32}
    assert provenance.changes(old, new) == [
        "block: absent -> 32",
        "dim: 100 -> absent",
        "window: None -> 5",
    ]
    assert provenance.changes(old, dict(old)) == []
