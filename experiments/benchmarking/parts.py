"""The parts of a training step, each compiled alone at the step's own shapes.

A part takes microseconds, less than calling a compiled program does. So each program
repeats its part many times, with the ids of another step each time, and what a part
makes goes into the loop's carry. What would be the same in every turn is carried too,
and one element of it changed each time: XLA works out once, before the loop, what
stays the same, and a barrier does not keep it from that.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarking.one_step import (
    Home,
    OneStep,
    block_at,
    home,
    take_apart,
    with_key,
)
from experiments.benchmarking.products import products
from experiments.benchmarking.short import Short
from w2v_jax import rowwise
from w2v_jax.chunk_loop import draw_round, one_round
from w2v_jax.step import row_curvatures

FLOAT = 4  # bytes


class Part(NamedTuple):
    """One part of a step, ready to be timed.

    Attributes:
      name: what it is.
      run: runs it for `steps` steps and waits.
      steps: how many steps a call of `run` stands for.
      flop: of matrix products, for one step.
      bytes: that must be read and written for one step.
      of_step: whether it is a share of what a replica's device does in a step; the
        others contain or repeat some of that.
    """

    name: str
    run: Callable[[], Any]
    steps: int
    flop: float = 0.0
    bytes: float = 0.0
    of_step: bool = True


class Looped:
    """A body repeated in one program: (turn, carry, *arguments) -> carry."""

    def __init__(
        self, place: Home, turns: int, body: Any, carry: Any, *arguments: Any
    ) -> None:
        def loop(carry: Any, *given: Any) -> Any:
            def turn(i: jax.Array, before: Any) -> Any:
                return body(i, before, *given)

            return jax.lax.fori_loop(0, turns, turn, carry)

        put = jax.tree.map(np.array, (carry, arguments))
        self.carry, self.arguments = jax.device_put(put, place.device)
        self.program = place.compiled(loop, self.carry, *self.arguments, donate=0)
        self.place = place

    def __call__(self) -> None:
        """Runs all turns and waits."""

        def work() -> None:
            made = self.program(self.carry, *self.arguments)
            self.carry = jax.block_until_ready(made)

        self.place.run(work)


def nudged(i: jax.Array, tree: Any) -> Any:
    """The arrays with one element changed: a number a little, an id to 0 or 1."""

    def nudge(leaf: jax.Array) -> jax.Array:
        first = (0,) * leaf.ndim
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf.at[first].add(1e-9)
        return leaf.at[first].set((i % 2).astype(leaf.dtype))

    return jax.tree.map(nudge, tree)


def _zeros(function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = jax.eval_shape(function, *arguments)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def _size(tree: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


def parts(short: Short, turns: int) -> list[Part]:
    """The parts of a model's step on one replica's device.

    Args:
      short: the model, compiled over a text.
      turns: steps of each timed program.
    """
    trainer, model = short.trainer, short.trainer.model
    constants = jax.tree.map(np.asarray, short.constants)
    state = trainer.host(short.state)
    step, place = take_apart(trainer, short.constants), home(model)
    made = [*_text(model, step, constants, place, turns)]
    made += _rows(model, step, state, place, turns)
    made += _loss(model, step, state, constants, place, turns)
    made += _changes(model, step, state, constants, place, turns)

    def whole(i: jax.Array, state: Any, laid: Any, constants: Any) -> Any:
        return one_round(model, state, constants, with_key(laid), i * 0, i * 0)

    rounds = max(turns // len(step.input_ids), 1)
    run = Looped(place, rounds, whole, state, step.laid, constants)
    made.append(Part("whole step", run, rounds * len(step.input_ids), of_step=False))
    return made


def _text(
    model: Any, step: OneStep, constants: Any, place: Home, turns: int
) -> Iterator[Part]:
    """Cutting blocks from the text and drawing noise."""
    each = len(step.input_ids)

    def cut(i: jax.Array, _: Any, laid: Any) -> Any:
        return block_at(model, with_key(laid), i % each)

    first = jax.tree.map(lambda leaf: leaf[0], step.blocks)
    run = Looped(place, turns, cut, first, step.laid)
    yield Part("cut blocks", run, turns, bytes=_size(first))
    if not jax.tree.leaves(step.draws):
        return

    def draw(i: jax.Array, _: Any, laid: Any, constants: Any) -> Any:
        return draw_round(model, constants, with_key(laid), i, i)

    whole = model.config.exchange_every
    rounds = max(turns // whole, 1)
    run = Looped(place, rounds, draw, step.draws, step.laid, constants)
    yield Part("draw noise", run, rounds * whole, bytes=_size(step.draws) / whole)


def _rows(
    model: Any, step: OneStep, state: Any, place: Home, turns: int
) -> Iterator[Part]:
    """Gathering the rows of each table."""
    for name, ids in ({"input": step.input_ids} | (step.output_ids or {})).items():
        each = len(ids)

        def gather(i: jax.Array, _: Any, table: Any, ids: Any, each: int = each) -> Any:
            return rowwise.gather(table, ids[i % each])

        table = state.tables[name]
        rows = np.zeros((ids.shape[1], table.shape[1]), table.dtype)
        run = Looped(place, turns, gather, rows, table, ids)
        moved = 2 * rows.nbytes + ids[0].nbytes
        yield Part(f"gather {name} rows", run, turns, bytes=moved)


def _loss(
    model: Any, step: OneStep, state: Any, constants: Any, place: Home, turns: int
) -> Iterator[Part]:
    """The gradient of the block loss in the rows, and its products alone."""
    block, targets, draw, ids = jax.tree.map(
        lambda leaf: leaf[0], (step.blocks, step.targets, step.draws, step.output_ids)
    )
    outputs = {name: t for name, t in state.tables.items() if name != "input"}
    if ids is not None:
        outputs = {name: t[ids[name]] for name, t in outputs.items()}
    rows = state.tables["input"][step.input_ids[0]], outputs

    def gradient(rows: Any, block: Any, targets: Any, draw: Any, constants: Any) -> Any:
        def loss(inputs: jax.Array, outputs: Any) -> jax.Array:
            shape = model.architecture.input_ids(block).shape
            hidden = model.architecture.hidden(inputs.reshape(*shape, -1), block)
            pairs = model.architecture.pairs(block)
            return model.objective.block_loss(
                hidden, outputs, pairs, targets, draw, constants, model.config
            )

        return jax.grad(loss, argnums=(0, 1))(*rows)

    given = rows, block, targets, draw
    multiplied = products(gradient, *given, constants)
    flop = float(sum(product.flop for product in multiplied))

    def body(i: jax.Array, carry: Any, constants: Any) -> Any:
        given = nudged(i, carry[1])
        return gradient(*(*given, constants)), given

    run = Looped(place, turns, body, (rows, given), constants)
    yield Part("gradient in the rows", run, turns, flop, 2.0 * _size(rows))

    if model.config.damping:

        def bound(i: jax.Array, carry: Any, constants: Any) -> Any:
            given = nudged(i, carry[1])
            (inputs, outputs), block, _, draw = given
            made = row_curvatures(model, inputs, outputs, block, draw, constants)
            return made, given

        made = {"input": np.zeros(len(rows[0]), np.float32)}
        made |= {n: np.zeros(len(r), np.float32) for n, r in rows[1].items()}
        run = Looped(place, turns, bound, (made, given), constants)
        yield Part("curvatures of the rows", run, turns, bytes=1.0 * _size(rows))

    rng = np.random.default_rng(0)
    operands = [product.operands(rng) for product in multiplied]

    def alone(operands: Any) -> Any:
        return [
            jax.lax.dot_general(left, right, product.axes)
            for (left, right), product in zip(operands, multiplied, strict=True)
        ]

    def multiply(i: jax.Array, carry: Any) -> Any:
        operands = nudged(i, carry[1])
        return alone(operands), operands

    run = Looped(place, turns, multiply, (_zeros(alone, operands), operands))
    once = sum(product.flop / product.times for product in multiplied)
    yield Part("its products alone, each once", run, turns, once, of_step=False)


def _changes(
    model: Any, step: OneStep, state: Any, constants: Any, place: Home, turns: int
) -> Iterator[Part]:
    """Putting the changes into each table, the row cap and equal rows included."""
    config, optimizer = model.config, model.optimizer
    for name, table in state.tables.items():
        ids = step.input_ids if name == "input" else (step.output_ids or {}).get(name)
        if ids is None:
            yield _dense(model, name, state, place, turns)
            continue
        each = len(ids)
        changes = np.full((ids.shape[1], table.shape[1]), 1e-9, table.dtype)
        if config.damping or (name != "input" and config.row_cap):
            terms = np.ones(ids.shape[1], np.float32)

            def slow(
                i: jax.Array, _: Any, ids: Any, changes: Any, terms: Any,
                each: int = each, size: int = table.shape[0],
            ) -> Any:  # fmt: skip
                ids = ids[i % each]
                if not config.damping:
                    return rowwise.cap_rows(ids, changes, terms, config.row_cap, size)
                terms = rowwise.sum_over_equal_rows(ids, terms, size)
                return changes / (1.0 + terms)[:, None]

            run = Looped(place, turns, slow, changes, ids, changes, terms)
            moved = 2.0 * changes.nbytes + 3 * FLOAT * table.shape[0]
            verb = "damp" if config.damping else "cap"
            yield Part(f"{verb} {name} rows", run, turns, bytes=moved)

        def put(
            i: jax.Array, carry: Any, ids: Any, changes: Any, each: int = each
        ) -> Any:
            table, inner = carry
            if optimizer.linear:
                return rowwise.add(table, ids[i % each], changes), inner
            rate = jnp.float32(1e-9)
            size = table.shape[0]
            distinct, summed = rowwise.sum_equal_rows(ids[i % each], changes, size)
            return rowwise.apply(optimizer, table, inner, distinct, summed, rate)

        carry = table, state.optimizer[name]
        run = Looped(place, turns, put, carry, ids, changes)
        moved = 3 * changes.nbytes + ids[0].nbytes
        yield Part(f"add to {name} rows", run, turns, bytes=moved)


def _dense(model: Any, name: str, state: Any, place: Home, turns: int) -> Part:
    """A change of every row, as the full softmax makes it."""

    def body(i: jax.Array, carry: Any, gradient: Any) -> Any:
        table, inner = carry
        moved, inner = rowwise.direction(model.optimizer, gradient, inner)
        return table - jnp.float32(1e-9) * moved, inner

    table = state.tables[name]
    carry = table, state.optimizer[name]
    run = Looped(place, turns, body, carry, np.ones_like(table))
    return Part(f"change every {name} row", run, turns, bytes=3 * table.nbytes)
