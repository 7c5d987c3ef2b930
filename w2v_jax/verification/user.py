"""A user's own loss, named as module:function, as a spec for the layers."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.config_fields import did_you_mean
from w2v_jax.verification.comparison import in_float64
from w2v_jax.verification.inputs import cast, draw
from w2v_jax.verification.spec import Arguments, LossSpec, is_vector

KNOWN_KINDS = {
    "hidden": "D",
    "context": "C D",
    "context_mask": "mask C",
    "output_vectors": "V D",
    "target": "id V",
    "positive": "D",
    "negatives": "K D",
    "noise_weight": "weight",
    "nodes": "L D",
    "codes": "bits L",
    "mask": "mask L",
}
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
# A naive loss is a difference of terms of size 1 and more, so its slope is only known
# to 2^-53 of those; where that exceeds 1e-12 of a tiny gradient, it is not at fault.
FLOOR = 1e-3


def load(dotted: str) -> Callable[..., Any]:
    """The function that module:function names.

    Raises:
      ValueError: it cannot be imported, with the reason, or it is no function.
    """
    module_name, colon, name = dotted.partition(":")
    if not colon or not module_name or not name:
        raise ValueError(f"{dotted}: write it as module:function.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{dotted}: importing {module_name} failed: {_line(error)}. It must be on "
            "the path: run from its folder or set PYTHONPATH."
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        near = did_you_mean(name, [n for n in dir(module) if not n.startswith("_")])
        raise ValueError(f"{dotted}: {module_name} has no function {name}.{near}")
    return found


def parse_kinds(text: str) -> dict[str, str]:
    """Kinds of arguments from "name=kind, name=kind".

    Raises:
      ValueError: an entry without an equals sign.
    """
    kinds = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, kind = entry.partition("=")
        if not equals:
            raise ValueError(f"{entry}: write each argument as name=kind.")
        kinds[name.strip()] = kind.strip()
    return kinds


def user_spec(
    loss: str, gradient: str, kinds: Mapping[str, str] | None = None
) -> LossSpec:
    """The spec of a loss and a closed form named as module:function.

    Both are called with the loss's parameters in their order. What each parameter is
    follows from its name, as in `w2v_jax.losses`, or from `kinds`; a parameter of
    unknown name that has a default keeps it.

    Args:
      loss: one example -> [], differentiable by jax.
      gradient: the same arguments -> a tuple of the gradients of the vector
        arguments, in order.
      kinds: name -> kind, see `LossSpec.kinds`, for names that are not known or mean
        something else here.

    Raises:
      ValueError: a function that cannot be loaded, an argument of unknown kind, or a
        function that fails on, or returns the wrong shapes for, random arguments.
    """
    loss_function, gradient_function = load(loss), load(gradient)
    found = _kinds(loss, loss_function, dict(kinds or {}))
    names = tuple(found)
    spec = LossSpec(
        name=loss,
        loss=lambda **given: loss_function(*(given[name] for name in names)),
        gradient=lambda **given: gradient_function(*(given[name] for name in names)),
        kinds=found,
        cases=_cases(found),
        floor=FLOOR,
    )
    _try(spec, gradient)
    return spec


def _kinds(
    loss: str, function: Callable[..., Any], given: dict[str, str]
) -> dict[str, str]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise ValueError(f"{loss}: its parameters cannot be read.") from None
    for name in given:
        if name not in parameters:
            near = did_you_mean(name, list(parameters))
            raise ValueError(f"{name}: {loss} has no such argument.{near}")
    kinds = {}
    for name, parameter in parameters.items():
        if parameter.kind in _REST:
            continue
        required = parameter.default is inspect.Parameter.empty
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and required:
            raise ValueError(
                f"{loss}: {name} is keyword-only; arguments are given by their place."
            )
        kind = given.get(name, KNOWN_KINDS.get(name))
        if kind is None and not required:
            break
        if kind is None:
            raise ValueError(
                f"{name}: argument of {loss} of unknown kind; say what it is, "
                f"such as {name}='K D', 'id V', 'bits L', 'mask L' or 'weight'."
            )
        kinds[name] = kind
    if not any(is_vector(kind) for kind in kinds.values()):
        raise ValueError(f"{loss}: none of its arguments is a vector.")
    return kinds


def _cases(kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The special inputs that these arguments allow."""
    cases = ["plain"]
    if any(kind.startswith("mask") for kind in kinds.values()):
        cases.append("masked slots")
    if any(is_vector(kind) and " " in kind for kind in kinds.values()):
        cases.append("repeated words")
    if "context_mask" in kinds:
        cases.append("empty context")
    if kinds.get("mask", "").startswith("mask"):
        cases.append("path of length one")
    if kinds.get("positive") == "D" and kinds.get("negatives") == "K D":
        cases.append("negative equal to the target")
    return tuple(cases)


@in_float64
def _try(spec: LossSpec, gradient: str) -> None:
    """Calls both functions once, so that what fails is said in one line."""
    arguments = draw(spec, np.random.default_rng(0))
    given = cast(spec, arguments, np.float64)
    shapes = ", ".join(f"{n} {list(np.shape(v))}" for n, v in arguments.items())
    value = _call(spec.name, lambda: jnp.asarray(spec.loss(**given)), shapes)
    if value.shape != ():
        raise ValueError(
            f"{spec.name}: returns shape {list(value.shape)} for {shapes}; a loss of "
            "one example is a number, [] (jax.vmap adds the batch)."
        )
    _call(spec.name, lambda: _slope(spec, given), shapes)
    found = _call(gradient, lambda: spec.gradient(**given), shapes)
    found = found if isinstance(found, (tuple, list)) else (found,)
    wanted = [np.shape(arguments[name]) for name in spec.vectors]
    if [np.shape(one) for one in found] != wanted:
        raise ValueError(
            f"{gradient}: returns shapes {[list(np.shape(one)) for one in found]}; "
            f"expected one gradient for each of {', '.join(spec.vectors)}: "
            f"{[list(shape) for shape in wanted]}."
        )


def _slope(spec: LossSpec, given: Arguments) -> Any:
    vectors = {name: given[name] for name in spec.vectors}
    return jax.eval_shape(jax.grad(lambda v: spec.loss(**(given | v))), vectors)


def _call(name: str, function: Callable[[], Any], shapes: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise ValueError(f"{name}: fails for {shapes}: {_line(error)}") from error


def _line(error: Exception) -> str:
    """The kind of an error and its first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
