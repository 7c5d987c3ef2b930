"""Whether jax would compute on an accelerator here, asked without starting it.

A process that starts jax on a GPU takes most of its memory, which the workers need; so
this one does not. Jobs side by side and cells that train together depend on it.
"""

import functools
import importlib.metadata
import importlib.util
import os
import subprocess
import sys


@functools.cache
def is_accelerated() -> bool:
    """Whether jax's default backend is not the CPU.

    Backends other than the CPU come as plugins. Without one, and where JAX_PLATFORMS
    rules them out, the answer is known; otherwise another process is asked.
    """
    if os.environ.get("JAX_PLATFORMS") == "cpu" or not _plugins():
        return False
    found = subprocess.run(
        [sys.executable, "-c", "import jax; print(jax.default_backend())"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode == 0 and found.stdout.strip() not in ("", "cpu")


def _plugins() -> bool:
    """Whether a backend is installed that jax would load."""
    if importlib.metadata.entry_points(group="jax_plugins"):
        return True
    names = ("jax_plugins", "libtpu")
    return any(importlib.util.find_spec(name) is not None for name in names)
