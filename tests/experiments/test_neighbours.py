import subprocess
import sys

import numpy as np
import pytest

from w2v_jax.vectors import Vectors


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "experiments.neighbours", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def path(tmp_path) -> str:
    """Five words of the plane: 京 at 10 degrees from east, and so on."""
    angles = np.radians([0, 10, 40, 90, 180])
    matrix = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    Vectors(["east", "京", "north-east", "north", "west"], matrix).save(
        tmp_path / "v.npz"
    )
    return str(tmp_path / "v.npz")


def test_the_nearest_words_are_shown_best_first(path):
    done = run(f"--vectors={path}", "--count=2", "east", "north")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "│" in line]
    shown = [line.replace("│", " ").split() for line in lines]
    degrees = {"京": 10, "north-east": 40}
    assert shown[:2] == [
        [w, f"{np.cos(np.radians(a)):.4f}"] for w, a in degrees.items()
    ]
    assert [word for word, _ in shown[2:]] == ["north-east", "京"]


def test_an_analogy_is_answered(path):
    # east is to 京 (10 degrees on) as north-east is to what lies next
    done = run(
        f"--vectors={path}", "--analogy", "--count=1", "east", "京", "north-east"
    )
    assert done.returncode == 0, done.stderr
    assert "north " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no word given; name at least one after the flags"),
        (["eats"], "eats: not among the 5 words. Did you mean east?"),
        (["--analogy", "east"], "--analogy takes three words, not 1"),
        (["--count=0", "east"], "count"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(path, arguments, message):
    done = run(f"--vectors={path}", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_vectors_must_be_named():
    done = run("east")
    assert (done.returncode, done.stderr[:19]) == (2, "--vectors: missing;")


def test_words_that_look_like_markup_are_words(tmp_path):
    words = ["war", "[/quote]", "[sic]"]
    matrix = np.array([[1.0, 0.0], [0.9, 0.1], [0.8, 0.3]])
    Vectors(words, matrix).save(tmp_path / "v.npz")
    done = run(f"--vectors={tmp_path / 'v.npz'}", "--count=2", "war", "[sic]")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[/quote]") == 2
    assert done.stdout.count("[sic]") == 2
