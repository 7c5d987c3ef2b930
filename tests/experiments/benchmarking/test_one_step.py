"""A step taken apart: the same blocks, ids and draws as training itself has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarking import one_step, watched
from experiments.benchmarking.short import Short, settings
from w2v_jax import cores
from w2v_jax.position import Position

SMALL = {"dim": 4, "window": 2, "block": 8, "streams": 2, "subsample": 0.0}
V = 40


def short(model, **changes):
    return Short(settings(model, **({"replicas": 1} | SMALL | changes)), V, 800)


@pytest.fixture(scope="module")
def noise():
    return short("skipgram-negative_sampling", shared_noise=4)


@pytest.fixture(scope="module")
def tree():
    return short("skipgram-hierarchical_softmax")


def test_a_replica_on_a_cpu_is_at_home_on_one_core(noise):
    place = one_step.home(noise.trainer.model)
    assert place.one_core
    assert place.device.platform == "cpu"
    assert place.run(lambda: 3) == 3


def test_replicas_that_meet_in_every_step_are_at_home_on_the_mesh(noise):
    model = noise.trainer.model
    config = model.config.replace(objective="softmax")
    from w2v_jax.step import get_model

    softmax = get_model(config)
    assert not cores.usable(softmax)
    place = one_step.home(softmax)
    assert place == one_step.Home(jax.devices()[0], False)


def test_what_is_compiled_at_home_runs_there(noise):
    place = one_step.home(noise.trainer.model)
    array = jax.device_put(np.arange(3.0, dtype=np.float32), place.device)
    program = place.compiled(lambda x: 2 * x, array)
    made = place.run(lambda: program(array))
    assert made.devices() == {place.device}
    assert made.tolist() == [0.0, 2.0, 4.0]


def test_noise_is_drawn_as_training_draws_it(noise):
    from w2v_jax.chunk_loop import draw_round, lay

    taken = one_step.take_apart(noise.trainer, noise.constants)
    trainer, zero = noise.trainer, jnp.int32(0)
    feed, _ = trainer.upcoming(noise.constants, Position())
    laid = lay(trainer.model, trainer.capacity, feed, zero)
    drawn = draw_round(trainer.model, noise.constants, laid, zero, zero)
    np.testing.assert_array_equal(taken.draws, drawn)


def test_a_key_survives_as_numbers(noise):
    taken = one_step.take_apart(noise.trainer, noise.constants)
    assert taken.laid.key.dtype == np.uint32
    laid = one_step.with_key(jax.tree.map(jnp.asarray, taken.laid))
    feed, _ = noise.trainer.upcoming(noise.constants, Position())
    np.testing.assert_array_equal(
        jax.random.key_data(laid.key), jax.random.key_data(feed.key)
    )


def test_noise_rows_follow_the_targets_of_each_block(noise):
    taken = one_step.take_apart(noise.trainer, noise.constants)
    ids = taken.output_ids["output"].reshape(len(taken.draws[:13]), 2, -1)
    np.testing.assert_array_equal(ids[..., :12], taken.targets)
    np.testing.assert_array_equal(ids[..., 12:], taken.draws[: len(ids)])


def test_blocks_that_end_early_are_cut_where_training_cuts_them(tree):
    taken = one_step.take_apart(tree.trainer, tree.constants)
    feed, _ = tree.trainer.upcoming(tree.constants, Position())
    starts = np.asarray(feed.starts)
    assert taken.laid.starts.tolist() == starts.tolist()
    for step in range(len(taken.blocks.window)):
        used = starts[:, step + 1] - starts[:, step]
        # centres beyond the block's end take no part: their windows are empty
        windows = taken.blocks.window[step].sum(-1)
        for stream, count in enumerate(used):
            assert not windows[stream, count:].any()


def test_a_tree_has_no_noise_and_its_ids_are_inner_nodes(tree):
    taken = one_step.take_apart(tree.trainer, tree.constants)
    assert taken.draws == ()
    nodes = taken.output_ids["output"]
    assert nodes.min() >= 0
    assert nodes.max() < V - 1


def test_the_steps_taken_are_those_of_the_round(noise):
    taken = one_step.take_apart(noise.trainer, noise.constants)
    feed, _ = noise.trainer.upcoming(noise.constants, Position())
    every = noise.config.exchange_every
    assert len(taken.input_ids) == min(every, int(feed.steps))


@pytest.mark.parametrize("name", ["noise", "tree"])
def test_the_first_feed_is_one_step_for_every_stream(name, request):
    made = request.getfixturevalue(name)
    feed = watched.first_feed(made.trainer, made.constants)
    taken = made.config.streams * made.config.block
    if feed.starts is None:
        assert int(feed.length) == taken
        assert int(feed.steps) == 1
    else:  # blocks may end early under a budget
        assert 1 <= int(feed.steps) <= 2
    chunk = made.trainer.chunk(0, 0)
    window = made.config.window
    tokens = np.asarray(feed.padded[0])
    assert tokens[window : window + taken].tolist() == chunk.tokens[:taken].tolist()
    assert (tokens[window + taken :] < 0).all()
    # the rate as float32
    np.testing.assert_allclose(feed.rates, made.trainer.rate(0), rtol=1e-6)


def test_the_first_feed_trains_and_leaves_finite_tables(noise):
    feed = watched.first_feed(noise.trainer, noise.constants)
    before = noise.trainer.host(noise.state).tables["output"].copy()
    noise.state, done = noise.trainer.engine.run(noise.state, noise.constants, feed)
    done.block_until_ready()
    after = noise.trainer.host(noise.state).tables["output"]
    touched = np.flatnonzero((before != after).any(1))
    assert len(touched)
    assert noise.finite()
