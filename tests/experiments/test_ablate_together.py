"""`experiments.ablate --together` as a real command: the flag, a kill, the report."""

import signal
import time

import pytest

from experiments.sweeps.groups import FOLDER
from tests.experiments.sweeps.sweeping import (
    ablate,
    children,
    finished,
    hashes,
    read,
    start,
    write_text,
)
from tests.experiments.test_cli import command

SWEEP = ("--sweep=learning_rate=0.01,0.02", "--sweep=window=2,3")
LONG = ("--epochs=40", "--chunk=8000", "--settle_every=1", "--checkpoint_seconds=0")
NAMES = [
    f"learning_rate={rate},window={m}/seed-0" for rate in (0.01, 0.02) for m in (2, 3)
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


def test_cells_train_together_on_this_machine_only(corpus, tmp_path):
    for launcher in ("slurm", "submitit_local"):
        flags = (f"--launcher={launcher}", "--together=always")
        code, out, err = ablate(corpus, tmp_path / "sweep", *SWEEP, *flags)
        assert (code, out) == (2, "")
        assert err.startswith("--together=always: ")
        assert len(err.strip().splitlines()) == 1
        assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("asked", "groups"), [("always", 2), ("never", 0), ("auto", 0)]
)
def test_a_dry_run_says_which_runs_train_together(corpus, tmp_path, asked, groups):
    flags = (*SWEEP, "--seeds=2", "--dry_run", f"--together={asked}")
    code, out, err = ablate(corpus, tmp_path / "sweep", *flags)
    assert code == 0, err
    lines = [line for line in out.splitlines() if line.startswith("together, ")]
    assert len(lines) == groups  # on this machine, without an accelerator
    for line, window in zip(lines, (2, 3), strict=False):
        names = line.partition(": ")[2].split(", ")
        assert names == [
            f"learning_rate={rate},window={window}/seed-{n}"
            for n in (0, 1)
            for rate in (0.01, 0.02)
        ]
    assert not (tmp_path / "sweep").exists()


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A sweep in two groups that nothing has stopped."""
    workdir = tmp_path_factory.mktemp("whole")
    code, _, err = ablate(corpus, workdir, *SWEEP, *LONG, "--together=always")
    assert code == 0, err
    return workdir, err


@pytest.mark.slow
def test_a_sweep_of_groups_leaves_what_a_sweep_of_runs_leaves(whole, corpus):
    workdir, err = whole
    assert finished(workdir) == sorted(NAMES)
    assert "4 of 4 runs" in err
    assert not (workdir / FOLDER).exists()
    for name in NAMES:
        assert read(workdir / name / "config.json")["replicas"] == 1
        assert read(workdir / name / "summary.json")["together"] == 2
    code, _, err = command("-m", "experiments.report", f"--workdir={workdir}")
    assert code == 0, err
    assert (workdir / "report" / "index.html").is_file()
    before = hashes(workdir)
    for asked in ("always", "auto", "never"):
        code, _, err = ablate(corpus, workdir, *SWEEP, *LONG, f"--together={asked}")
        assert code == 0, err
        assert "sweep:" not in err  # nothing is left to do
    assert hashes(workdir) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "again"),
    [
        (signal.SIGKILL, "always"),
        (signal.SIGINT, "always"),
        (signal.SIGKILL, "auto"),
    ],
)
def test_after_a_kill_the_same_groups_go_on_to_the_same_bits(
    corpus, whole, tmp_path, number, again
):
    process = start(corpus, tmp_path, *SWEEP, *LONG, "--together=always")
    first, second = (f"learning_rate=0.02,window={m}/seed-0" for m in (2, 3))
    while not list(tmp_path.glob(f"{FOLDER}/*/checkpoints/000003")):
        assert process.poll() is None
        time.sleep(0.02)
    assert len(children(process)) == 1
    process.send_signal(number)
    process.communicate(timeout=120)
    expected = -number if number == signal.SIGKILL else 128 + number
    assert process.returncode == expected
    code, _, err = ablate(corpus, tmp_path, *SWEEP, *LONG, f"--together={again}")
    assert code == 0, err
    found = hashes(tmp_path)
    expected = hashes(whole[0])
    assert found[first] == expected[first]
    if again == "always":  # the second group had yet to begin: auto trains it alone
        assert found == expected
    in_company = "together" in read(tmp_path / second / "summary.json")
    assert in_company is (again == "always")
    assert not (tmp_path / FOLDER).exists()
