"""The parts of a step: what they do, how often, and that nothing is worked out once."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarking import meetings, one_step, parts
from experiments.benchmarking.short import Short, settings
from w2v_jax import parallel
from w2v_jax.chunk_loop import one_round

SMALL = {"dim": 4, "window": 2, "block": 8, "streams": 2, "subsample": 0.0}
V, TURNS = 40, 16


def short(model, **changes):
    return Short(settings(model, **({"replicas": 1} | SMALL | changes)), V, 800)


@pytest.fixture(scope="module")
def sampled():
    return short("skipgram-negative_sampling", shared_noise=4)


@pytest.fixture(scope="module")
def taken(sampled):
    return one_step.take_apart(sampled.trainer, sampled.constants)


@pytest.fixture(scope="module")
def made(sampled):
    return {part.name: part for part in parts.parts(sampled, TURNS)}


def test_a_round_is_taken_apart_into_its_steps(sampled, taken):
    config = sampled.config
    steps = len(taken.input_ids)
    # 200 words a chunk in 2 streams of 8: 13 steps, fewer than a round has
    assert steps == min(config.exchange_every, 13)
    assert taken.blocks.window.shape == (steps, 2, 8, 8 + 2 * 2)
    assert taken.input_ids.shape == (steps, 2 * 8)
    assert taken.output_ids["output"].shape == (steps, 2 * (12 + 4))


def test_the_blocks_taken_are_the_text_in_order(sampled, taken):
    chunk = sampled.trainer.chunk(0, 0)
    first = taken.input_ids[:, :8].reshape(-1)  # of the first stream
    share = -(-len(chunk.tokens) // 2)
    assert first[:share].tolist() == chunk.tokens[:share].tolist()


def test_every_part_of_the_step_is_there(made):
    assert list(made) == [
        *("cut blocks", "draw noise", "gather input rows", "gather output rows"),
        *("gradient in the rows", "its products alone, each once"),
        *("add to input rows", "add to output rows", "whole step"),
    ]


def test_the_gradients_flop_are_those_of_three_products(made):
    # scores [N, C + S], and the gradients in hidden and in rows: B blocks of each
    one = 2 * 8 * (12 + 4) * 4
    assert made["gradient in the rows"].flop == 2 * 3 * one
    assert made["its products alone, each once"].flop == 2 * 3 * one


def test_bytes_are_those_of_rows_read_and_written(made):
    rows = 2 * 8 * 4 * 4  # B x T rows of D floats of four bytes
    ids = 2 * 8 * 4
    assert made["gather input rows"].bytes == 2 * rows + ids
    assert made["add to input rows"].bytes == 3 * rows + ids


def test_gathering_leaves_the_rows_of_the_last_turn(sampled, taken, made):
    run = made["gather input rows"].run
    run()
    table = sampled.trainer.host(sampled.state).tables["input"]
    ids = taken.input_ids[(TURNS - 1) % len(taken.input_ids)]
    np.testing.assert_array_equal(run.carry, table[ids])


def test_adding_adds_once_for_every_turn(taken, made):
    run = made["add to output rows"].run
    before = np.array(run.carry[0])
    run()
    steps = len(taken.input_ids)
    ids = np.concatenate([taken.output_ids["output"][i % steps] for i in range(TURNS)])
    expected = np.bincount(ids, minlength=V) * 1e-9
    # float32 sums of up to 256 times 1e-9 onto values below 1e-3
    found = (np.array(run.carry[0]) - before)[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_whole_step_is_the_training_loops_own(sampled, taken, made):
    run = made["whole step"].run
    model = sampled.trainer.model
    state = jax.tree.map(jnp.array, run.carry)
    laid = one_step.with_key(jax.tree.map(jnp.asarray, taken.laid))
    expected = one_round(
        model, state, sampled.constants, laid, jnp.int32(0), jnp.int32(0)
    )
    run()
    # the same sums in another program: float32 rounding of values below 1e-1
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-7), run.carry, expected
    )


def test_products_stay_within_the_loop(made):
    for name in ("gradient in the rows", "its products alone, each once"):
        text = made[name].run.program.as_text()
        entry = text[text.index("\nENTRY") :]
        product = re.compile(r"\bdot\(|matmul|Matmul|\bfusion\(.*dot")
        assert product.search(text), name
        assert not re.search(r"\bdot\(|[Mm]atmul", entry), f"{name}: done once, before"


def test_a_nudge_changes_one_element_of_every_array():
    tree = {"a": jnp.ones((2, 3)) * 1e-3, "b": jnp.full((4,), 7, jnp.int32)}
    after = parts.nudged(jnp.int32(1), tree)
    for name, array in tree.items():
        changed = np.asarray(after[name] != array)
        assert changed.sum() == 1, name
        assert changed.ravel()[0]
    assert int(after["b"][0]) == 1  # an id that every vocabulary has


def test_a_looped_body_runs_so_many_turns(sampled):
    place = one_step.home(sampled.trainer.model)
    run = parts.Looped(place, 5, lambda i, n, step: n + step, np.int32(0), np.int32(2))
    run()
    run()
    assert int(run.carry) == 2 * 5 * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "changes", "expected", "absent"),
    [
        ("cbow-negative_sampling", {}, ["draw noise"], ["cap output rows"]),
        ("skipgram-hierarchical_softmax", {}, ["cap output rows"], ["draw noise"]),
        (
            "cbow-negative_sampling",
            {"kernel": "xla", "damping": 0.1},
            ["curvatures of the rows", "damp input rows", "damp output rows"],
            ["cap output rows"],
        ),
        ("skipgram-softmax", {}, ["change every output row"], ["gather output rows"]),
        (
            "skipgram-negative_sampling",
            {"optimizer": "adagrad"},
            ["add to output rows"],
            [],
        ),
    ],
)
def test_every_model_has_the_parts_of_its_step_and_each_runs(
    model, changes, expected, absent
):
    found = {p.name: p for p in parts.parts(short(model, **changes), 2)}
    assert set(expected) <= set(found)
    assert not set(absent) & set(found)
    for part in found.values():
        part.run()
        leaves = jax.tree.leaves(part.run.carry)
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in leaves), part.name
        assert part.steps >= 1
    assert found["gradient in the rows"].flop > 0


def test_one_replica_meets_nobody(sampled):
    assert meetings.meetings(sampled) == []


def test_what_goes_on_around_the_step_is_by_the_step(sampled):
    sampling, training = meetings.around(sampled)
    assert sampling.steps == 13  # of the first chunk
    assert training.steps == 4 * 13  # of all four
    sampling.run()
    assert training.run() > 0


@pytest.mark.slow
@pytest.mark.parametrize("model", ["skipgram-negative_sampling", "skipgram-softmax"])
def test_a_meeting_of_equal_replicas_changes_no_row(model):
    pair = short(model, replicas=2)
    found = meetings.meetings(pair)
    # a vocabulary below HOT has hot rows alone; softmax sums its gradients instead
    assert [part.name for part in found] == ["meeting, hot rows"]
    (hot,) = found
    assert hot.steps == pair.config.exchange_every
    tables = 2 if model.endswith("sampling") else 1
    floats = tables * min(V, parallel.HOT) * 4
    assert hot.bytes == floats * 4 * (2 + 5) / hot.steps
    for _ in range(3):
        hot.run()
    assert pair.finite()


def test_rows_that_meet_once_a_chunk_are_shared_out_over_the_models_own_chunk(
    monkeypatch,
):
    monkeypatch.setattr(parallel, "HOT", 8)
    monkeypatch.setattr(parallel, "WARM", 16)
    pair = short("skipgram-negative_sampling", replicas=2, chunk=2**10, shared_noise=4)
    found = {part.name: part for part in meetings.meetings(pair)}
    every = pair.config.exchange_every
    assert found["meeting, hot rows"].steps == every
    assert found["meeting, warm rows"].steps == every * parallel.GROUP
    # a short chunk has 200 words in four streams of eight: 7 steps; 1,024 have more
    assert found["meeting, other rows"].steps == round(7 * 2**10 / 200)
    floats = 2 * (V - 16) * 4
    other = found["meeting, other rows"]
    assert other.bytes == pytest.approx(floats * 4 * (2 + 5) / other.steps)
    other.run()
