"""Parts of the benchmark, each in a process of its own.

So no trainer warms the next, every peak of memory is one trainer's own, and this
process never starts jax, which would take an accelerator's memory for itself.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from experiments import cli

PATIENCE = 60.0  # seconds that a child has to save its work


def call(*arguments: str) -> str:
    """What `python ARGUMENTS` prints.

    Raises:
      ValueError: it failed; with the last line that it wrote to standard error.
      cli.DivergedError: it ended with that exit code.
      KeyboardInterrupt, cli.Terminated: this process is to stop; the child has ended.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            printed, errors = child.communicate()
        except (KeyboardInterrupt, cli.Terminated) as stop:
            _end(child)
            raise type(stop)("stopped; the same command again goes on") from None
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        lines = errors.strip().splitlines() or ["no message"]
        name = arguments[1] if arguments[0] == "-m" else "a program"
        diverged = child.returncode == cli.DIVERGED
        kind = cli.DivergedError if diverged else ValueError
        raise kind(f"{name} failed: {lines[-1]}")
    return printed


def _end(child: "subprocess.Popen[str]") -> None:
    """Lets a child end by itself, as a training does that saves what it has."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)  # cli.run raises once a second
    child.terminate()
    try:
        child.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()


def answer(module: str, *arguments: str) -> Any:
    """The JSON in the last line that `python -m module` prints."""
    return json.loads(call("-m", module, *arguments).splitlines()[-1])


def as_flags(values: Mapping[str, Any]) -> list[str]:
    """--name=value for each entry; several values with commas."""
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in values.items()
    }
    return [f"--{name}={text}" for name, text in texts.items()]
