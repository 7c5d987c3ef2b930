"""XLA's flags are set before jax starts, and the devices are counted."""

import os
import platform
import subprocess
import sys

import jax
import pytest

from w2v_jax import runtime

CODE = """
import os
from w2v_jax import runtime
count = runtime.configure({replicas}, {cache!r})
import jax
print(count, jax.device_count(), os.environ["XLA_FLAGS"])
print(jax.config.jax_compilation_cache_dir)
"""


def started(replicas, cache=None, **environment):
    """The lines that a fresh process prints after `configure`."""
    inherited = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(replicas=replicas, cache=cache)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_zero_replicas_are_one_for_each_core():
    cores = len(os.sched_getaffinity(0))
    wanted, there, *flags = started(0)[0].split()
    assert (wanted, there) == (str(cores), str(cores))
    # Without the second a GPU adds to a row by compare-and-swap.
    assert {"--xla_cpu_prefer_vector_width=512", "--xla_gpu_ftz=true"} <= set(flags)


def test_replicas_and_cache_are_as_asked_and_a_users_flag_is_kept(tmp_path):
    given = "--xla_cpu_prefer_vector_width=256 --xla_gpu_ftz=false"
    first, cache = started(3, str(tmp_path), XLA_FLAGS=given)
    assert first == f"3 3 {given}"
    assert cache == str(tmp_path / "xla")


def test_more_replicas_than_devices_are_refused():
    jax.devices()  # started: nothing can add devices any more
    with pytest.raises(ValueError, match="replicas=99: this process has"):
        runtime.configure(99)


FREED = """
import sys
import numpy as np
from w2v_jax import runtime
if sys.argv[1] == "configured":
    runtime.configure(1)

def resident():
    return 4096 * int(open("/proc/self/statm").read().split()[1])

large = np.ones(24 << 17)  # 24 MiB: glibc keeps what is smaller from now on
del large
before = resident()
arrays = [np.ones(20 << 17), np.ones(100)]
during = resident()
del arrays[0]
print(during - before, resident() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="needs glibc, whose habit it is"
)
@pytest.mark.parametrize("started", ["configured", "as it is"])
def test_freed_memory_goes_back_to_the_system(started):
    done = subprocess.run(
        [sys.executable, "-c", FREED, started],
        capture_output=True,
        text=True,
        check=True,
    )
    taken, kept = map(int, done.stdout.split())
    assert taken > 19 << 20
    # Without it all 20 MiB stay, under the small array that came after them.
    assert (kept < 1 << 20) == (started == "configured")
