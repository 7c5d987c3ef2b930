"""Which kernel a command trains with, and with how many replicas, where no flag says.

A run that goes on keeps those it was started with: others give other bits. A new one
trains in large steps of XLA on an accelerator, idle in small ones, and natively
where the machine has none and can compile the step.
"""

import functools
from pathlib import Path
from typing import Any

from experiments import cli
from experiments.sweeps.backend import is_accelerated
from w2v_jax.config import Config
from w2v_jax.native import build


def settle(asked: Config, workdir: Path | None, cache: Path) -> Config:
    """The config with its kernel known, and its replicas where they were known before.

    Args:
      asked: of the command line.
      workdir: the run directory, which may hold a run already; None: nothing of it
        stays.
      cache: where the native step is compiled to.

    Raises:
      ValueError: a stored config that cannot be read, or a cache that cannot be made.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--cache_dir={cache}: {error.strerror}; name a folder that can be made"
        ) from None
    stored = workdir and workdir / "config.json"
    if stored and stored.is_file():
        from w2v_jax.runlog import read_json, stored_kernel

        known = read_json(stored)
        replicas = asked.replicas or known.get("replicas", 0)
        chosen = asked.kernel or stored_kernel(known)
        return asked.replace(replicas=replicas, kernel=chosen)
    return asked.replace(kernel=asked.kernel or usual(cache))


@functools.cache
def usual(cache: Path) -> str:
    """`xla_large` on an accelerator, `native` where it can be compiled, else `xla`."""
    if is_accelerated():
        return "xla_large"
    try:
        if build.compiler() and not build.is_built(cache):
            cli.note("compiling the native step, once for this machine ...")
        build.library(cache)
    except build.NativeUnavailableError as error:
        cli.note(f"training in XLA, several times slower: {error}")
        return "xla"
    return "native"


def ready(config: Config, cache: Path) -> dict[str, Any]:
    """Loads the native step if the config needs it; what to record about it.

    Raises:
      NativeUnavailableError: it is needed and cannot be had.
    """
    if config.kernel != "native":
        return {}
    build.register(cache)
    return {"native_step": build.library(cache).stem}
