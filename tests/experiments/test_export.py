import hashlib
import subprocess
import sys

import numpy as np
import pytest

from tests.evaluation.test_finished_run import INPUTS, write_run
from w2v_jax.vectors import Vectors


def run(*flags):
    command = [sys.executable, "-m", "experiments.export", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_vectors_go_out_with_their_card(tmp_path):
    folder = write_run(tmp_path / "run")
    (tmp_path / "set.txt").write_text("the rare 1\nthe 北京 2\nrare 北京 3\n")
    out = tmp_path / "v.safetensors"
    flags = (f"--out={out}", "--table=average", f"--suite={tmp_path / 'set.txt'}")
    done = run(f"--run={folder}", *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out), f"{out}.md"]
    found = Vectors.load(out)
    np.testing.assert_array_equal(found.matrix, (INPUTS + 1) / 2)  # outputs are ones
    card = (tmp_path / "v.safetensors.md").read_text()
    assert hashlib.sha256(out.read_bytes()).hexdigest() in card
    assert "| table | average |" in card
    assert "| set | Spearman |" in card


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--run: missing"),
        (("--run=/nowhere",), "--out: missing"),
        (("--run=/nowhere", "--out=v.xyz"), "v.xyz: the suffix tells no format"),
        (("--run=/nowhere", "--out=v.bin", "--suite="), "/nowhere: no config.json"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, message):
    done = run(*flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["vectors.bin", "output_vectors.safetensors"])
def test_no_table_of_the_run_itself_is_replaced(name, tmp_path):
    folder = write_run(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(f"--run={folder}", f"--out={tmp_path}/run/../run/{name}", "--suite=")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{name}: is read here; name another file" in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
