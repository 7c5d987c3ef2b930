"""What the replicas' meetings take, and what the host does for a chunk, by the step.

Replicas add up the first HOT rows of their tables every E steps (--exchange_every),
the next ones up to WARM every GROUP times, and all others at the end of a chunk; here
each of these alone, with no waiting for one another.
"""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from experiments.benchmarking.one_step import Home, home
from experiments.benchmarking.parts import Part
from experiments.benchmarking.short import Short
from w2v_jax import parallel
from w2v_jax.chunk_loop import own_tables
from w2v_jax.mesh import Mesh
from w2v_jax.position import Position


def meetings(short: Short) -> list[Part]:
    """A part for each kind of meeting; none where replicas do not meet."""
    trainer, model = short.trainer, short.trainer.model
    tables = own_tables(model, trainer.host(short.state).tables)
    if not tables:
        return []
    every = model.config.exchange_every
    feed, _ = trainer.upcoming(short.constants, Position())
    ends = (0, parallel.HOT, parallel.WARM, max(len(t) for t in tables.values()))
    spans = itertools.pairwise(ends)
    # A chunk of a short text has fewer steps than one of the model's own size.
    whole = round(int(feed.steps) * short.own_chunk / short.config.chunk)
    steps = (every, every * parallel.GROUP, max(whole, 1))
    names = ("hot", "warm", "other")
    make = _on_mesh if isinstance(trainer.engine, Mesh) else _on_cores
    found = []
    for name, (start, stop), often in zip(names, spans, steps, strict=True):
        rows = sum(
            max(min(stop, len(t)) - start, 0) * t.shape[1] for t in tables.values()
        )
        if rows:
            run = make(model, tables, start, stop)
            moved = rows * 4 * (model.config.replicas + 5)  # out, R + 1 in a sum, in
            found.append(Part(f"meeting, {name} rows", run, often, bytes=moved / often))
    return found


def _on_cores(model: Any, tables: Any, start: int, stop: int) -> Callable[[], None]:
    """Rows out of a device, added up by the host, and into the device again."""
    place: Home = home(model)
    replicas = model.config.replicas
    own = jax.device_put(jax.tree.map(np.array, tables), place.device)

    def out(tables: Any) -> Any:
        return parallel.rows(tables, start, stop)

    def into(tables: Any, flat: Any) -> Any:
        return parallel.put_rows(tables, flat, start, stop)

    take = place.compiled(out, own)
    before = np.array(take(own))
    put = place.compiled(into, own, jax.device_put(before, place.device), donate=0)

    def run() -> None:
        nonlocal own

        def work() -> None:
            nonlocal own
            mine = np.asarray(take(own))
            total = mine + before
            for _ in range(replicas - 2):
                total += before
            total -= (replicas - 1) * before
            own = jax.block_until_ready(put(own, total))

        place.run(work)

    return run


def _on_mesh(model: Any, tables: Any, start: int, stop: int) -> Callable[[], None]:
    """The collective, between all replicas' devices."""
    replicas = model.config.replicas
    mesh = parallel.make_mesh(replicas)
    state = parallel.replicate(tables, mesh)

    def met(tables: Any) -> Any:
        one = jax.tree.map(lambda leaf: leaf[0], tables)
        before = parallel.rows(one, start, stop)
        one, _ = parallel.meet(one, before, start, stop, replicas)
        return jax.tree.map(lambda leaf: leaf[None], one)

    mapped = jax.shard_map(
        met,
        mesh=mesh,
        in_specs=(parallel.EACH,),
        out_specs=parallel.EACH,
        check_vma=False,
    )
    program = jax.jit(mapped, donate_argnums=0).lower(state).compile()

    def run() -> None:
        nonlocal state
        state = jax.block_until_ready(program(state))

    return run


def around(short: Short) -> list[Part]:
    """The host's sampling of a chunk, and the whole of training, by the step."""
    trainer = short.trainer
    position, steps = Position(), 0
    while position.epoch < 1:
        _, position = trainer.upcoming(short.constants, position)
    steps = position.step
    feed, _ = trainer.upcoming(short.constants, Position())

    def sample() -> None:
        trainer.upcoming(short.constants, Position())

    return [
        Part("sampling on the host", sample, int(feed.steps), of_step=False),
        Part("training, all replicas", short.once, steps, of_step=False),
    ]
