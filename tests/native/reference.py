"""The native chunk's rounds and meetings, written with the steps of the pure path."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import blocks, chunk_loop, rowwise
from w2v_jax.step import TrainState, block_gradients, train_step


def mixed(places, key):
    """SplitMix64's output function of key + (place + 1) times its odd constant."""
    with np.errstate(over="ignore"):
        x = np.uint64(key) + (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def noise_of_step(table, key, config, first, step):
    """Noise rows of a step, int32 [S]; `first` is the first since the last meeting."""
    size, pool = config.shared_noise, config.noise_pool
    if not pool:
        return noise(table, key, step * size, size)
    places = np.arange(step * size, (step + 1) * size, dtype=np.uint64)
    x = mixed(places | np.uint64(2**62), key) >> np.uint64(32)
    choice = (x * np.uint64(pool) >> np.uint64(32)).astype(np.int64)
    return noise(table, key, first * pool, pool)[choice]


def noise(table, key, first, count):
    """Words `first` to `first + count` of a chunk's noise, int32 [count]."""
    x = mixed(np.arange(first, first + count, dtype=np.uint64), key)
    threshold, alias = np.asarray(table.threshold), np.asarray(table.alias)
    high, low = x >> np.uint64(32), x & np.uint64(2**32 - 1)
    slot = ((high * np.uint64(len(alias))) >> np.uint64(32)).astype(np.int64)
    coin = (low >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    return np.where(coin < threshold[slot], slot, alias[slot]).astype(np.int32)


@functools.lru_cache
def _compiled(model):
    """One step of the pure path, compiled once for each model."""
    size, window = model.config.block, model.config.window

    @jax.jit
    def step(state, laid, start, drawn, constants, rate):
        block = blocks.cut_blocks(laid.streams, start, size, window)
        return train_step(model, state, block, drawn, constants, rate)

    return step


@functools.lru_cache
def _gradients(model):
    size, window = model.config.block, model.config.window

    @jax.jit
    def gradients(tables, laid, start):
        block = blocks.cut_blocks(laid.streams, start, size, window)
        return block_gradients(model, tables, block, (), ())

    return gradients


def _together(model, tables, laid, feed, steps):
    """Full softmax: one output table, moved in every step by the sum over replicas."""
    config = model.config
    before, output = tables["input"], tables["output"]
    inputs = [before] * config.replicas
    for step in range(steps):
        done = np.float32(step) / np.float32(steps)
        rate = feed.rates[0] + (feed.rates[1] - feed.rates[0]) * done
        changed = terms = 0.0
        for replica, table in enumerate(inputs):
            of = {"input": table, "output": output}
            found = _gradients(model)(of, laid[replica], jnp.int32(step * config.block))
            ids, gradients, *_ = found["input"]
            scale = config.input_rate_scale * rate
            inputs[replica] = table.at[ids].add(-scale * gradients, mode="drop")
            changed += found["output"].gradients
            terms += found["output"].terms if config.row_cap else 0.0
        if config.row_cap:
            changed = rowwise.cap_table(changed, terms, config.row_cap)
        output = output - rate * changed
        if (step + 1) % config.exchange_every == 0 or step + 1 == steps:
            before = sum(inputs) - (config.replicas - 1) * before
            inputs = [before] * config.replicas
    return {"input": before, "output": output}


def trained(model, capacity, tables, constants, feed):
    """The tables after a chunk, replica by replica and round by round."""
    config = model.config
    size, every = config.block, config.exchange_every
    count = int(feed.length)
    share = -(-count // config.replicas)
    steps = -(-share // size)
    high, low = (int(half) for half in np.asarray(jax.random.key_data(feed.key)))
    inner = {name: model.optimizer.transformation.init(t) for name, t in tables.items()}
    laid = [chunk_loop.lay(model, capacity, feed, k) for k in range(config.replicas)]
    if config.objective == "softmax":
        return _together(model, tables, laid, feed, steps)
    step_of = _compiled(model)
    for begin in range(0, steps, every):
        found = []
        for replica in range(config.replicas):
            state = TrainState(tables, inner)
            for step in range(begin, min(begin + every, steps)):
                drawn = ()
                if config.objective == "negative_sampling":
                    of = (constants, high << 32 | low, config, replica * steps + begin)
                    drawn = noise_of_step(*of, replica * steps + step)[None]
                done = np.float32(step) / np.float32(steps)
                rate = feed.rates[0] + (feed.rates[1] - feed.rates[0]) * done
                start = jnp.int32(step * size)
                state = step_of(
                    state, laid[replica], start, drawn, constants, jnp.float32(rate)
                )
            found.append(state.tables)
        tables = {
            name: sum(one[name] for one in found) - (config.replicas - 1) * before
            for name, before in tables.items()
        }
    return tables
