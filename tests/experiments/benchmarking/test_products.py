"""Matrix products found in a function, and their flop by the formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarking.products import Product, products


def flop(function, *arguments):
    return sum(product.flop for product in products(function, *arguments))


def zeros(*shape):
    return jnp.zeros(shape, jnp.float32)


def test_a_product_of_matrices_is_two_m_n_k():
    (found,) = products(jnp.matmul, zeros(3, 5), zeros(5, 7))
    assert (found.left, found.right, found.times) == ((3, 5), (5, 7), 1)
    assert found.flop == 2 * 3 * 5 * 7


@pytest.mark.parametrize(
    ("form", "shapes", "expected"),
    [
        ("bnd,bkd->bnk", [(2, 3, 5), (2, 7, 5)], 2 * 2 * 3 * 7 * 5),
        ("bnd,bnd->bn", [(2, 3, 5), (2, 3, 5)], 2 * 2 * 3 * 5),
        ("bnd,hd->bnh", [(2, 3, 5), (4, 5)], 2 * 2 * 3 * 4 * 5),
        ("i,j->ij", [(3,), (4,)], 2 * 3 * 4),
        ("ij,ij->", [(3, 4), (3, 4)], 2 * 3 * 4),
    ],
)
def test_products_under_einsum_count_by_their_letters(form, shapes, expected):
    def function(a, b):
        return jnp.einsum(form, a, b)

    assert flop(function, *(zeros(*shape) for shape in shapes)) == expected


def test_a_gradient_has_two_products_more():
    def loss(a, b):
        return jnp.tanh(a @ b).sum()

    one = 2 * 3 * 5 * 7
    gradient = jax.grad(loss, argnums=(0, 1))
    assert flop(gradient, zeros(3, 5), zeros(5, 7)) == 3 * one


def test_a_product_whose_value_nobody_needs_is_left_out():
    def function(a, b):
        a @ b
        return a.sum() + b.sum()

    assert products(function, zeros(3, 5), zeros(5, 7)) == []


def test_the_gradient_of_a_linear_loss_does_not_need_its_value():
    def loss(a, b):
        return (a @ b).sum()

    one = 2 * 3 * 5 * 7
    gradient = jax.grad(loss, argnums=(0, 1))
    assert flop(gradient, zeros(3, 5), zeros(5, 7)) == 2 * one


def test_a_scan_counts_every_turn():
    def function(a, b):
        return jax.lax.scan(lambda carry, x: (carry @ x, None), a, b)[0]

    (found,) = products(function, zeros(4, 4), zeros(6, 4, 4))
    assert found.times == 6
    assert found.flop == 6 * 2 * 4**3


def test_a_scan_over_nothing_has_no_products():
    def function(a, b):
        return jax.lax.scan(lambda carry, x: (carry @ x, None), a, b)[0]

    assert products(function, zeros(4, 4), zeros(0, 4, 4)) == []


def test_inner_functions_are_looked_into():
    inner = jax.jit(lambda a, b: jnp.sin(a @ b))

    def function(a, b):
        return jax.checkpoint(inner)(a, b) + inner(b, a)

    assert flop(function, zeros(4, 4), zeros(4, 4)) == 2 * 2 * 4**3


def test_operands_have_the_shapes_and_are_not_zero():
    product = Product((2, 3), (3, 4), (((1,), (0,)), ((), ())), 1)
    left, right = product.operands(np.random.default_rng(0))
    assert (left.shape, right.shape) == ((2, 3), (3, 4))
    assert left.dtype == right.dtype == np.float32
    assert left.all()
    assert right.all()


def test_a_function_without_products_has_none():
    assert products(lambda a: a * 2, zeros(3)) == []
