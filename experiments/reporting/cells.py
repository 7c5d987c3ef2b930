"""Runs that differ by seed alone, as one cell; cells told apart by what differs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.reporting.collect import Collection, LeftOut, Run
from w2v_jax.config import Config, ResolvedConfig, resolve
from w2v_jax.defaults import MODEL_DEFAULTS

SEED = "seed"
PLACEMENT = ("replicas", "softmax_chunk")  # where a run is computed, not what
FIELDS = tuple(field.name for field in dataclasses.fields(Config))
OWN = tuple(dict.fromkeys(name for made in MODEL_DEFAULTS.values() for name in made))
TABLE = "table"  # not of the config: which of the two tables is judged


@dataclasses.dataclass(frozen=True)
class Cell:
    """One setting, trained with one seed or several.

    Attributes:
      name: of its folder, or made of what sets it apart.
      settings: the fields that differ between the cells, and its values.
      runs: in order of seed, each seed once.
      table: which vectors of the runs are judged.
    """

    name: str
    settings: dict[str, Any]
    runs: tuple[Run, ...]
    table: str = "input"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each run."""
        return tuple(run.seed for run in self.runs)


@dataclasses.dataclass(frozen=True)
class Grid:
    """The cells of a tree.

    Attributes:
      cells: in order of their settings.
      differing: every field of the config that is not the same in all cells.
      swept: those of them that somebody chose: not merely each model's own default.
      left_out: second runs of the same cell and seed.
    """

    cells: tuple[Cell, ...]
    differing: tuple[str, ...]
    swept: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def make_grid(collection: Collection, tables: Sequence[str] = ("input",)) -> Grid:
    """Groups the runs of a tree.

    Fields of placement set cells apart only where one seed was run with several of
    their values. A corpus is known by its hash, wherever it lay.
    """
    ignored = {SEED, *PLACEMENT}
    for name in PLACEMENT:
        if _seeds_repeat(collection.runs, ignored):
            ignored.discard(name)
            if not _splits(collection.runs, name):
                ignored.add(name)
    groups: dict[tuple[Any, ...], dict[int, Run]] = {}
    left_out = []
    for run in collection.runs:
        group = groups.setdefault(_key(run, ignored), {})
        if run.seed in group:
            twin = group[run.seed].path
            left_out.append(LeftOut(run.path, f"config and seed of {twin} again"))
        else:
            group[run.seed] = run
    members = [tuple(g[seed] for seed in sorted(g)) for g in groups.values()]
    firsts = [runs[0] for runs in members]
    differing = tuple(
        name
        for name in FIELDS
        if name not in ignored and len({_value(run, name) for run in firsts}) > 1
    )
    swept = tuple(name for name in differing if not _by_default(firsts, name))
    members.sort(key=lambda runs: [_order(runs[0], name) for name in swept])
    settings = [{name: _shown(runs[0], name) for name in differing} for runs in members]
    names = _names(collection.root, members, settings, swept)
    cells = [Cell(*one) for one in zip(names, settings, members, strict=True)]
    if len(tables) > 1:
        swept, differing = (*swept, TABLE), (*differing, TABLE)
        alone = len(cells) == 1
        cells = [_judged_by(cell, table, alone) for cell in cells for table in tables]
    else:
        cells = [dataclasses.replace(cell, table=tables[0]) for cell in cells]
    return Grid(tuple(cells), differing, swept, tuple(left_out))


def _judged_by(cell: Cell, table: str, alone: bool) -> Cell:
    name = table if alone else f"{cell.name}, {table}"
    return Cell(name, cell.settings | {TABLE: table}, cell.runs, table)


def _value(run: Run, name: str) -> Any:
    return run.corpus if name == "corpus" else getattr(run.config, name)


def _key(run: Run, ignored: set[str]) -> tuple[Any, ...]:
    return tuple(_value(run, name) for name in FIELDS if name not in ignored)


def _seeds_repeat(runs: Sequence[Run], ignored: set[str]) -> bool:
    keys = [(_key(run, ignored), run.seed) for run in runs]
    return len(set(keys)) < len(keys)


def _splits(runs: Sequence[Run], name: str) -> bool:
    """Whether the field tells apart two runs that agree in all else, seed included."""
    ignored = set(PLACEMENT)
    values: dict[tuple[Any, ...], set[Any]] = {}
    for run in runs:
        values.setdefault(_key(run, ignored), set()).add(_value(run, name))
    return any(len(found) > 1 for found in values.values())


def _by_default(runs: Sequence[Run], name: str) -> bool:
    """Whether every run has the default of the field that its other fields make."""
    return name in OWN and all(
        getattr(run.config, name) == getattr(_defaults(run.config, name), name)
        for run in runs
    )


def _defaults(config: ResolvedConfig, name: str) -> ResolvedConfig:
    """The config with its model's defaults; its gradient, unless that is asked after.

    The rates of CBOW go with its rule for the gradient, whoever chose that.
    """
    kept = config.to_dict()
    opened = [own for own in OWN if own != "gradient" or name == "gradient"]
    return resolve(Config.from_dict(kept | dict.fromkeys(opened)), 1)


def _order(run: Run, name: str) -> tuple[int, Any]:
    value = _shown(run, name)
    return (0, value) if isinstance(value, (int, float)) else (1, str(value))


def _shown(run: Run, name: str) -> Any:
    if name == "corpus":
        return f"{Path(run.config.corpus).name} {run.corpus[:8]}".strip()
    return getattr(run.config, name)


def _names(
    root: Path,
    members: Sequence[tuple[Run, ...]],
    settings: Sequence[dict[str, Any]],
    swept: Sequence[str],
) -> list[str]:
    """The folders' names where each cell has one of its own, otherwise settings."""
    named = []
    for runs in members:
        folders = {_folder(root, run.path) for run in runs}
        named.append(folders.pop() if len(folders) == 1 else "")
    if all(named) and len(set(named)) == len(named):
        return named
    made = [_of_settings(setting, swept) for setting in settings]
    return made if len(set(made)) == len(made) else _numbered(made)


def _folder(root: Path, path: Path) -> str:
    """A run's path below the root without the part that names its seed."""
    parts = list(path.relative_to(root).parts)
    if len(parts) > 1 or (parts and parts[-1].startswith("seed")):
        parts.pop()
    return "/".join(parts)


def _of_settings(setting: dict[str, Any], swept: Sequence[str]) -> str:
    """Names speak for themselves; numbers and yes or no need their field's name."""
    parts = [
        value if isinstance(value, str) else f"{name}={value}"
        for name, value in ((name, setting[name]) for name in swept)
    ]
    return ", ".join(parts) or "all runs"


def _numbered(names: list[str]) -> list[str]:
    return [f"{name} ({place})" for place, name in enumerate(names, 1)]
