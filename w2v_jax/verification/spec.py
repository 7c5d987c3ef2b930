"""What the layers are told about a loss: its functions, and what its arguments are.

A spec is all that a layer sees, so a user's own loss goes through the same checks.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from w2v_jax import closed_form, losses
from w2v_jax.verification import hard_limits
from w2v_jax.verification.comparison import Floats

Arguments = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class LossSpec:
    """A loss of one example, its gradient by hand, and the kinds of its arguments.

    Attributes:
      name: of the loss.
      loss: (arguments by name) -> [], nats.
      gradient: the same arguments -> a tuple: the gradient of each vector argument,
        in the order of `kinds`.
      kinds: name -> kind of each argument, in order. "D" and "V D" are vectors of
        these sizes, "id V" an integer below V, "bits L" integers 0 or 1, "mask L"
        booleans, "weight" a positive number. The first is the hidden vector or, as
        "C D", the context it is made of.
      architecture: skipgram, cbow_average or cbow_sum; empty if unknown.
      cases: the special inputs that make sense for it, see `inputs`.
      hessian: the same arguments -> d2L/dh2 [D, D], where it is known.
      hard_limit: (scores [R], arguments) -> (value, dL/dscores [R]) for scores of
        zero or beyond all bounds.
      complex_step: whether the loss may be differentiated by a complex step.
      floor: errors are relative to at least this, times the largest vector entry. A
        loss computed as a difference of large terms cannot be more precise.
    """

    name: str
    loss: Callable[..., Any]
    gradient: Callable[..., tuple[Any, ...]]
    kinds: Mapping[str, str]
    architecture: str = ""
    cases: tuple[str, ...] = ("plain",)
    hessian: Callable[..., Any] | None = None
    hard_limit: Callable[[Floats, Arguments], tuple[float, Floats]] | None = None
    complex_step: bool = False
    floor: float = 0.0

    @property
    def label(self) -> str:
        """The name, with the architecture."""
        return f"{self.name}, {self.architecture}" if self.architecture else self.name

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of the arguments that receive gradients, in order."""
        return tuple(name for name, kind in self.kinds.items() if is_vector(kind))

    def hidden(self, arguments: Arguments) -> Floats:
        """h [D] in NumPy, by the definition of the architecture."""
        first = np.asarray(arguments[self.vectors[0]])
        if self.architecture.startswith("cbow"):
            return np.asarray(self.shares(arguments) @ first)
        return first

    def shares(self, arguments: Arguments) -> Floats:
        """What each context word contributes to h: [C], 1/2m or 1, 0 where masked."""
        mask = np.asarray(arguments["context_mask"], np.float64)
        count = max(mask.sum(), 1.0) if self.architecture == "cbow_average" else 1.0
        return np.asarray(mask / count)

    def rows(self, arguments: Arguments) -> Floats:
        """All vectors that are scored against h, one below the other: [R, D]."""
        others = [np.asarray(arguments[name]) for name in self.vectors[1:]]
        return np.concatenate([np.atleast_2d(u) for u in others])


def is_vector(kind: str) -> bool:
    """Whether an argument of this kind receives a gradient."""
    return kind[:1].isupper()


_MASK = ("masked slots",)
_BASES: dict[str, dict[str, Any]] = {
    "softmax": {
        "kinds": {"hidden": "D", "output_vectors": "V D", "target": "id V"},
        "cases": ("plain", "repeated words"),
    },
    "negative_sampling": {
        "kinds": {
            "hidden": "D",
            "positive": "D",
            "negatives": "K D",
            "noise_weight": "weight",
        },
        "cases": ("plain", "repeated words", "negative equal to the target"),
    },
    "hierarchical_softmax": {
        "kinds": {"hidden": "D", "nodes": "L D", "codes": "bits L", "mask": "mask L"},
        "cases": ("plain", *_MASK, "path of length one"),
    },
}


def _skipgram(name: str) -> LossSpec:
    return LossSpec(
        name,
        getattr(losses, f"{name}_loss"),
        getattr(closed_form, f"{name}_loss_gradient"),
        _BASES[name]["kinds"],
        "skipgram",
        _BASES[name]["cases"],
        getattr(closed_form, f"{name}_loss_hessian"),
        hard_limits.LIMITS[name],
        complex_step=True,
    )


def cbow(base: LossSpec, variant: str) -> LossSpec:
    """CBOW on top of a loss of the hidden vector, by the chain rule.

    Args:
      base: a loss whose first argument is `hidden`.
      variant: average or sum.
    """
    form = "cbow_hidden" if variant == "average" else "cbow_hidden_sum"
    combine = getattr(losses, form)
    pull_back = getattr(closed_form, f"{form}_gradient")

    def loss(context: jax.Array, context_mask: jax.Array, **rest: Any) -> jax.Array:
        return base.loss(combine(context, context_mask), **rest)

    def gradient(
        context: jax.Array, context_mask: jax.Array, **rest: Any
    ) -> tuple[jax.Array, ...]:
        in_hidden, *others = base.gradient(combine(context, context_mask), **rest)
        return pull_back(context, context_mask, in_hidden), *others

    rest = dict(base.kinds)
    del rest["hidden"]
    extra = ("masked slots", "repeated words", "empty context")
    return dataclasses.replace(
        base,
        loss=loss,
        gradient=gradient,
        kinds={"context": "C D", "context_mask": "mask C"} | rest,
        architecture=f"cbow_{variant}",
        cases=tuple(dict.fromkeys((*base.cases, *extra))),
        hessian=None,
    )


def _all() -> dict[str, LossSpec]:
    bases = [_skipgram(name) for name in _BASES]
    made = bases + [cbow(base, v) for v in ("average", "sum") for base in bases]
    return {spec.label: spec for spec in made}


SPECS: dict[str, LossSpec] = _all()
