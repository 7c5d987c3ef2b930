"""Threads to train on, each with an XLA client of one thread and cores to keep to."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_THREADS = "PJRT_NPROC"  # threads of a CPU client's pool, read when it is made


def client_maker() -> Any:
    """jaxlib's maker of CPU clients; it is not part of jax's public interface."""
    from jaxlib import xla_client

    return getattr(xla_client, "make_cpu_client", None)


class Worker:
    """A thread that keeps to some cores, with an XLA client of one thread."""

    def __init__(self, cores: frozenset[int]) -> None:
        self.thread = ThreadPoolExecutor(1, "replica", os.sched_setaffinity, (0, cores))
        self.device = self.thread.submit(self._make_device).result()

    def _make_device(self) -> Any:
        before = os.environ.get(_THREADS)
        os.environ[_THREADS] = "1"
        try:
            client = client_maker()(asynchronous=False, num_devices=1)
        finally:
            del os.environ[_THREADS]
            if before is not None:
                os.environ[_THREADS] = before
        return client.devices()[0]


_workers: dict[tuple[int, frozenset[int]], Worker] = {}  # made once in a process


def take(count: int) -> list[Worker]:
    """One for each replica; each keeps to one core only where they use every core.

    Otherwise two runs of one replica, side by side, would both keep to the first core.
    """
    cores, taken = sorted(os.sched_getaffinity(0)), []
    for number in range(count):
        own = {cores[number % len(cores)]} if count >= len(cores) else set(cores)
        key = number, frozenset(own)
        if key not in _workers:
            _workers[key] = Worker(key[1])
        taken.append(_workers[key])
    return taken


@contextlib.contextmanager
def seeing_one_core() -> Iterator[None]:
    """Programs compiled by this thread are not divided among cores."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
