"""Question: are code, calculus and notes the same gradient?

Command:  python -m experiments.verify_gradients --out=gradients.json
          python -m experiments.verify_gradients --loss=my_module:my_loss \
              --closed_form=my_module:my_gradient
Expected: a table without a red cell: for each loss the largest relative error of
          autodiff, differences, identities and one step of training; exit code 1 and
          the worst comparisons if one is beyond its tolerance.
Cost:     half a minute on two cores; --mutants as much again.

With --out the same goes to JSON, comparison by comparison, and a heat map of the
errors over coordinates to a PNG beside it.
"""

import json
import math
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from absl import flags
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments import cli, gradient_map, screen
from w2v_jax.config_fields import did_you_mean
from w2v_jax.durable import write_whole

_OUT = flags.DEFINE_string(
    "out", None, "JSON file for all comparisons; none: only printed."
)
_HEATMAP = flags.DEFINE_string(
    "heatmap", None, "PNG file for the heat map; none: beside --out, if that is given."
)
_LOSS = flags.DEFINE_list(
    "loss",
    [],
    "Check only these: softmax, negative_sampling, hierarchical_softmax; or one loss "
    "of yours as module:function, with --closed_form. None: everything.",
)
_CLOSED_FORM = flags.DEFINE_string(
    "closed_form",
    None,
    "Your gradient as module:function: the loss's arguments -> a tuple of gradients.",
)
_ARGUMENTS = flags.DEFINE_string(
    "arguments",
    "",
    "Kinds of your loss's arguments where the names do not tell, such as "
    "bias=V,pair=id V,rows=K D (V, D, K, L, C: sizes).",
)
_DRAWS = flags.DEFINE_integer(
    "draws", 3, "Random examples for each size of scores and each case.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of all examples.", lower_bound=0)
_MUTANTS = flags.DEFINE_boolean(
    "mutants", False, "Also check that known mistakes in these losses turn layers red."
)

LAYERS = ("autodiff", "differences", "identities", "training_path")


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; losses are named by --loss")
    out, picture = _outputs()
    begun = time.perf_counter()
    found: list[Any] = []
    label = ""
    with cli.progress("comparisons") as report:
        for one in _comparisons():
            if one.loss != label:
                label = one.loss
                report("verifying", len(found), 0, label)
            found.append(one)
    seconds = time.perf_counter() - begun
    show(found)
    if out:
        write_whole(
            out, (json.dumps(summary(found, seconds), indent=1) + "\n").encode()
        )
    if picture:
        write_whole(picture, gradient_map.heat_map(found))
    _conclude(found, seconds)


def _outputs() -> tuple[Path | None, Path | None]:
    """The files to write; refused now if their folder is missing, not at the end."""
    out = Path(_OUT.value) if _OUT.value else None
    picture = Path(_HEATMAP.value) if _HEATMAP.value else None
    for path in filter(None, (out, picture)):
        if not path.absolute().parent.is_dir():
            raise ValueError(f"{path}: its folder does not exist; make it first")
        if path.is_dir():
            raise ValueError(f"{path}: is a folder; name a file in it")
    if picture is None and out is not None and find_spec("matplotlib"):
        picture = out.with_suffix(".png")
    if out and picture and out.resolve() == picture.resolve():
        raise ValueError(f"--out={out}: the heat map goes there; name a .json file")
    if picture is not None:
        gradient_map.matplotlib_parts()
    return out, picture


def _comparisons() -> Iterator[Any]:
    """All that the flags ask for."""
    from w2v_jax import verification

    seed, draws = _SEED.value, _DRAWS.value
    if any(":" in name for name in _LOSS.value) or _CLOSED_FORM.value:
        if len(_LOSS.value) != 1 or not _CLOSED_FORM.value:
            raise ValueError("--loss, --closed_form: name one loss and its gradient")
        from w2v_jax.verification.user import parse_kinds

        spec = verification.user_spec(
            _LOSS.value[0], _CLOSED_FORM.value, parse_kinds(_ARGUMENTS.value)
        )
        yield from verification.check_users_loss(spec, seed, draws)
    else:
        names = sorted({spec.name for spec in verification.SPECS.values()})
        for name in _LOSS.value:
            if name not in names:
                hint = did_you_mean(name, names)
                raise ValueError(
                    f"--loss={name}: one of {', '.join(names)}, or your own as "
                    f"module:function.{hint}"
                )
        yield from verification.check_all(seed, draws, _LOSS.value or None)
    if _MUTANTS.value:
        from w2v_jax.verification.mutants import MUTANTS

        known = {one.spec.name for one in MUTANTS} & set(_LOSS.value)
        chosen = [one for one in MUTANTS if not known or one.spec.name in known]
        yield from verification.check_mutants(chosen, seed)


def summary(found: list[Any], seconds: float) -> dict[str, Any]:
    """What --out holds: one entry for each comparison, the worst of its draws.

    largest_relative_error is null where a number was not finite.
    """
    import jax

    merged: dict[tuple[str, ...], list[Any]] = {}
    for one in found:
        key = (one.layer, one.loss, one.check, one.quantity, one.inputs)
        merged.setdefault(key, []).append(one)
    entries = []
    for (layer, loss, check, quantity, inputs), group in merged.items():
        worst = max(group, key=_badness)
        entries.append(
            {
                "layer": layer,
                "loss": loss,
                "check": check,
                "quantity": quantity,
                "inputs": inputs,
                "draws": len(group),
                "largest_relative_error": _finite(worst.error),
                "tolerance": worst.tolerance,
                "passed": all(one.passed for one in group),
            }
        )
    return {
        "passed": all(one.passed for one in found),
        "failed": sum(not one.passed for one in found),
        "compared": len(found),
        "seed": _SEED.value,
        "draws": _DRAWS.value,
        "seconds": round(seconds, 3),
        "jax": jax.__version__,
        "comparisons": entries,
    }


def _finite(error: float) -> float | None:
    return error if math.isfinite(error) else None


def _badness(one: Any) -> float:
    """How near to failing, 1 being the edge."""
    return one.error / one.tolerance if one.tolerance else math.inf * one.error


def show(found: list[Any]) -> None:
    """Prints two tables: by loss and layer, and by check."""
    console = screen.console()
    plain = [one for one in found if one.layer != "mutation"]
    table = Table(title="Largest relative error, by loss and layer")
    table.add_column("loss", no_wrap=True)
    for layer in LAYERS:
        table.add_column(layer.replace("_", " "), justify="right")
    for loss in dict.fromkeys(one.loss for one in plain):
        of_loss = [one for one in plain if one.loss == loss]
        groups = ([one for one in of_loss if one.layer == name] for name in LAYERS)
        table.add_row(loss, *(_worst(group)[0] for group in groups))
    console.print(table)
    table = Table(title="Largest relative error, by check")
    table.add_column("check", no_wrap=True)
    for heading in ("compared", "error", "tolerance"):
        table.add_column(heading, justify="right")
    for check in dict.fromkeys(one.check.split(",")[0] for one in plain):
        group = [one for one in plain if one.check.split(",")[0] == check]
        table.add_row(check, f"{len(group):,}", *_worst(group))
    console.print(table)
    mutants = [one for one in found if one.layer == "mutation"]
    if mutants:
        _show_mutants(mutants, console)


def _worst(group: list[Any]) -> tuple[str | Text, str]:
    """Error and tolerance of the comparison nearest to failing, red if one fails."""
    if not group:
        return "", ""
    worst = max(group, key=_badness)
    colour = "green" if all(one.passed for one in group) else "bold red"
    return Text(f"{worst.error:.0e}", colour), f"{worst.tolerance:.0e}"


def _show_mutants(mutants: list[Any], console: Console) -> None:
    table = Table(title="Known mistakes, and the comparison that notices each")
    for heading in ("mistake", "noticed by"):
        table.add_column(heading)
    for one in mutants:
        table.add_row(one.loss, one.quantity or Text("nothing", "bold red"))
    console.print(table)


def _conclude(found: list[Any], seconds: float) -> None:
    """The last line; raises CheckError where a comparison failed."""
    failed = sorted((one for one in found if not one.passed), key=_badness)
    if not failed:
        print(f"{len(found):,} comparisons agree, {seconds:.0f} s.")
        return
    worst = failed[-1]
    raise cli.CheckError(
        f"{len(failed):,} of {len(found):,} comparisons fail. The worst: {worst.loss}: "
        f"{worst.check}, {worst.quantity} ({worst.inputs}): relative error "
        f"{worst.error:.1e}, at most {worst.tolerance:.0e} expected."
    )


if __name__ == "__main__":
    cli.run(main)
