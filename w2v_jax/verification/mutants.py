"""Wrong losses and wrong closed forms: each must be found out by the other layers.

A mutant is a spec with one mistake in its loss, in its closed form, or in both alike.
The last kind agrees with itself, so only the identities and limits can catch it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from w2v_jax import closed_form, deviations, losses
from w2v_jax.losses import softplus
from w2v_jax.verification.spec import SPECS, LossSpec, cbow

Loss = Callable[..., Any]


class Mutant(NamedTuple):
    """A mistake.

    Attributes:
      name: what is wrong, and where.
      spec: the loss and the closed form with the mistake in one or both.
    """

    name: str
    spec: LossSpec


def _by_jax(loss: Loss, kinds: Mapping[str, str]) -> Loss:
    """The gradient that a wrong loss would have if it were derived without error."""
    names = [n for n, kind in kinds.items() if kind[:1].isupper()]

    def gradient(**arguments: Any) -> tuple[Any, ...]:
        vectors = {n: arguments[n] for n in names}
        found = jax.grad(lambda v: loss(**(arguments | v)))(vectors)
        return tuple(found[n] for n in names)

    return gradient


def _softmax_epsilon(hidden: Any, output_vectors: Any, target: Any) -> Any:
    return -jnp.log(jax.nn.softmax(output_vectors @ hidden)[target] + 1e-10)


def _softmax_flipped(hidden: Any, output_vectors: Any, target: Any) -> Any:
    return losses.softmax_loss(-hidden, output_vectors, target)


def _softmax_unnormalised(hidden: Any, output_vectors: Any, target: Any) -> Any:
    scores = output_vectors @ hidden
    return jnp.log(jnp.exp(scores).sum()) - scores[target]


def _sampling_epsilon(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    noise = jnp.log(jax.nn.sigmoid(-(negatives @ hidden)) + 1e-8).sum()
    seen = jnp.log(jax.nn.sigmoid(positive @ hidden) + 1e-8)
    return -seen - jnp.asarray(noise_weight).astype(hidden.dtype) * noise


def _sampling_flipped(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    return losses.negative_sampling_loss(hidden, positive, -negatives, noise_weight)


def _sampling_mean(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    weight = jnp.asarray(noise_weight).astype(hidden.dtype)
    return softplus(-(positive @ hidden)) + weight * softplus(negatives @ hidden).mean()


def _sampling_unweighted(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    return losses.negative_sampling_loss(hidden, positive, negatives)


def _sampling_dropped(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    same = (negatives == positive[None, :]).all(axis=1)
    kept = jnp.where(same, 0, softplus(negatives @ hidden)).sum()
    weight = jnp.asarray(noise_weight).astype(hidden.dtype)
    return softplus(-(positive @ hidden)) + weight * kept


def _sampling_as_word2vec_c(
    hidden: Any, positive: Any, negatives: Any, noise_weight: Any
) -> Any:
    nobody = jnp.zeros(len(negatives), bool)
    return deviations.negative_sampling_loss(
        hidden, positive, negatives, nobody, noise_weight
    )


def _path_unmasked(hidden: Any, nodes: Any, codes: Any, mask: Any) -> Any:
    return losses.hierarchical_softmax_loss(hidden, nodes, codes, jnp.ones_like(mask))


def _path_swapped(hidden: Any, nodes: Any, codes: Any, mask: Any) -> Any:
    return losses.hierarchical_softmax_loss(hidden, nodes, 1 - codes, mask)


def _path_mean(hidden: Any, nodes: Any, codes: Any, mask: Any) -> Any:
    depth = jnp.maximum(mask.sum(), 1).astype(hidden.dtype)
    return losses.hierarchical_softmax_loss(hidden, nodes, codes, mask) / depth


_WRONG: tuple[tuple[str, str, Loss], ...] = (
    ("epsilon inside the log (1e-10)", "softmax", _softmax_epsilon),
    ("flipped sign of the scores", "softmax", _softmax_flipped),
    ("exponentials without the maximum taken out", "softmax", _softmax_unnormalised),
    ("epsilon inside the log (1e-8)", "negative_sampling", _sampling_epsilon),
    ("flipped sign of the noise scores", "negative_sampling", _sampling_flipped),
    ("mean over noise words for sum", "negative_sampling", _sampling_mean),
    ("forgotten noise weight", "negative_sampling", _sampling_unweighted),
    ("noise equal to the target dropped", "negative_sampling", _sampling_dropped),
    ("scores saturate at 6", "negative_sampling", _sampling_as_word2vec_c),
    ("forgotten mask", "hierarchical_softmax", _path_unmasked),
    ("swapped code bit", "hierarchical_softmax", _path_swapped),
    ("mean over the path for sum", "hierarchical_softmax", _path_mean),
    ("scores beyond 6 skipped", "hierarchical_softmax",
     deviations.hierarchical_softmax_loss),
)  # fmt: skip


def _wrong_losses() -> list[Mutant]:
    """Each wrong loss against the right closed form, and against its own gradient."""
    made = []
    for what, name, loss in _WRONG:
        right = SPECS[f"{name}, skipgram"]
        wrong = dataclasses.replace(right, loss=loss, hessian=None, complex_step=False)
        made.append(Mutant(f"{name} loss: {what}", wrong))
        both = dataclasses.replace(wrong, gradient=_by_jax(loss, right.kinds))
        made.append(Mutant(f"{name} loss and closed form: {what}", both))
    return made


def _uniform_expectation(hidden: Any, output_vectors: Any, target: Any) -> Any:
    uniform = jnp.full_like(output_vectors[:, 0], 1 / len(output_vectors))
    y = jax.nn.one_hot(target, len(output_vectors), dtype=hidden.dtype)
    return (uniform - y) @ output_vectors, jnp.outer(uniform - y, hidden)


def _without_observed(hidden: Any, output_vectors: Any, target: Any) -> Any:
    p = jax.nn.softmax(output_vectors @ hidden)
    return p @ output_vectors, jnp.outer(p, hidden)


def _negated(right: Loss) -> Loss:
    return lambda **arguments: tuple(-g for g in right(**arguments))


def _without_mask(right: Loss) -> Loss:
    return lambda **a: right(**(a | {"mask": jnp.ones_like(a["mask"])}))


def _without_weight(right: Loss) -> Loss:
    return lambda **a: right(**(a | {"noise_weight": 1.0}))


def _swapped_code(right: Loss) -> Loss:
    return lambda **a: right(**(a | {"codes": 1 - a["codes"]}))


def _swapped_sides(right: Loss) -> Loss:
    """u and v exchanged: the hidden gradient where the positive's belongs."""
    return lambda **a: tuple(right(**a)[i] for i in (1, 0, 2))


def _wrong_closed_forms() -> list[Mutant]:
    """Each wrong closed form against the right loss."""
    names = ("softmax", "negative_sampling", "hierarchical_softmax")
    softmax, sampling, path = (SPECS[f"{name}, skipgram"] for name in names)
    wrong = [(f"{s.name}: flipped sign", s, _negated(s.gradient)) for s in
             (softmax, sampling, path)] + [
        ("softmax: expectation under equal probabilities", softmax,
         _uniform_expectation),
        ("softmax: observed vector forgotten", softmax, _without_observed),
        ("negative_sampling: forgotten noise weight", sampling,
         _without_weight(sampling.gradient)),
        ("negative_sampling: u and v exchanged", sampling,
         _swapped_sides(sampling.gradient)),
        ("hierarchical_softmax: forgotten mask", path, _without_mask(path.gradient)),
        ("hierarchical_softmax: swapped code bit", path, _swapped_code(path.gradient)),
    ]  # fmt: skip
    return [
        Mutant(f"closed form of {what}", dataclasses.replace(spec, gradient=gradient))
        for what, spec, gradient in wrong
    ]


def _wrong_cbow() -> list[Mutant]:
    """CBOW's mistakes: the average's factor 1/2m, its mask, the sum in its place."""
    base = SPECS["softmax, skipgram"]
    right = SPECS["softmax, cbow_average"]

    def unmasked(context: Any, context_mask: Any, **rest: Any) -> Any:
        return right.loss(context, jnp.ones_like(context_mask), **rest)

    def undivided(context: Any, context_mask: Any, **rest: Any) -> Any:
        window = context_mask[None, :].astype(context.dtype)
        hidden = deviations.average_undivided(window, context)[0]
        return base.loss(hidden, **rest)

    def missing_factor(context: Any, context_mask: Any, **rest: Any) -> Any:
        hidden = losses.cbow_hidden(context, context_mask)
        in_hidden, *others = base.gradient(hidden, **rest)
        pulled = closed_form.cbow_hidden_sum_gradient(context, context_mask, in_hidden)
        return pulled, *others

    total = cbow(base, "sum")
    replace = dataclasses.replace
    return [
        Mutant("CBOW loss: forgotten mask", replace(right, loss=unmasked)),
        Mutant("CBOW loss: sum for average", replace(right, loss=total.loss)),
        Mutant("CBOW loss and closed form: sum for average",
               replace(right, loss=total.loss, gradient=total.gradient)),
        Mutant("CBOW loss and closed form: forgotten mask",
               replace(right, loss=unmasked, gradient=_by_jax(unmasked, right.kinds))),
        Mutant("CBOW closed form: missing 1/2m",
               replace(right, gradient=missing_factor)),
        Mutant("CBOW loss and closed form: undivided error",
               replace(right, loss=undivided, gradient=missing_factor,
                       complex_step=False)),
    ]  # fmt: skip


MUTANTS: tuple[Mutant, ...] = (
    *_wrong_losses(),
    *_wrong_closed_forms(),
    *_wrong_cbow(),
)
