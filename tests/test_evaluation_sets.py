import hashlib
import re
import subprocess
import sys

import pytest

from w2v_jax import evaluation_sets
from w2v_jax.evaluation_sets import (
    DATA_DIR_VARIABLE,
    EVALUATION_SETS,
    find_evaluation_set,
    gensim_test_data,
)


@pytest.fixture
def nowhere(monkeypatch):
    """A machine without any data."""
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(evaluation_sets, "BESIDE_THE_PROJECT", None)
    monkeypatch.setattr(evaluation_sets, "gensim_test_data", lambda: None)


def test_every_set_says_what_it_is_and_where_it_comes_from():
    for name, entry in EVALUATION_SETS.items():
        assert entry.name == name
        assert entry.language in ("en", "zh")
        assert entry.kind in ("similarity", "analogy")
        assert entry.files
        assert entry.origin
        assert re.search(r"\d{4}", entry.source), "the year of the publication"


def test_every_hash_belongs_to_a_listed_file_and_has_the_form_of_a_sha256():
    listed = {file for entry in EVALUATION_SETS.values() for file in entry.files}
    assert set(evaluation_sets._SHA256) <= listed
    for value in evaluation_sets._SHA256.values():
        assert re.fullmatch("[0-9a-f]{64}", value)


def test_the_copies_on_this_machine_have_the_hashes_listed(shared_data):
    checked = 0
    for entry in EVALUATION_SETS.values():
        for folder in (shared_data / "eval/en", shared_data / "eval/zh"):
            for file, sha256 in entry.sha256.items():
                if (folder / file).exists():
                    data = (folder / file).read_bytes()
                    assert hashlib.sha256(data).hexdigest() == sha256
                    checked += 1
    assert checked == 12, "nine English and three Chinese files"


def test_the_copies_in_the_gensim_wheel_have_the_hashes_listed():
    for name in ("wordsim353", "simlex999", "google"):
        file = EVALUATION_SETS[name].files[-1]
        data = (gensim_test_data() / file).read_bytes()
        found = hashlib.sha256(data).hexdigest()
        assert found == EVALUATION_SETS[name].sha256[file]


def test_a_set_is_found_in_the_folder_given_and_below_it(tmp_path, nowhere):
    for number, below in enumerate((".", "eval", "eval/en", "eval/zh")):
        folder = tmp_path / str(number) / below
        folder.mkdir(parents=True)
        (folder / "EN-MEN-TR-3k.txt").write_text("a\tb\t1\n")
        found = find_evaluation_set("men", tmp_path / str(number))
        assert found == folder / "EN-MEN-TR-3k.txt"


def test_the_folder_given_comes_before_that_of_the_environment(
    tmp_path, nowhere, monkeypatch
):
    for name in ("given", "environment"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "EN-RG-65.txt").write_text("a\tb\t1\n")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "environment"))
    assert find_evaluation_set("rg65").parent.name == "environment"
    assert find_evaluation_set("rg65", tmp_path / "given").parent.name == "given"


def test_a_set_known_by_two_file_names_is_found_under_either(tmp_path, nowhere):
    (tmp_path / "240.txt").write_text("a\tb\t1\n")
    assert find_evaluation_set("wordsim240", tmp_path) == tmp_path / "240.txt"


def test_a_folder_may_be_a_set(tmp_path, nowhere):
    (tmp_path / "BATS_3.0").mkdir()
    assert find_evaluation_set("bats", tmp_path) == tmp_path / "BATS_3.0"


def test_a_set_that_is_nowhere_is_absent_and_no_error(nowhere):
    assert all(find_evaluation_set(name) is None for name in EVALUATION_SETS)


def test_the_gensim_wheel_alone_gives_three_sets(nowhere, monkeypatch):
    monkeypatch.setattr(evaluation_sets, "gensim_test_data", gensim_test_data)
    found = {name for name in EVALUATION_SETS if find_evaluation_set(name)}
    assert found == {"wordsim353", "simlex999", "google"}


def test_an_unknown_set_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="Did you mean simlex999"):
        find_evaluation_set("simlex-999")


def test_a_machine_without_gensim_has_none_of_its_data(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert gensim_test_data() is None


def test_looking_into_the_gensim_wheel_does_not_import_gensim():
    script = (
        "import sys\n"
        "from w2v_jax.evaluation_sets import gensim_test_data\n"
        "assert gensim_test_data().is_dir()\n"
        "print('gensim' in sys.modules, 'jax' in sys.modules)\n"
    )
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, text=True).split() == ["False", "False"]
