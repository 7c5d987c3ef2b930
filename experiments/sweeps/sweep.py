"""What a sweep is: cells, each a few fields of the config set to values of its own.

    --sweep="window=2,5,10"                    an axis of a grid
    --sweep="learning_rate=log(0.005,0.1):20"  random draws; see draws.py
    --cell="small: dim=50, window=2"           one named cell

Axes multiply. All draws of a command are made together, the i-th of each in one cell
(random search), and multiply with the axes; so do the named cells.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweeps.draws import parse_draw
from experiments.sweeps.names import cell_name, safe_name, value_text
from w2v_jax.config import Config, resolve
from w2v_jax.config_fields import did_you_mean

Overrides = dict[str, Any]
FIELDS = {field.name: field for field in dataclasses.fields(Config)}
NO_AXIS = {"seed": "use --seeds"}  # fields that something else is for


@dataclasses.dataclass(frozen=True)
class Cell:
    """One setting, to be trained with every seed.

    Attributes:
      name: of its directory.
      overrides: fields of the config and their values, in the order asked for.
    """

    name: str
    overrides: Mapping[str, Any]


def make_cells(
    sweeps: Sequence[str], named: Sequence[str] = (), draw_seed: int = 0
) -> tuple[Cell, ...]:
    """The cells that a command line describes, in the order in which they run.

    Args:
      sweeps: of --sweep, "field=value,value" or "field=kind(low,high):count".
      named: of --cell, "name: field=value, field=value".
      draw_seed: of the random draws.

    Raises:
      ValueError: an unknown field, a value that the field cannot take, a field or a
        cell given twice, or draws of different counts.
    """
    axes: dict[str, list[Any]] = {}
    drawn: dict[str, list[Any]] = {}
    for text in sweeps:
        name, values, is_drawn = _axis(text, draw_seed)
        if name in axes or name in drawn:
            raise ValueError(f"--sweep={text}: {name} is swept twice; name it once")
        (drawn if is_drawn else axes)[name] = values
    labelled = [_named(text) for text in named] or [("", {})]
    groups = [[{name: value} for value in values] for name, values in axes.items()]
    if drawn:
        groups.append(_together(drawn))
    cells: dict[str, Cell] = {}
    for label, fixed in labelled:
        for chosen in itertools.product(*groups):
            swept = {name: value for one in chosen for name, value in one.items()}
            if twice := sorted(set(fixed) & set(swept)):
                raise ValueError(
                    f"--sweep={twice[0]}=...: --cell {label} sets {twice[0]} too"
                )
            cell = Cell(cell_name(swept, label), fixed | swept)
            if cell.name in cells and not drawn:
                raise ValueError(f"{cell.name}: asked for twice")
            cells[cell.name] = cell
    return tuple(cells.values())


def configs(base: Config, cells: Sequence[Cell]) -> dict[str, Config]:
    """The config of each cell, by its name; the seed is that of `base`.

    Raises:
      ValueError: a value out of its range, naming the flag; or two cells that would
        train the same model.
    """
    made: dict[str, Config] = {}
    same: dict[Config, str] = {}
    for cell in cells:
        try:
            config = base.replace(**cell.overrides)
        except ValueError as error:
            raise ValueError(f"--{error} (in cell {cell.name})") from None
        twin = same.setdefault(resolve(config, 1), cell.name)
        if twin != cell.name:
            raise ValueError(f"{cell.name}: the same setting as {twin}; drop one")
        made[cell.name] = config
    return made


def check_field(name: str) -> None:
    """Raises ValueError unless a sweep may set this field of the config."""
    if name not in FIELDS:
        raise ValueError(f"{name}: no such flag.{did_you_mean(name, list(FIELDS))}")
    if name in NO_AXIS:
        raise ValueError(f"{name}: is not swept; {NO_AXIS[name]}")


def parse_value(name: str, text: str) -> Any:
    """The value of a field as written on a command line.

    Raises:
      ValueError: no such field, or a text that is no value of its kind.
    """
    check_field(name)
    kind = str(FIELDS[name].type)
    if text.lower() == "none" and "None" in kind:
        return None
    if FIELDS[name].type is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name}={text}: must be true or false.")
        return text.lower() == "true"
    if "str" in kind:
        return text
    try:
        return int(text) if "int" in kind else float(text)
    except ValueError:
        whole = "a whole number" if "int" in kind else "a number"
        raise ValueError(f"{name}={text}: must be {whole}.") from None


def _axis(text: str, draw_seed: int) -> tuple[str, list[Any], bool]:
    """(field, its values, whether they were drawn) of one --sweep."""
    name, equals, rest = text.partition("=")
    name, rest = name.strip().lstrip("-"), rest.strip()
    try:
        check_field(name)
        if not equals or not rest:
            raise ValueError("say field=value,value")
        draw = parse_draw(rest)
        if draw is not None:
            found = draw.values(name, draw_seed)
            return name, [parse_value(name, value_text(v)) for v in found], True
        values = [parse_value(name, part.strip()) for part in rest.split(",")]
    except ValueError as error:
        raise ValueError(f"--sweep={text}: {error}") from None
    twice = [v for place, v in enumerate(values) if v in values[:place]]
    if twice:
        raise ValueError(f"--sweep={text}: {value_text(twice[0])} is there twice")
    return name, values, False


def _together(drawn: Mapping[str, list[Any]]) -> list[Overrides]:
    counts = {name: len(values) for name, values in drawn.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ValueError(
            f"--sweep: draws are made together and need one count, not {told}"
        )
    rows = zip(*drawn.values(), strict=True)
    return [dict(zip(drawn, row, strict=True)) for row in rows]


# What else a sweep's folder holds, or a report passes by.
TAKEN = {"report", "checkpoints", "sweep.json"}


def _named(text: str) -> tuple[str, Overrides]:
    """(name, overrides) of one --cell."""
    label, colon, rest = (part.strip() for part in text.partition(":"))
    if not colon or not label or label != safe_name(label):
        raise ValueError(
            f'--cell={text}: say "name: field=value, field=value", the name of '
            "letters, digits and . _ = + -"
        )
    if label in TAKEN:
        raise ValueError(f"--cell={text}: {label} is no name of a cell; take another")
    overrides: Overrides = {}
    for part in filter(None, (one.strip() for one in rest.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            if not equals or name in overrides:
                raise ValueError(f"{part}: say field=value, each field once")
            overrides[name] = parse_value(name, value)
        except ValueError as error:
            raise ValueError(f"--cell={text}: {error}") from None
    return label, overrides
