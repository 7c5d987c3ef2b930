"""The loop over a chunk: what one dispatch runs on every replica.

Blocks are cut from the chunk's streams, a step is taken, and from time to time the
replicas meet. The tables stay in place throughout.
"""

from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from w2v_jax import device_sampling, parallel
from w2v_jax.blocks import (
    Chunk,
    Streams,
    chunk_room,
    cut_blocks,
    early_ends,
    lay_streams,
    stream_room,
)
from w2v_jax.config import ResolvedConfig
from w2v_jax.objectives import Constants, Draw, Tables
from w2v_jax.step import Model, TrainState, train_step


@flax.struct.dataclass
class Feed:
    """One chunk and what goes with it, the same for every replica.

    On the way to the devices the arrays are those of NumPy.

    Attributes:
      padded: the chunk, of `pad_chunk`.
      length: [], its kept tokens.
      steps: [], steps of each replica.
      starts: int32 [R x B, ...], of `early_ends`; None where every block has T tokens.
      rates: float32 [2], the learning rate where the chunk begins and ends.
      key: of its random draws.
    """

    padded: tuple[jax.Array, ...]
    length: jax.Array
    steps: jax.Array
    starts: jax.Array | None
    rates: jax.Array
    key: jax.Array


def early_starts(
    model: Model, constants: Constants, chunk: Chunk, streams: int
) -> npt.NDArray[np.int32] | None:
    """`early_ends` of a chunk's blocks under the objective's budget, if it has one.

    The native step has room for any path, and so no budget.
    """
    budget = model.objective.budget(constants)
    if budget is None or model.config.kernel == "native":
        return None
    costs, most = budget
    count = len(chunk.tokens)
    share = -(-count // streams)
    firsts = [stream * share for stream in range(streams)]
    spent = np.asarray(costs)[chunk.tokens]
    return early_ends(spent, firsts, share, model.config.block, most)


def own_tables(model: Model, tables: Tables) -> Tables:
    """The tables in which replicas differ between meetings."""
    if model.config.replicas == 1 or not model.optimizer.linear:
        return {}
    return tables if model.objective.rows else {"input": tables["input"]}


def drawn(model: Model, capacity: int, given: device_sampling.Unsampled) -> Feed:
    """The feed that the host would have made, of a chunk still to be sampled."""
    config = model.config
    streams = config.replicas * config.streams
    room = chunk_room(capacity, streams, config.block, config.window)
    padded, length = device_sampling.sample(
        given, room, config.window, config.dynamic_window
    )
    steps = steps_of(config, length)
    return Feed(padded, length, steps, None, given.rates, given.key)


def steps_of(config: ResolvedConfig, kept: Any) -> Any:
    """Steps of each replica over so many kept tokens, where no block ends early."""
    share = -(-kept // (config.replicas * config.streams))
    return -(-share // config.block)


@flax.struct.dataclass
class Laid:
    """One replica's part of a chunk, ready to be cut into blocks.

    Attributes:
      streams: B streams of equal length that advance side by side.
      starts: int32 [B, ...], this replica's part of `Feed.starts`.
      steps: [], steps of each replica.
      rates: as in `Feed`; so is key.
    """

    streams: Streams
    starts: jax.Array | None
    steps: jax.Array
    rates: jax.Array
    key: jax.Array


def lay(model: Model, capacity: int, feed: Feed, replica: jax.Array) -> Laid:
    """Cuts a replica's streams from a chunk of at most `capacity` tokens."""
    config = model.config
    replicas, streams = config.replicas, config.streams
    room = stream_room(capacity, replicas * streams, config.block, config.window)
    share = -(-feed.length // (replicas * streams))
    firsts = (replica * streams + jnp.arange(streams, dtype=jnp.int32)) * share
    laid = lay_streams(feed.padded, firsts, share, room, config.window)
    starts = feed.starts
    if starts is not None:
        starts = jax.lax.dynamic_slice_in_dim(starts, replica * streams, streams)
    return Laid(laid, starts, feed.steps, feed.rates, feed.key)


def one_round(
    model: Model,
    state: TrainState,
    constants: Constants,
    laid: Laid,
    number: jax.Array,
    replica: jax.Array,
    axis: str | None = None,
) -> TrainState:
    """The steps of a replica from one meeting to the next, or to the chunk's end.

    Args:
      model: the functions.
      state: of this replica.
      constants: of the objective.
      laid: of `lay`.
      number: of the round within the chunk, from 0.
      replica: number of this replica, from 0.
      axis: the mesh axis of the replicas, where steps add up their gradients.
    """
    every = model.config.exchange_every
    draws = draw_round(model, constants, laid, number, replica)

    def one_step(place: jax.Array, state: TrainState) -> TrainState:
        return take_step(model, state, constants, laid, draws, number, place, axis)

    if model.config.kernel == "xla_large":
        # A GPU waits for its host before each turn of a loop whose length it does not
        # know. Steps after the chunk's last find no centres and change nothing.
        return jax.lax.fori_loop(0, every, one_step, state)
    left = laid.steps - number * every
    return jax.lax.fori_loop(0, jnp.minimum(left, every), one_step, state)


def draw_round(
    model: Model,
    constants: Constants,
    laid: Laid,
    number: jax.Array,
    replica: jax.Array,
) -> Draw:
    """The random part of a round's steps, with a leading axis of them."""
    own = jax.random.fold_in(jax.random.fold_in(laid.key, number), replica)
    config = model.config
    return model.objective.draw(constants, config, own, config.exchange_every)


def take_step(
    model: Model,
    state: TrainState,
    constants: Constants,
    laid: Laid,
    draws: Draw,
    number: jax.Array,
    place: jax.Array,
    axis: str | None = None,
    masked: bool = False,
) -> TrainState:
    """The step at a place of a round; arguments as of `one_round`, and:

    Args:
      draws: of `draw_round`.
      place: of the step within the round, from 0.
      masked: whether steps after the chunk's last one change nothing.
    """
    config = model.config
    size, window = config.block, config.window
    rates, steps, starts = laid.rates, laid.steps, laid.starts
    step = number * config.exchange_every + place
    done = step.astype(rates.dtype) / steps.astype(rates.dtype)
    rate = rates[0] + (rates[1] - rates[0]) * done
    draw = jax.tree.map(lambda drawn: drawn[place], draws)
    if starts is None:
        block = cut_blocks(laid.streams, step * size, size, window)
    else:
        begin, stop = starts[:, step], starts[:, step + 1]
        block = cut_blocks(laid.streams, begin, size, window, stop)
    live = step < steps if masked else None
    return train_step(model, state, block, draw, constants, rate, axis, live)


def chunk_loop(model: Model, capacity: int) -> Callable[..., Any]:
    """The loop of one replica over its part of a chunk, for use under `shard_map`.

    The function returned takes (state, constants, `Feed` or `Unsampled`) and returns
    the state and the chunk's kept tokens. These are cut into R x B streams of equal
    length that advance side by side, T tokens a step, or fewer where blocks end early.

    Args:
      model: the functions.
      capacity: tokens that a chunk may hold.
    """
    axis = parallel.AXIS if model.config.replicas > 1 else None

    def loop(state: TrainState, constants: Constants, feed: Any) -> Any:
        replica = jax.lax.axis_index(parallel.AXIS)
        if isinstance(feed, device_sampling.Unsampled):
            feed = drawn(model, capacity, feed)
        laid = lay(model, capacity, feed, replica)

        def numbered(number: jax.Array, state: TrainState) -> TrainState:
            return one_round(model, state, constants, laid, number, replica, axis)

        rounds = -(-feed.steps // model.config.exchange_every)
        return _rounds(model, numbered, rounds, state), feed.length

    return loop


def _rounds(
    model: Model,
    one_round: Callable[[jax.Array, TrainState], TrainState],
    number: jax.Array,
    state: TrainState,
) -> TrainState:
    """So many rounds, with the meetings of the replicas between them."""
    replicas, hot, warm = model.config.replicas, parallel.HOT, parallel.WARM
    own = own_tables(model, state.tables)
    if not own:
        return jax.lax.fori_loop(0, number, one_round, state)
    rest = {name: parallel.share(table, warm, replicas) for name, table in own.items()}

    def meet(state: TrainState, before: jax.Array, start: int, stop: int) -> Any:
        tables = {name: state.tables[name] for name in own}
        tables, now = parallel.meet(tables, before, start, stop, replicas)
        return TrainState(state.tables | tables, state.optimizer), now

    def round_and_meeting(place: jax.Array, carry: Any) -> Any:
        state, before = carry
        return meet(one_round(place, state), before, 0, hot)

    def group(place: jax.Array, carry: Any) -> Any:
        state, of_hot, of_warm = carry
        first = place * parallel.GROUP
        last = jnp.minimum(first + parallel.GROUP, number)
        inner = jax.lax.fori_loop(first, last, round_and_meeting, (state, of_hot))
        state, of_hot = inner
        state, of_warm = meet(state, of_warm, hot, warm)
        return state, of_hot, of_warm

    begin = (state, parallel.rows(own, 0, hot), parallel.rows(own, hot, warm))
    groups = -(-number // parallel.GROUP)
    state, *_ = jax.lax.fori_loop(0, groups, group, begin)
    met = {
        name: parallel.meet_rest(state.tables[name], before, warm, replicas)
        for name, before in rest.items()
    }
    return TrainState(state.tables | met, state.optimizer)
