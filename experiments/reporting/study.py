"""A finished sweep as a small table and a plot, to be committed with its answer.

The Markdown is meant to be taken into a text in the folder above, as `make studies`
does: the question is there, and the picture is linked from there.
"""

from pathlib import Path
from typing import Any

from experiments import drawing
from experiments.reporting import overview, plots, scaling, tables
from experiments.reporting.report import Report
from w2v_jax.durable import write_whole

SHOWN = 20  # comparisons in the Markdown; those of least p


def write_study(report: Report, prefix: Path) -> list[Path]:
    """Writes PREFIX.md, PREFIX.csv and, where something was swept, PREFIX.png.

    The Markdown holds the scores, the significant comparisons and the costs; the CSV
    the scores in full. Neither names a place on this machine.
    """
    prefix.parent.mkdir(parents=True, exist_ok=True)
    text = markdown(report)
    files = {".csv": tables.comma_separated(report.tables[0]).encode()}
    figure = main_figure(report)
    if figure is not None:
        files[".png"] = drawing.rendered(figure, report.asked.font)[0]
        text += f"\n![Quality]({prefix.resolve().parent.name}/{prefix.name}.png)\n"
    files[".md"] = text.encode()
    written = []
    for suffix, data in files.items():
        written.append(prefix.with_name(prefix.name + suffix))
        write_whole(written[-1], data)
    return written


def markdown(report: Report) -> str:
    """The tables of a study, with where they come from below them."""
    analysis = report.analysis
    significant = [one for one in analysis.comparisons if analysis.significant(one)]
    significant.sort(key=lambda one: one.difference.p or 0.0)
    shown = tables.markdown(overview.comparisons(analysis, significant[:SHOWN]))
    count = len(analysis.comparisons)
    head = f"Significant: {len(significant)} of {count} comparisons"
    head += f"; the {SHOWN} surest:\n" if len(significant) > SHOWN else ".\n"
    parts = [tables.markdown(report.tables[0]), head]
    parts += [shown] if significant else []
    fitted = scaling.table(scaling.scalings(analysis), analysis.level)
    parts += [tables.markdown(fitted)] if fitted else []
    parts += [tables.markdown(overview.costs(analysis)), _origin(report)]
    return "\n".join(parts)


def _origin(report: Report) -> str:
    """Machine, versions, commit and failures, in one paragraph."""
    runs = report.collection.runs
    facts = []
    for key in ("cpu", "cores", "jax", "git_commit"):
        found = dict.fromkeys(str(run.environment.get(key)) for run in runs)
        facts.append(f"{key} {', '.join(found)}")
    text = f"{len(runs)} runs; {'; '.join(facts)}."
    if report.left_out:
        text += f" Failed or left out: {len(report.left_out)}."
    return " ".join([text, *report.notes]) + "\n"


def main_figure(report: Report) -> Any | None:
    """Quality over the swept flags if there are two of them, else against the first."""
    analysis = report.analysis
    maps = plots.two_way(analysis)
    if len(analysis.grid.swept) == 2 and maps:
        return next(iter(maps.values()))
    for field in analysis.grid.swept:
        figure = plots.against_flag(analysis, field)
        if figure is not None:
            return figure
    return None
