"""Tables as data, and as Markdown and CSV.

A score is shown in points: Spearman's correlation x 100, right answers in %. A mean
never stands alone: 68.5 ± 0.4 [61.0, 74.1] is mean, standard deviation and interval.
"""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from experiments.reporting.intervals import Estimate, Interval

POINTS = 100.0
NOTHING = "–"
ENDS = (
    *("mean", "sd", "low", "high", "seeds_low", "seeds_high"),
    *("seeds", "items", "total"),
)  # of the columns of an estimate in a CSV


class Field(NamedTuple):
    """One place of a table.

    Attributes:
      text: as it is read, unescaped.
      bold: whether it stands out.
      minor: set smaller where that can be: the interval, the coverage.
    """

    text: str
    bold: bool = False
    minor: str = ""


class TableData(NamedTuple):
    """A table.

    Attributes:
      name: of its files.
      title: one line.
      columns: headings.
      rows: fields, as many as headings.
      note: how to read it; several sentences.
      plain: (headings, rows) of the CSV, every number in a column of its own.
      texts: how many of the first columns are words rather than numbers.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]
    note: str
    plain: tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]
    texts: int = 1


def score_field(
    one: Estimate | None, digits: int = 1, scale: float = POINTS, bold: bool = False
) -> Field:
    """mean ± deviation, with the interval and the coverage as its smaller part."""
    if one is None:
        return Field(NOTHING)
    if one.deviation is None:
        text = f"{scale * one.mean:.{digits}f} (1 seed)"
    else:
        text = f"{scale * one.mean:.{digits}f} ± {scale * one.deviation:.{digits}f}"
    minor = interval_text(one.shown, digits, scale)
    if one.coverage is not None:
        minor = f"{minor} {100 * one.coverage:.0f} %".strip()
    return Field(text, bold, minor)


def interval_text(one: Interval, digits: int = 1, scale: float = POINTS) -> str:
    """[low, high], or nothing."""
    if one is None:
        return ""
    return f"[{scale * one[0]:.{digits}f}, {scale * one[1]:.{digits}f}]"


def p_text(p: float | None) -> str:
    """p to four places; what is below them says so."""
    if p is None:
        return NOTHING
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def number_text(value: float | None, form: str = ".2f") -> str:
    """A number, or a dash where there is none."""
    return NOTHING if value is None else format(value, form)


def markdown(table: TableData) -> str:
    """A Markdown table with its title above and its note below."""
    lines = [f"**{_escaped(table.title)}**", ""]
    lines.append("| " + " | ".join(map(_escaped, table.columns)) + " |")
    numbers = len(table.columns) - table.texts
    lines.append("|" + "---|" * table.texts + "---:|" * numbers)
    for row in table.rows:
        lines.append("| " + " | ".join(map(_field, row)) + " |")
    return "\n".join([*lines, "", table.note]) + "\n"


def _field(field: Field) -> str:
    text = _escaped(field.text)
    if field.bold:
        text = f"**{text}**"
    return f"{text} {_escaped(field.minor)}".strip()


def _escaped(text: str) -> str:
    for character in "\\|*_<[]`":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())


def comma_separated(table: TableData) -> str:
    """The numbers of a table in full, as CSV with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    headings, rows = table.plain
    writer.writerow(headings)
    writer.writerows([list(map(_plain, row)) for row in rows])
    return text.getvalue()


def _plain(value: object) -> object:
    """A value for CSV, of which a lone carriage return would end the line."""
    if isinstance(value, str):
        return value.replace("\r", " ")
    return "" if value is None else value


def estimate_columns(name: str) -> tuple[str, ...]:
    """Headings of `estimate_values`."""
    return tuple(f"{name} {end}" for end in ENDS)


def estimate_values(one: Estimate | None) -> Sequence[object]:
    """An estimate's numbers, unscaled; nothing where there is none."""
    if one is None:
        return [None] * len(ENDS)
    low, high = one.shown or (None, None)
    seeds_low, seeds_high = one.over_seeds or (None, None)
    return [
        *(one.mean, one.deviation, low, high, seeds_low, seeds_high),
        *(len(one.scores), one.items or None, one.total or None),
    ]
