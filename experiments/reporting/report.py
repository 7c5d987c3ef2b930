"""From a folder of runs to everything a report holds, and from there to files."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from experiments import cli, drawing, fonts
from experiments.reporting import (
    curves,
    latex,
    measures,
    overview,
    page,
    plots,
    scaling,
    tables,
)
from experiments.reporting.analysis import Analysis, analyse
from experiments.reporting.cells import Grid, make_grid
from experiments.reporting.collect import Collection, LeftOut, Run, collect
from experiments.reporting.items import Outcomes, outcomes
from experiments.reporting.tables import TableData
from experiments.sweeps.presets import PRESETS
from w2v_jax.durable import write_whole
from w2v_jax.evaluation import statistics

Progress = Callable[[str, int, int], None]
SHOWN = 40  # comparisons that a terminal is asked to show


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a report is to be made of; the flags of `experiments.report`."""

    workdir: Path
    measures: tuple[str, ...] = ()
    baseline: str | None = None
    level: float = statistics.LEVEL
    corrected: bool = True
    restrict: int | None = None  # None: what sweep.json says, else 0
    tables: tuple[str, ...] = ("input",)
    budget_seconds: float | None = None
    budget_words: float | None = None
    font: str | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    """All of a report, before any of it is written.

    Attributes:
      asked: what it was made of.
      collection: the runs.
      analysis: the numbers.
      tables: in order.
      left_out: directories that could not be used, and why.
      notes: sentences for the head of the page and for the person who watches.
    """

    asked: Asked
    collection: Collection
    analysis: Analysis
    tables: tuple[TableData, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def about(self) -> dict[str, Any]:
        """What sweep.json says, after the question of its preset."""
        sweep = self.collection.sweep
        preset = PRESETS.get(str(sweep.get("preset")))
        if preset is None:
            return sweep
        told = {"question": preset.question, "expected": preset.expected}
        return told | ({"remark": preset.remark} if preset.remark else {}) | sweep

    @property
    def title(self) -> str:
        """The question of the sweep, else the name of its folder."""
        folder = self.asked.workdir.resolve().name
        return str(self.about.get("question") or folder)

    def figures(self) -> Iterator[tuple[str, str, Any]]:
        """File name, what it shows, and figure, of every picture that there is."""
        analysis, grid = self.analysis, self.analysis.grid
        interval = f"{100 * analysis.level:g} % intervals over seeds and items"
        yield (
            "learning_curves",
            "Loss against raw words; bands: least and greatest over seeds.",
            curves.learning_curves(grid.cells),
        )
        for field in grid.swept:
            yield (
                f"quality_{field}",
                f"Quality against --{field}; {interval}.",
                plots.against_flag(analysis, field),
            )
        numbers = "; ".join(f"{i} {c.name}" for i, c in enumerate(grid.cells, 1))
        yield (
            "quality_time",
            f"Quality against seconds of training; {interval}. Red: no other cell is "
            f"both as fast and as good. {numbers}.",
            plots.against_time(analysis),
        )
        yield (
            "cost",
            "Seconds per kept token and fitted powers.",
            scaling.figure(scaling.scalings(analysis)),
        )
        for name, figure in plots.two_way(analysis).items():
            yield (f"map_{name}", f"Quality over {name}: mean scores.", figure)

    def write(self, out: Path) -> list[Path]:
        """Writes every file to a folder and returns them; index.html comes last."""
        out.mkdir(parents=True, exist_ok=True)
        written = []

        def put(name: str, data: bytes) -> None:
            written.append(out / name)
            write_whole(written[-1], data)

        for table in self.tables:
            put(f"{table.name}.md", tables.markdown(table).encode())
            put(f"{table.name}.csv", tables.comma_separated(table).encode())
            put(f"{table.name}.tex", latex.latex(table).encode())
        put("report.tex", latex.document([t.name for t in self.tables]).encode())
        pictures, missing = {}, ""
        for name, what, figure in self.figures():
            if figure is not None:
                png, svg, lacking = drawing.rendered(figure, self.asked.font)
                put(f"{name}.png", png)
                put(f"{name}.svg", svg)
                pictures[name] = (what, png)
                missing += lacking
        notes = list(self.notes)
        if missing:
            notes.append(f"No font here draws {missing[:20]}; {fonts.INSTALL}.")
        made = page.page(
            self.title,
            self.about,
            self.analysis.grid,
            self.tables,
            pictures,
            self.left_out,
            notes,
        )
        put("index.html", made.encode())
        return written

    def write_events(self, folder: str) -> list[Path]:
        """Writes TensorBoard's events; see `tensorboard.write_events`."""
        from experiments.reporting.tensorboard import write_events

        cells = {cell.name: cell for cell in self.analysis.grid.cells}
        scores = {
            (name, measure): dict(zip(cells[name].seeds, one.scores, strict=True))
            for (name, measure), one in self.analysis.scores.items()
        }
        return write_events(self.analysis.grid.cells, folder, scores)

    def text(self) -> str:
        """The tables of scores and comparisons, for a terminal."""
        found = self.analysis.comparisons
        shown = [tables.markdown(self.tables[0])]
        if len(found) <= SHOWN:
            shown.append(tables.markdown(self.tables[1]))
        else:
            count = sum(map(self.analysis.significant, found))
            shown.append(f"{count} of {len(found)} comparisons are significant.\n")
        return "\n".join(shown)


def make_report(
    asked: Asked, progress: Progress = lambda task, done, total: None
) -> Report:
    """Judges every run, compares the cells and lays out the tables.

    Raises:
      ValueError: no runs, none that can be judged, an unknown measure, or an unknown
        baseline.
    """
    collection = collect(asked.workdir)
    if asked.restrict is None:
        said = collection.sweep.get("restrict_vocab")
        whole = isinstance(said, int) and not isinstance(said, bool)
        asked = dataclasses.replace(asked, restrict=said if whole else 0)
    grid = make_grid(collection, asked.tables)
    wanted, sets, absent = measures.find(asked.measures, grid.cells[0].runs[0])
    grid, found, lost = _judged(grid, sets, asked, progress)
    analysis = analyse(
        grid, wanted, found, asked.baseline, asked.level, asked.corrected, progress
    )
    made_tables = [
        overview.scores(analysis),
        overview.comparisons(analysis),
        overview.costs(analysis),
        overview.at_budget(analysis, "raw_words", asked.budget_words),
        overview.at_budget(analysis, "train_seconds", asked.budget_seconds),
        scaling.table(scaling.scalings(analysis), asked.level),
    ]
    return Report(
        asked,
        collection,
        analysis,
        tuple(table for table in made_tables if table is not None),
        (*collection.left_out, *grid.left_out, *lost),
        tuple(_notes(asked, collection, absent, len({one.path for one in lost}))),
    )


def _judged(
    grid: Grid, sets: dict[str, Path], asked: Asked, progress: Progress
) -> tuple[Grid, dict[tuple[str, int], dict[str, Outcomes]], list[LeftOut]]:
    """The grid without runs that cannot be judged, outcomes, and those runs."""
    found: dict[tuple[str, int], dict[str, Outcomes]] = {}
    cells, lost = [], []
    total, done = sum(len(cell.runs) for cell in grid.cells), 0
    for cell in grid.cells:
        for run in cell.runs:
            try:
                made = outcomes(run, sets, cell.table, asked.restrict or 0)
                found[cell.name, run.seed] = made
            except (ValueError, OSError) as error:
                lost.append(LeftOut(run.path, cli.describe(error)))
            done += 1
            progress("judging", done, total)
        kept = tuple(run for run in cell.runs if (cell.name, run.seed) in found)
        if kept:
            cells.append(dataclasses.replace(cell, runs=kept))
    if not cells:
        raise ValueError(lost[0].why)
    return dataclasses.replace(grid, cells=tuple(cells)), found, lost


def _notes(
    asked: Asked, collection: Collection, absent: list[str], lost: int
) -> Iterator[str]:
    if lost:
        where = (
            " by every table and are left out there" if len(asked.tables) > 1 else ""
        )
        yield f"{lost} finished runs could not be judged{where or ' and are left out'}."
    if asked.restrict:
        yield f"Judged within the {asked.restrict:,} most frequent words."
    if absent:
        yield f"Absent on this machine: {', '.join(absent)}."
    if not asked.corrected:
        yield "p is not corrected for the number of comparisons."
    for key, what in (
        ("git_commit", "commits of this project"),
        ("cpu", "kinds of processor"),
        ("jax", "versions of jax"),
    ):
        count = len({_fact(run, key) for run in collection.runs})
        if count > 1:
            yield f"The runs were made by {count} {what}."
    if any(run.environment.get("git_clean") is False for run in collection.runs):
        yield "Some were made from a tree that its commit does not describe."


def _fact(run: Run, key: str) -> str:
    return str(run.environment.get(key))
