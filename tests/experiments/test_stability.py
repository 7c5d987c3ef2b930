import json
import subprocess
import sys

import numpy as np
import pytest

from w2v_jax.vectors import Vectors


def run(*flags):
    command = [sys.executable, "-m", "experiments.stability", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_command_reports_bands_of_occurrences(tmp_path):
    words = [f"w{i}" for i in range(60)]
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(60, 5))
    flags = []
    for seed in range(2):
        noise = 0.01 * rng.normal(size=matrix.shape)
        Vectors(words, matrix + noise).save(tmp_path / f"{seed}.npz")
        flags.append(f"--vectors={tmp_path / f'{seed}.npz'}")
    lines = [f"{word}\t{200 if row < 30 else 20}\n" for row, word in enumerate(words)]
    (tmp_path / "vocabulary.tsv").write_text("".join(lines))
    done = run(*flags, f"--out={tmp_path / 'out.json'}", "--nearest=3")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    assert list(found["bands"]) == ["occurrences 10 to 99", "occurrences 100 to 999"]
    assert found["words_in_common"] == 60
    for one in found["bands"].values():
        # vectors that differ by a hundredth: nearly all neighbours are the same
        assert one["overlap"] > 0.9
        assert f"{one['overlap']:.3f}" in done.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--vectors: name two files or more"),
        (("--vectors=a.bin", "--vectors=a.bin"), "that differ"),
        (("--vectors=a.bin", "--vectors=b.bin"), "a.bin: No such file"),
        (("stray",), "stray: not a flag"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, message):
    done = run(*flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
