"""`python -m experiments.ablate`: flags, directories, resuming, failures, codes."""

import json
import os
import re
import signal
import time

import pytest

from experiments.sweeps.presets import PRESETS
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

SWEEP = ("--sweep=window=2,5", "--seeds=2")
FOUR = [f"window={m}/seed-{n}" for m in (2, 5) for n in (0, 1)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def done(corpus, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sweep") / "done"
    code, out, err = ablate(corpus, workdir, *SWEEP)
    assert code == 0, err
    assert "Traceback" not in err
    return workdir, out, err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--sweep=windw=2,5"], ["--sweep=windw", "Did you mean window?"]),
        (["--sweep=window=0,5"], ["--window=0", "at least 1"]),
        (["--dim=0"], ["--dim=0", "at least 1"]),
        (["--sweep=seed=1,2"], ["--seeds"]),
        (["--cell=small"], ["--cell=small"]),
        (["--jobs=9999"], ["--jobs=9999", "core"]),
        (["--preset=objective"], ["--preset", "objectives"]),
        (["--preset=window", "--sweep=dim=5,6"], ["--preset", "--sweep"]),
        (["--slurm=partition"], ["--slurm=partition"]),
        (["--suite=englisch"], ["englisch"]),
        (["--corpus=nowhere.txt"], ["nowhere.txt"]),
        (["--corpus="], ["--corpus", "missing"]),
        (["--workdir="], ["--workdir", "missing"]),
        (["stray"], ["stray", "not a flag"]),
        (["--sweeep=window=2"], ["--sweeep", "Did you mean sweep?"]),
    ],
)
def test_bad_usage_gets_one_line_and_exit_code_2_and_nothing_is_made(
    corpus, tmp_path, flags, words
):
    code, out, err = ablate(corpus, tmp_path / "sweep", *flags)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert all(word in err for word in words)
    assert not (tmp_path / "sweep").exists()


def test_help_lists_the_flags_of_sweeps_and_of_training():
    code, out, _ = command("-m", "experiments.ablate", "--help")
    assert code == 0
    for name in ("sweep", "cell", "preset", "seeds", "jobs", "launcher", "window"):
        assert re.search(rf"^ *--{name}:", out, re.MULTILINE), name
    for name in PRESETS:
        assert re.search(rf"\b{name}\b", out), name


def test_a_dry_run_says_what_it_would_do_and_makes_nothing(corpus, tmp_path):
    code, out, err = ablate(corpus, tmp_path / "sweep", *SWEEP, "--dry_run")
    assert code == 0, err
    for words in ("window=2", "window=5", "2 new", "table"):
        assert words in out
    last = out.strip().splitlines()[-1]
    assert last.startswith("4 runs: 0 done, 0 failed, 4 to do, about ")
    assert last.endswith(" left")
    assert not (tmp_path / "sweep").exists()


def test_a_preset_brings_its_cells_seeds_and_flags(corpus, tmp_path):
    flags = ["--preset=window", "--dry_run", "--max_words=500"]
    code, out, err = ablate(corpus, tmp_path / "sweep", *flags)
    assert code == 0, err
    cells = re.findall(r"window=(\d+),dynamic_window=(\w+) +5 new", out)
    assert sorted(cells) == sorted(
        (m, drawn) for m in ("2", "5", "10") for drawn in ("true", "false")
    )
    assert f"{6 * PRESETS['window'].seeds} runs" in out


ASKED = """
import json, sys
from absl import flags
from experiments import ablate
ablate.define_flags()
flags.FLAGS(["ablate", "--corpus=a.txt", *sys.argv[1:]])
asked = ablate._asked()
print(json.dumps([asked.base.to_dict(), asked.seeds, asked.sweeps, asked.named]))
"""


def asked(*given):
    """(base config, seeds, sweeps, named cells) of a command line."""
    code, out, err = command(*given, code=ASKED)
    assert code == 0, err
    return json.loads(out)


def test_what_the_command_line_says_goes_before_what_a_preset_says():
    preset = PRESETS["vocabulary"]
    base, seeds, sweeps, named = asked("--preset=vocabulary")
    assert {name: base[name] for name in preset.flags} == preset.flags
    assert seeds == [0, 1, 2]
    assert (tuple(sweeps), tuple(named)) == (preset.sweeps, preset.cells)
    given = ("--max_words=7", "--min_count=5", "--seeds=2", "--seed=8", "--dim=3")
    base, seeds, *_ = asked("--preset=vocabulary", *given)
    # 5 is min_count's own default: it counts because it was given
    assert (base["max_words"], base["min_count"], base["dim"]) == (7, 5, 3)
    assert base["epochs"] == preset.flags["epochs"]
    assert seeds == [8, 9]


@pytest.mark.slow
def test_each_cell_and_seed_has_a_run_directory_and_none_lies_above(done):
    workdir, out, _ = done
    assert finished(workdir) == FOUR
    assert sorted(path.name for path in workdir.iterdir()) == [
        ".sweep.lock",
        "sweep.json",
        "window=2",
        "window=5",
    ]
    for name in FOUR:
        config = read(workdir / name / "config.json")
        assert f"window={config['window']}/seed-{config['seed']}" == name
        for file in ("environment.json", "metrics.jsonl", "vectors.bin"):
            assert (workdir / name / file).is_file()
        assert "pairs" in read(workdir / name / "eval.json")["similarity"]
    assert len({str(one) for one in hashes(workdir).values()}) == 4
    assert re.search(r"window=2 +2 +- +- +-", out)


@pytest.mark.slow
def test_sweep_json_says_what_was_asked(done):
    said = read(done[0] / "sweep.json")
    assert [cell["overrides"] for cell in said["cells"]] == [
        {"window": 2},
        {"window": 5},
    ]
    assert said["seeds"] == [0, 1]
    assert said["flags"]["dim"] == 12
    assert "--sweep=window=2,5" in said["commands"][-1]


@pytest.mark.slow
def test_a_run_of_a_sweep_is_bit_for_bit_the_run_alone(done, corpus, tmp_path):
    config = read(done[0] / "window=5" / "seed-1" / "config.json")
    given = [f"--{name}={value}" for name, value in config.items()]
    flags = [f"--workdir={tmp_path}/alone", f"--cache_dir={corpus.parent}/cache"]
    code, _, err = command("-m", "experiments.train", *given, *flags)
    assert code == 0, err
    alone = read(tmp_path / "alone" / "summary.json")["sha256"]
    assert alone == hashes(done[0])["window=5/seed-1"]


@pytest.mark.slow
def test_the_same_command_again_trains_nothing_and_more_seeds_train_the_rest(
    done, corpus
):
    workdir = done[0]
    stamps = {name: (workdir / name / "vectors.bin").stat().st_mtime for name in FOUR}
    code, out, err = ablate(corpus, workdir, *SWEEP)
    assert code == 0
    assert re.search(r"window=5 +- +2 +- +-", out)
    assert "sweep:" not in err
    code, out, err = ablate(corpus, workdir, "--sweep=window=3,5", "--seeds=2")
    assert code == 0, err
    assert finished(workdir) == sorted([*FOUR, "window=3/seed-0", "window=3/seed-1"])
    assert {
        name: (workdir / name / "vectors.bin").stat().st_mtime for name in FOUR
    } == stamps
    cells = [cell["name"] for cell in read(workdir / "sweep.json")["cells"]]
    assert cells == ["window=2", "window=3", "window=5"]


@pytest.mark.slow
def test_another_config_in_the_same_directory_is_refused_by_field(done, corpus):
    for flags, word in (
        ([*SWEEP, "--epochs=3"], "epochs: 2 -> 3"),
        (["--cell=window=5: window=4"], "window: 5 -> 4"),
    ):
        before = (done[0] / "sweep.json").read_bytes()
        code, out, err = ablate(corpus, done[0], *flags)
        assert (code, out) == (2, "")
        assert word in err
        assert len(err.strip().splitlines()) == 1
        assert (done[0] / "sweep.json").read_bytes() == before


@pytest.mark.slow
def test_failures_are_passed_by_told_and_tried_again_only_on_request(corpus, tmp_path):
    flags = ("--cell=wild: learning_rate=1e30", "--cell=good:", "--seeds=1")
    code, out, err = ablate(corpus, tmp_path, *flags)
    assert code == 1
    assert finished(tmp_path) == ["good/seed-0"]
    failure = read(tmp_path / "wild" / "seed-0" / "failure.json")
    assert (failure["code"], failure["kind"]) == (3, "diverged")
    assert re.search(r"wild +- +- +1 +-", out)
    assert re.search(r"good +1 +- +- +-", out)
    assert f"wild/seed-0: diverged, code 3: {failure['error']}" in err.splitlines()
    assert "1 of 2 runs are not done" in err.splitlines()[-1]
    code, out, err = ablate(corpus, tmp_path, *flags)
    assert code == 1
    assert read(tmp_path / "wild" / "seed-0" / "failure.json") == failure
    assert "diverged, code 3" in err
    code, out, err = ablate(corpus, tmp_path, *flags, "--retry")
    assert code == 1
    assert read(tmp_path / "wild" / "seed-0" / "failure.json") != failure


LONG = ("--epochs=40", "--chunk=8000", "--settle_every=1", "--checkpoint_seconds=0")
TWO = (*SWEEP, "--seeds=1", "--jobs=1", *LONG)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """The tables of a sweep that nothing has stopped."""
    workdir = tmp_path_factory.mktemp("whole")
    assert ablate(corpus, workdir, *TWO)[0] == 0
    return hashes(workdir)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_after_a_signal_the_same_command_goes_on_to_the_same_bits(
    corpus, whole, tmp_path, number
):
    process = start(corpus, tmp_path, *TWO)
    while not list(tmp_path.glob("window=5/*/checkpoints/0*")):
        assert process.poll() is None
        time.sleep(0.02)
    workers = children(process)
    assert len(workers) == 1
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + number
        assert "1 of 2 runs done; go on with: python -m" in err.splitlines()[-1]
        assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)
    assert finished(tmp_path) == ["window=2/seed-0"]
    code, out, err = ablate(corpus, tmp_path, *TWO)
    assert code == 0, err
    assert re.search(r"window=2 +- +1 +- +-", out)
    log = (tmp_path / "window=5" / "seed-0" / "output.log").read_text()
    assert "going on at" in log
    assert hashes(tmp_path) == whole


@pytest.mark.slow
def test_a_second_sweep_in_the_same_directory_is_refused(corpus, tmp_path):
    process = start(corpus, tmp_path, "--epochs=3000")
    while not list(tmp_path.glob("default/*/config.json")):
        assert process.poll() is None
        time.sleep(0.02)
    code, _, err = ablate(corpus, tmp_path, "--epochs=3000")
    assert code == 2
    assert f"process {process.pid} is at work on this sweep" in err
    process.terminate()
    process.communicate(timeout=60)


@pytest.mark.slow
def test_random_draws_are_the_same_every_time(corpus, tmp_path):
    flags = ["--sweep=learning_rate=log(0.001,0.02):2", "--dry_run"]
    outs = {ablate(corpus, tmp_path, *flags)[1] for _ in range(2)}
    assert len(outs) == 1
    rates = re.findall(r"learning_rate=(\S+)", outs.pop())
    assert len(rates) == 2
    assert all(0.001 <= float(rate) <= 0.02 for rate in rates)
    (other,) = {ablate(corpus, tmp_path, *flags, "--draw_seed=1")[1]}
    assert re.findall(r"learning_rate=(\S+)", other) != rates
