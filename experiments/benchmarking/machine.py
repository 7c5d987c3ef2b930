"""The machine: what it is, and how fast it multiplies and copies.

    python -m experiments.benchmarking.machine    prints both as JSON

Rates are those of XLA on all devices of the machine, in the dtype that training uses,
float32: a product of two large square matrices, 2 n^3 flop, and an array negated,
which reads and writes each byte once.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

from experiments import cli
from experiments.benchmarking import timing

SIDES = {"cpu": 2048}  # n of the matrices: large enough for the full rate
SIDE, BYTES = 8192, 1 << 28
PEERS = ("gensim", "fasttext")


def facts() -> dict[str, Any]:
    """Hardware, system, versions and date; nothing that names a place on the machine.

    `environment` of `w2v_jax.provenance` without the command line, and beside it the
    date, the versions of the peers that are installed, and the memory of the devices
    where they tell it.
    """
    from w2v_jax.provenance import environment

    found = environment()
    del found["command_line"]
    holders = metadata.packages_distributions()  # fastText comes under several names
    for name in PEERS:
        for holder in holders.get(name, ())[:1]:
            found[name] = metadata.version(holder)
    return {"date": time.strftime("%Y-%m-%d"), "processor": found.pop("cpu"), **found}


def product(
    device: Any = None, side: int = 0
) -> tuple[Callable[[], Any], Callable[[float], float]]:
    """A large product to be timed, and seconds -> flop/s.

    Args:
      device: of jax; None: the default one, whose products use every core of a CPU.
      side: n of the n x n matrices; 0: enough for the full rate of this device.
    """
    import jax
    import jax.numpy as jnp

    side = side or SIDES.get(jax.default_backend(), SIDE)
    first, second = _placed(device, [(side, side)] * 2)
    run = _compiled(jnp.matmul, first, second)
    return lambda: jax.block_until_ready(run(first, second)), partial(
        _over, 2 * side**3
    )


def copy(
    device: Any = None, size: int = BYTES
) -> tuple[Callable[[], Any], Callable[[float], float]]:
    """A large copy to be timed, and seconds -> bytes/s read and written.

    Args:
      device: as of `product`.
      size: bytes of the array.
    """
    import jax
    import jax.numpy as jnp

    (array,) = _placed(device, [(size // 4,)])
    run = _compiled(jnp.negative, array)
    return lambda: jax.block_until_ready(run(array)), partial(_over, 2 * array.nbytes)


def _over(amount: float, seconds: float) -> float:
    return amount / seconds


def _placed(device: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    import jax
    import numpy as np

    device = device or jax.devices()[0]
    rng = np.random.default_rng(0)
    return [jax.device_put(rng.random(shape, np.float32), device) for shape in shapes]


def _compiled(function: Callable[..., Any], *like: Any) -> Any:
    import jax

    return jax.jit(function).lower(*like).compile()


def whole_machine(rate: float, devices: int | None = None) -> float:
    """The rate of all devices from that of one; those of a CPU share its threads."""
    import jax

    one_pool = jax.default_backend() == "cpu"
    return rate * (1 if one_pool else devices or jax.device_count())


def rates(
    times: int = timing.TIMES, side: int = 0, size: int = BYTES
) -> dict[str, float]:
    """Medians over `times` turns: product_flop_per_second, copy_bytes_per_second."""
    from statistics import median

    calls = {"product": product(side=side), "copy": copy(size=size)}
    found = timing.interleaved({name: call for name, (call, _) in calls.items()}, times)
    per_second = {n: calls[n][1](median(seconds)) for n, seconds in found.items()}
    return {
        "product_flop_per_second": whole_machine(per_second["product"]),
        "copy_bytes_per_second": whole_machine(per_second["copy"]),
    }


def main(_: list[str]) -> None:
    from w2v_jax import runtime

    runtime.configure()
    print(json.dumps(facts() | rates()))


if __name__ == "__main__":
    cli.run(main)
