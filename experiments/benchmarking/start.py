"""How long a training takes to its first step, and what memory jax takes by itself.

Warm: the compiled programs and the encoded corpus lie in the cache, as after any
training of the same shapes. Cold: nothing is compiled yet; the corpus is encoded all
the same, since how long that takes depends on the text (the benchmark tells the rate).
Both go from the start of the process to the end of one step on every replica.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from experiments.benchmarking import children
from w2v_jax.json_file import read_json

COMPILED = "xla"  # the folder of a cache that `runtime.configure` fills
_EMPTY = """
from w2v_jax import runtime
from w2v_jax.provenance import peak_memory_bytes
runtime.configure({replicas})
import jax.numpy as jnp
jnp.zeros(()).block_until_ready()
print(peak_memory_bytes())
"""


def first_step(command: Sequence[str], cache: Path) -> float:
    """Seconds from the start of a process to the end of its first training step.

    Args:
      command: flags of `experiments.train`, without --workdir and --cache_dir.
      cache: with the encoded corpus; compiled programs are added to it.
    """
    with tempfile.TemporaryDirectory() as folder:
        given = [*command, f"--workdir={folder}/run", f"--cache_dir={cache}"]
        module = ("-m", "experiments.benchmarking.watched", "--first_step")
        children.call(*module, *given, f"--started={time.time()}")
        summary = read_json(Path(folder) / "run" / "summary.json")
        return float(summary["first_step_seconds"])


def cold_first_step(command: Sequence[str], cache: Path) -> float:
    """The same with a cache that has no compiled programs."""
    with tempfile.TemporaryDirectory() as folder:
        for entry in cache.iterdir():
            if entry.name != COMPILED:
                (Path(folder) / entry.name).symlink_to(entry.resolve())
        return first_step(command, Path(folder))


def empty_program_bytes(replicas: int = 0, times: int = 3) -> float:
    """Median peak of memory of a program that starts jax and makes one number."""
    code = _EMPTY.format(replicas=replicas)
    return float(median(int(children.call("-c", code)) for _ in range(times)))
