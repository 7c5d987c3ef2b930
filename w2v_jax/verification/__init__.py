"""Five layers of gradient checking, for our losses and for a user's own.

    a  autodiff       jax.grad = the closed form, in float64 and float32
    b  differences    the closed form = central differences and complex steps
    c  identities     Euler, parallel, limits, masks; expectations by exact summation
    d  training_path  a step on touched rows = jax.grad over tables, dense optax
    e  mutation       every known mistake fails a to c

Each layer takes a `LossSpec` (or, for d, a world of tables and text) and returns
`Comparison`s; `suite` runs them over everything, `user` makes a spec of a function
named on the command line.
"""

from w2v_jax.verification.comparison import Comparison, worst
from w2v_jax.verification.mutation import check_mutants
from w2v_jax.verification.spec import SPECS, LossSpec
from w2v_jax.verification.suite import (
    check_all,
    check_loss,
    check_model,
    check_users_loss,
)
from w2v_jax.verification.user import user_spec

__all__ = [
    "SPECS",
    "Comparison",
    "LossSpec",
    "check_all",
    "check_loss",
    "check_model",
    "check_mutants",
    "check_users_loss",
    "user_spec",
    "worst",
]
