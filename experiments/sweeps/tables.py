"""What a person sees of a sweep: its cells before, its outcome after."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from experiments.sweeps.estimate import Estimator, duration
from experiments.sweeps.runs import Run, State, read_failure
from experiments.sweeps.sweep import Cell

ORDER = (State.DONE, State.TRAINED, State.STARTED, State.NEW, State.FAILED)


def cells_table(
    cells: Sequence[Cell],
    runs: Sequence[Run],
    states: Mapping[Run, State],
    estimator: Estimator,
) -> Table:
    """One line a cell: how far it is, what a run costs and how that is known."""
    table = _table("cell", "runs", "cost of a run", "known from")
    for cell in cells:
        own = [run for run in runs if run.cell == cell.name]
        cost = estimator.cost(own[0])
        table.add_row(
            cell.name, _counted(own, states), duration(cost.seconds), cost.source
        )
    return table


def outcome_table(
    cells: Sequence[Cell],
    runs: Sequence[Run],
    before: Mapping[Run, State],
    after: Mapping[Run, State],
) -> Table:
    """One line a cell: runs done now, done before, failed, left."""
    table = _table("cell", "done now", "done before", "failed", "left")
    for cell in cells:
        own = [run for run in runs if run.cell == cell.name]
        done = [run for run in own if after[run] is State.DONE]
        old = sum(before[run] is State.DONE for run in done)
        failed = sum(after[run] is State.FAILED for run in own)
        left = len(own) - len(done) - failed
        counts = (len(done) - old, old, failed, left)
        table.add_row(cell.name, *(str(count or "-") for count in counts))
    return table


def failures(runs: Sequence[Run], states: Mapping[Run, State]) -> list[str]:
    """A line for each run that failed: which, how, and its last words."""
    lines = []
    for run in runs:
        if states[run] is State.FAILED:
            failure = read_failure(run.path)
            said = f"{failure.get('kind')}, code {failure.get('code')}"
            lines.append(f"{run.name}: {said}: {failure.get('error')}")
    return lines


def _counted(runs: Sequence[Run], states: Mapping[Run, State]) -> str:
    """`3 done, 2 new`."""
    counts = Counter(states[run] for run in runs)
    return ", ".join(f"{counts[s]} {s.value}" for s in ORDER if counts[s])


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    table.columns[0].overflow = "fold"
    table.columns[0].no_wrap = False
    return table
