"""XLA's flags are set before jax starts, and the devices are counted."""

import os
import subprocess
import sys

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
    assert started(0)[0].split()[:2] == [str(cores), str(cores)]


def test_replicas_and_cache_are_as_asked_and_a_users_flag_is_kept(tmp_path):
    given = "--xla_cpu_prefer_vector_width=256"
    first, cache = started(3, str(tmp_path), XLA_FLAGS=given)
    assert first == f"3 3 {given}"
    assert cache == str(tmp_path / "xla")


def test_more_replicas_than_devices_are_refused():
    with pytest.raises(ValueError, match="replicas=99: this process has"):
        runtime.configure(99)
