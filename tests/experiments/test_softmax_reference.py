"""The command that compares the full softmax in blocks with pair-by-pair SGD."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import softmax_reference
from tests.experiments.test_cli import command


def run(tmp_path, *flags):
    """(exit code, figures or None, standard error) on a text of forty words."""
    rng = np.random.default_rng(0)
    corpus, out = tmp_path / "a.txt", tmp_path / "out.json"
    # Each word is followed by the next one on a ring, nine times of ten.
    words, word = [], 0
    for _ in range(3000):
        word = (word + 1) % 40 if rng.random() < 0.9 else int(rng.integers(40))
        words.append(f"w{word}")
    corpus.write_text(" ".join(words))
    given = [f"--corpus={corpus}", f"--cache_dir={tmp_path / 'c'}", f"--out={out}"]
    given += ["--words=2000", "--held_out=1000", "--dim=4"]
    given += ["--subsample=0", *flags]
    code, _, err = command("-m", "experiments.softmax_reference", *given)
    return code, json.loads(out.read_text()) if out.exists() else None, err


@pytest.mark.slow
def test_blocks_of_one_learn_what_pair_by_pair_sgd_learns(tmp_path):
    code, found, err = run(tmp_path, "--block=1,16", "--learning_rate=0.1")
    assert code == 0, err
    assert found["vocabulary"] == 40
    assert found["uniform"] == math.log(40)
    # The output table is zero at first: every word is equally likely.
    assert found["start"] == pytest.approx(math.log(40), rel=1e-9)
    learned = found["start"] - found["reference"]
    assert learned > 0.2
    assert abs(found["blocks_of_1"] - found["reference"]) < 0.1 * learned
    # 16 tokens at the same old tables learn something else.
    far = abs(found["blocks_of_16"] - found["reference"])
    assert far > abs(found["blocks_of_1"] - found["reference"])


@pytest.mark.parametrize("block", ["many", "", "1,,2", "-1"])
def test_a_block_that_is_no_number_gets_one_line(tmp_path, block):
    code, found, err = run(tmp_path, f"--block={block}")
    assert (code, found) == (2, None)
    assert err.startswith(f"--block={block}: takes whole numbers")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--words=3000", "3,000 words; none is left to judge on after --words=3000"),
        ("--held_out=0", "held_out"),
    ],
)
def test_a_text_with_nothing_left_to_judge_on_gets_one_line(flag, said, tmp_path):
    code, found, err = run(tmp_path, flag)
    assert (code, found) == (2, None)
    assert said in err
    assert err.count("\n") == 1


def test_a_text_without_a_pair_has_a_table_of_none():
    chunk = SimpleNamespace(reach=np.array([3]), tokens=np.array([7]))
    assert softmax_reference.pairs_of(chunk).shape == (0, 2)
