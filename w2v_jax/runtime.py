"""The process-wide settings: XLA's flags and devices before jax starts, and memory.

Everything else in the library is a pure function. Call `configure` before the first
array is made; afterwards jax has read its flags and cannot be told again.
"""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_XLA_FLAGS = (
    "--xla_cpu_prefer_vector_width=512",  # up to 1.1 x where the processor has AVX-512
    # Numbers below 1e-38 are 0 on a GPU. Else its code generator (LLVM pull request
    # 200732, in jaxlib from 0.10.2 on) adds to a row by a loop of compare-and-swap,
    # hundreds of times slower where many add to one (jax issue 38806).
    "--xla_gpu_ftz=true",
)


def configure(replicas: int = 0, cache_dir: str | Path | None = None) -> int:
    """Sets XLA's flags, one CPU device per replica and the compilation cache.

    Args:
      replicas: devices wanted on CPU; 0: one for each core this process may use.
      cache_dir: folder of compiled programs, kept between runs; None: no cache.

    Returns:
      The number of devices: replicas asked for, the cores, or the accelerators there.

    Raises:
      ValueError: more replicas than accelerators.
    """
    _give_memory_back()
    flags = os.environ.get("XLA_FLAGS", "").split()
    names = {flag.partition("=")[0] for flag in flags}
    flags += [flag for flag in _XLA_FLAGS if flag.partition("=")[0] not in names]
    os.environ["XLA_FLAGS"] = " ".join(flags)
    import jax

    cores = len(os.sched_getaffinity(0))
    wanted = replicas or cores
    # RuntimeError: jax has started already and has counted its devices.
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", wanted)
    if cache_dir is not None:
        jax.config.update("jax_compilation_cache_dir", str(Path(cache_dir) / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    there = jax.device_count()
    if replicas > there:
        raise ValueError(
            f"replicas={replicas}: this process has {there} device(s); "
            "ask for at most that many."
        )
    return replicas or there


_MMAP_THRESHOLD = -3  # glibc's M_MMAP_THRESHOLD
_LARGE = 2**20  # bytes


def _give_memory_back() -> None:
    """Makes glibc return every freed megabyte to the system.

    It does so with large arrays only until one has been freed, and keeps those as large
    as that from then on: a fifth of a run's peak, in the vectors that a start, a
    checkpoint and an end copy once.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another libc
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
