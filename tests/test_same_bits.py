"""The same bits, whatever PYTHONHASHSEED, for every model and optimizer."""

import os
import subprocess
import sys

import pytest

from tests.real_runs import ROOT, small_text
from w2v_jax.config import ARCHITECTURES, OBJECTIVES, OPTIMIZERS

pytestmark = pytest.mark.slow


def printed(process: "subprocess.Popen[str]") -> list[str]:
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    return output.splitlines()


def test_two_processes_with_other_hash_seeds_train_to_the_same_hashes(tmp_path):
    processes = []
    for number, seed in enumerate(("0", "12345")):
        # A cache for each: encoding and compiling are part of what must repeat.
        command = [sys.executable, "-m", "tests.same_bits", str(small_text())]
        command.append(str(tmp_path / str(number)))
        environment = os.environ | {"PYTHONHASHSEED": seed}
        processes.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    one, other = map(printed, processes)
    models = len(ARCHITECTURES) * len(OBJECTIVES) * len(OPTIMIZERS)
    assert len(one) == 1 + models
    assert one == other
    tables = [line.split()[3:5] for line in one[1:]]
    # Every table of every model is another one; only equal bits hash alike.
    assert len({digest for pair in tables for digest in pair}) == 2 * models
