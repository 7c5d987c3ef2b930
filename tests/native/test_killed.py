"""Native runs that are killed and stopped go on to the same bits."""

import random
import signal

import pytest

from tests.native.needs import compiler
from tests.real_runs import Run, only_line, outcome
from w2v_jax.native import build

pytestmark = [pytest.mark.slow, compiler]
FLAGS = (
    "--kernel=native",
    "--architecture=cbow",
    "--objective=hierarchical_softmax",
    "--replicas=3",
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("reference")
    run = Run(folder / "run", folder / "cache", FLAGS)
    ended = run.finish()
    assert ended.code == 0, ended.errors
    assert run.json("config.json")["kernel"] == "native"
    return run


def test_a_native_run_stopped_anywhere_ends_with_the_same_bits(reference, tmp_path):
    run = Run(tmp_path / "run", tmp_path / "cache", FLAGS)
    chance = random.Random(5)

    def reached(least):
        names = (path.name for path in (run.workdir / "checkpoints").glob("0*"))
        return max((int(name) for name in names), default=0) >= least

    stops = ((2, signal.SIGKILL), (4, signal.SIGTERM), (6, signal.SIGKILL))
    for least, number in stops:
        more = least + chance.randint(0, 1)
        ended = run.stop_when(lambda least=more: reached(least), number)
        assert ended.code == (143 if number == signal.SIGTERM else -number)
    ended = run.finish()
    assert ended.code == 0, ended.errors
    assert outcome(run) == outcome(reference)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_stopped_while_its_step_is_compiled_compiles_it_again(tmp_path, number):
    """With a compiler that waits while it is told to, and then does not optimise."""
    real, held = build.compiler(), tmp_path / "held"
    script = tmp_path / "compiler"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *--version*) exec {real} "$@";; esac\n'
        f'while [ -e {held} ]; do sleep 0.1; done\nexec {real} "$@" -O0\n'
    )
    script.chmod(0o755)
    held.touch()
    flags = (*FLAGS, "--epochs=1", "--max_words=2000")
    run = Run(tmp_path / "run", tmp_path / "cache", flags)
    home = {"HOME": str(tmp_path / "home"), "CXX": str(script)}
    run.command = ["env", *(f"{k}={v}" for k, v in home.items()), *run.command]
    native = tmp_path / "cache" / "native"
    ended = run.stop_when(lambda: any(native.glob("*")), number)
    assert ended.code == (143 if number == signal.SIGTERM else -number)
    assert not list(native.glob("*.so"))
    if number == signal.SIGTERM:
        assert only_line(ended.errors)
        assert not list(native.iterdir()), "nothing half made is left"
    held.unlink()
    ended = run.finish()
    assert ended.code == 0, ended.errors
    assert len(list(native.glob("*.so"))) == 1
