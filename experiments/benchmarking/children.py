"""Parts of the benchmark, each in a process of its own.

So no trainer warms the next, every peak of memory is one trainer's own, and this
process never starts jax, which would take an accelerator's memory for itself.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def call(*arguments: str) -> str:
    """What `python ARGUMENTS` prints.

    Raises:
      ValueError: it failed; with the last line that it wrote to standard error.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        name = arguments[1] if arguments[0] == "-m" else "a program"
        raise ValueError(f"{name} failed: {lines[-1]}")
    return done.stdout


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
