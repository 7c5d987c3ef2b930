import subprocess
import sys

import jax
import numpy as np
import pytest

from experiments import downstream
from tests.experiments.test_cli import command
from w2v_jax import embed
from w2v_jax.evaluation.readers import Question
from w2v_jax.vectors import Vectors


@pytest.fixture(autouse=True)
def _optax_promotes():
    # optax.adam raises a float to the power of nnx.Optimizer's whole number of steps
    with jax.numpy_dtype_promotion("standard"):
        yield


def planted(classes: int = 3, words: int = 40) -> tuple[Vectors, dict[str, str]]:
    """Words of a class lie around the class's own axis, at a fifth of its length."""
    rng = np.random.default_rng(0)
    labels = {f"w{i}": str(i % classes) for i in range(words)}
    matrix = 0.2 * rng.normal(size=(words, 8))
    matrix[np.arange(words), np.arange(words) % classes] += 1
    return Vectors(labels, matrix), labels


def test_vectors_that_hold_the_classes_give_them_to_the_model():
    vectors, labels = planted()
    found = downstream.compare(vectors, labels, steps=100)
    assert found["these vectors"] == 1
    # 10 held-out words, three classes: chance is a third, all ten right 1 in 59,049
    assert found["random vectors"] < 0.9


def test_only_the_linear_layer_moves():
    vectors, labels = planted()
    ids = embed.ids(vectors, labels)
    layer = embed.layer(vectors)
    model = downstream.fit(layer, ids, ids % 3, steps=5)
    np.testing.assert_array_equal(model.words.embedding[...][:-1], vectors.matrix)
    assert np.abs(model.linear.bias[...]).max() > 0


def test_words_are_labelled_by_section_and_side():
    questions = [Question("Rome", "Italy", "Paris", ("France",), "capital")]
    assert downstream.labelled_words(questions) == {
        "rome": "capital: from",
        "paris": "capital: from",
        "italy": "capital: to",
        "france": "capital: to",
    }


@pytest.mark.slow
def test_the_command_runs_and_refuses_in_one_line(tmp_path):
    vectors, _ = planted()
    vectors.save(tmp_path / "v.npz")
    lines = [f"w{i} w{i + 1} w{i + 3} w{i + 4}" for i in range(0, 30, 3)]
    (tmp_path / "set.txt").write_text(": s\n" + "\n".join(lines))

    def run(*flags: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "experiments.downstream", *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    named = (f"--vectors={tmp_path / 'v.npz'}", f"--set={tmp_path / 'set.txt'}")
    done = run(*named, "--steps=20")
    assert done.returncode == 0, done.stderr
    assert "these vectors" in done.stdout
    (tmp_path / "set.txt").write_text(": s\na b c d\n")
    done = run(*named)
    assert (done.returncode, done.stderr.strip()) == (
        2,
        "only 0 words of the set have vectors",
    )


def test_vectors_without_meaning_put_no_words_into_their_classes(shared_data):
    rng = np.random.default_rng(0)
    text = (shared_data / "eval/en/questions-words.txt").read_text().lower()
    words = sorted({w for w in text.split() if w.isalpha()})
    noise = Vectors(words, rng.normal(size=(len(words), 20)))
    labels = downstream.labelled_words(
        downstream.readers.read_analogies(shared_data / "eval/en/questions-words.txt")
    )
    found = downstream.compare(noise, labels, steps=50)
    # vectors without meaning classify no better than chance: 28 classes, at most a
    # tenth of the words in one; a share above a quarter would be a leak
    assert found["these vectors"] < 0.25


def test_a_suite_of_several_sets_is_refused_in_one_line(tmp_path):
    given = (f"--vectors={tmp_path}/none.bin", "--set=english")
    code, _, err = command("-m", "experiments.downstream", *given)
    assert code == 2
    assert err.startswith("english: a suite; name one set of it")
