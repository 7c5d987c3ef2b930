"""Parts in processes of their own: what they print, and how they fail."""

import signal
import subprocess
import sys
import time

import pytest

from experiments import cli
from experiments.benchmarking import children


def test_what_a_child_prints_comes_back():
    assert children.call("-c", "print('one'); print('two')") == "one\ntwo\n"


def test_a_child_that_fails_gives_its_last_line():
    code = "import sys; print('first\\nlast', file=sys.stderr); sys.exit(2)"
    with pytest.raises(ValueError, match=r"a program failed: last$"):
        children.call("-c", code)


def test_a_child_that_diverged_is_told_as_such():
    code = f"import sys; print('far', file=sys.stderr); sys.exit({cli.DIVERGED})"
    with pytest.raises(cli.DivergedError, match=r"a program failed: far$"):
        children.call("-c", code)


def test_a_child_that_fails_in_silence_is_told_too():
    with pytest.raises(ValueError, match="no message"):
        children.call("-c", "import sys; sys.exit(1)")


def test_a_module_that_fails_is_named():
    with pytest.raises(ValueError, match=r"json\.nothing failed: "):
        children.call("-m", "json.nothing")


CHILD = """
import pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
def save(*_):
    time.sleep(1.5)  # longer than the parent's alarm takes to come again
    (here / "saved").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
(here / "begun").touch()
time.sleep(60)
"""
PARENT = """
import sys
from absl import flags
from experiments import cli
from experiments.benchmarking import children
cli.run(lambda arguments: children.call("-c", arguments[0], arguments[1]))
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_child_may_save_its_work_when_the_parent_is_stopped(number, code, tmp_path):
    command = [sys.executable, "-c", PARENT, CHILD, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as parent:
        end = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and time.monotonic() < end:
            time.sleep(0.01)
        parent.send_signal(number)  # the child has none of it
        _, errors = parent.communicate(timeout=60)
    assert (tmp_path / "saved").exists()
    assert parent.returncode == code
    assert errors == "stopped; the same command again goes on\n"


def test_the_answer_is_the_last_line():
    code = "print('noise'); print('[1, {\"a\": 2.5}]')"
    answer = children.call("-c", code).splitlines()[-1]
    assert answer == '[1, {"a": 2.5}]'


def test_lists_become_flags_with_commas():
    given = {"models": ["a", "b"], "dim": 3, "empty": [], "pair": (1, 2)}
    flags = ["--models=a,b", "--dim=3", "--empty=", "--pair=1,2"]
    assert children.as_flags(given) == flags
