"""The command line: flags from the config, exit codes, one clear line."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from experiments import cli
from w2v_jax.config import Config

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments, code=None, stdin=None):
    """Runs python with the project's path; returns (exit code, stdout, stderr)."""
    program = [sys.executable, *(["-c", code] if code else []), *arguments]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, timeout=120, input=stdin
    )
    return done.returncode, done.stdout, done.stderr


def train(*flags):
    return command("-m", "experiments.train", *flags)


def program(body):
    """A command whose main does `body`."""
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    return f"from experiments import cli\ndef main(arguments):\n{lines}\ncli.run(main)"


def test_help_names_every_field_of_the_config_and_exits_with_0():
    code, out, err = train("--help")
    assert (code, err) == (0, "")
    for field in dataclasses.fields(Config):
        assert f"--{field.name}:" in out or f"--[no]{field.name}:" in out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--windw=3"], ["--windw", "Did you mean window?"]),
        (["--dim=many"], ["--dim", "many"]),
        (["--dim=0", "--corpus=x", "--workdir=y"], ["--dim=0", "at least 1"]),
        (["--objective=sofmax"], ["--objective", "softmax"]),
        (["--corpus=x"], ["--workdir", "missing"]),
        (["--workdir=y"], ["--corpus", "missing"]),
        (["--corpus=text9", "--workdir=y"], ["text9", "text8"]),
        (["stray"], ["stray", "not a flag"]),
        (["--window=99999999999", "--corpus=x", "--workdir=y"], ["--window", "1000"]),
    ],
)
def test_bad_usage_gets_one_line_and_exit_code_2(flags, words):
    code, out, err = train(*flags)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert all(word in err for word in words)
    assert not (ROOT / "y").exists()


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("raise ValueError('a: line 3:\\n  mend it')", 2, "a: line 3: mend it"),
        ("open('/no/such/file')", 2, "/no/such/file: No such file or directory"),
        ("raise cli.CheckError('one of two differs')", 1, "one of two differs"),
        ("raise cli.DivergedError('step 7')", 3, "step 7"),
        ("raise KeyboardInterrupt('saved')", 130, "saved"),
        ("raise MemoryError", 2, cli.TOO_LARGE),
        ("raise RuntimeError('RESOURCE_EXHAUSTED: 9 GiB')", 2, cli.TOO_LARGE),
    ],
)  # fmt: skip
def test_each_kind_of_error_has_its_code_and_its_line(body, code, line):
    assert command(code=program(body)) == (code, "", line + "\n")


@pytest.mark.parametrize("error", ["MemoryError", "RuntimeError('RESOURCE_EXHAUSTED')"])
def test_a_training_that_is_too_large_is_told_its_own_flags(error):
    body = f"cli.define_config_flags()\n{program(f'raise {error}')}"
    code = f"from experiments import cli\n{body}"
    assert command(code=code) == (2, "", cli.OUT_OF_MEMORY + "\n")


def test_nan_passes_no_bound():
    flag = 'flags.DEFINE_float("x", 1.0, "", lower_bound=0.0)'
    code = f"from absl import flags\n{flag}\n{program('print(flags.FLAGS.x)')}"
    assert command("--x=nan", code=code) == (2, "", "--x=nan: must be finite.\n")
    assert command("--x=inf", code=code) == (0, "inf\n", "")


@pytest.mark.parametrize("given", ["--x=caf\udce9", "caf\udce9"])
def test_a_name_that_is_no_text_is_refused_at_once(given):
    flag = 'flags.DEFINE_string("x", "", "")'
    code = f"from absl import flags\n{flag}\n{program('print(1)')}"
    line = f"{given!r}: not UTF-8; rename the file\n"
    assert command(given, code=code) == (2, "", line)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output_is_one_line():
    call = [sys.executable, "-c", program("print('result')")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            call, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "No space left on device\n")


def test_a_defect_of_ours_keeps_its_traceback():
    code, _, err = command(code=program("raise TypeError('ours')"))
    assert code == 1
    assert "Traceback" in err


def test_a_command_that_returns_exits_with_0():
    assert command(code=program("print('done')")) == (0, "done\n", "")


def test_sigterm_ends_with_143_and_a_reader_that_leaves_is_no_error():
    body = (
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(9)"
    )
    assert command(code=program(body))[0] == 143
    shell = f"{sys.executable} -m experiments.train --help | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell], cwd=ROOT, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_signal_in_text_that_compiled_code_runs_has_its_code_too(tmp_path):
    body = """
import ctypes
run = ctypes.pythonapi.PyRun_String
run.restype = ctypes.py_object
run.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.py_object, ctypes.py_object]
text = b"import os, time; os.kill(os.getpid(), 2); time.sleep(9)"
names = {"__builtins__": __builtins__}
run(text, 257, names, names)  # 257: Py_file_input
"""
    (tmp_path / "stopped.py").write_text(program(body))
    done = subprocess.run(
        [sys.executable, "-m", "stopped"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_signal_during_the_clean_up_ends_it_without_a_traceback():
    late = "atexit.register(lambda: (os.kill(os.getpid(), 15), time.sleep(9)))"
    body = f"import atexit, os, time\n{late}\nprint('done')"
    code, out, err = command(code=program(body))
    assert (code, out, err) == (-signal.SIGTERM, "done\n", "")


def test_signals_are_deferred_and_then_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with cli.deferred_signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert sorted(received) == [signal.SIGINT, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_progress_off_a_terminal_is_a_line_each_tenth(capsys):
    with cli.progress("words") as report:
        for done in range(0, 1001, 10):
            report("training", done, 1000, "note")
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 11  # from 0 % to 100 %
    assert lines[-1] == "training: 1,000 of 1,000 words note"


def test_lines_of_errors_begin_with_the_file():
    error = FileNotFoundError(2, "No such file or directory", "a.bin")
    assert cli.describe(error) == "a.bin: No such file or directory"
    assert cli.describe(ValueError("b.txt:\n two  lines")) == "b.txt: two lines"
    long = cli.describe(ValueError(f"b.txt: {'x' * 10**6} is no number"))
    assert len(long) < 600
    assert long.startswith("b.txt: xxx")
    assert long.endswith("xxx is no number")
