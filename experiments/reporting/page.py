"""One page with everything of a report: no other file, no script, no network.

The page is HTML that is also well-formed XML, so that any parser reads the same tree.
Its pictures are inside it as data URIs.
"""

import base64
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.reporting.cells import Cell, Grid
from experiments.reporting.collect import LeftOut, Run
from experiments.reporting.tables import Field, TableData

LONG = 60  # rows; a longer table is shown when it is asked for
STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  margin: 0 auto; max-width: 72rem; padding: 1rem; color: #222; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
nav a { margin-right: 1rem; } a { color: #0b57a4; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
thead th { border-top: 2px solid; border-bottom: 1px solid; font-weight: 600; }
tbody tr:last-child td { border-bottom: 2px solid; }
tr.differs td:first-child { font-weight: 600; }
td small { display: block; color: #555; }
p.note { color: #555; font-size: .87rem; max-width: 60rem; }
img { max-width: 100%; height: auto; background: #fff; }
pre { overflow-x: auto; background: #f4f4f4; padding: .6rem; }
"""


def page(
    title: str,
    sweep: Mapping[str, Any],
    grid: Grid,
    tables: Sequence[TableData],
    pictures: Mapping[str, tuple[str, bytes]],
    left_out: Sequence[LeftOut],
    notes: Sequence[str] = (),
) -> str:
    """The page as text, to be written as UTF-8.

    Args:
      title: of the page.
      sweep: what sweep.json says.
      grid: the cells.
      tables: in order.
      pictures: by name: what it shows, and its PNG.
      left_out: what could not be used.
      notes: further sentences for the head of the page.
    """
    parts = [
        ("summary", "Summary", _summary(sweep, grid, notes)),
        ("tables", "Tables", "".join(map(table_html, tables))),
        ("pictures", "Pictures", _pictures(pictures)),
        ("failures", "Failed and left out", _left_out(left_out)),
        ("configs", "Configs", _configs(grid)),
        ("environment", "Environment", _environment(grid)),
    ]
    links = "".join(f'<a href="#{key}">{_text(name)}</a>' for key, name, _ in parts)
    body = "".join(
        f'<section id="{key}"><h2>{_text(name)}</h2>{inside}</section>\n'
        for key, name, inside in parts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">\n'
        f'<head><meta charset="utf-8"/><title>{_text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f'<link rel="icon" href="data:,"/><style>{STYLE}</style></head>\n'
        f"<body><h1>{_text(title)}</h1><nav>{links}</nav>\n{body}</body>\n</html>\n"
    )


def _text(value: object) -> str:
    """Any text, safe between tags and in attributes; characters XML forbids are �."""
    allowed = (c if c >= " " or c in "\t\n\r" else "\ufffd" for c in str(value))
    clean = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in allowed)
    return html.escape(clean.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def _summary(sweep: Mapping[str, Any], grid: Grid, notes: Sequence[str]) -> str:
    runs = sum(len(cell.runs) for cell in grid.cells)
    said = [f"{len(grid.cells)} cells of {runs} runs."]
    if grid.swept:
        said.append(f"They differ by {', '.join(f'--{name}' for name in grid.swept)}.")
    text = f"<p>{_text(' '.join([*said, *notes]))}</p>"
    short = {k: v for k, v in sweep.items() if isinstance(v, (str, int, float))}
    if short:
        rows = [[key, value] for key, value in short.items()]
        text += _plain(("asked for", ""), rows)
    if len(short) < len(sweep):
        whole = json.dumps(dict(sweep), indent=2, ensure_ascii=False)
        text += f"<details><summary>sweep.json</summary><pre>{_text(whole)}</pre>"
        text += "</details>"
    return text


def table_html(table: TableData) -> str:
    """A table with its caption and its note; a long one is folded up."""
    numbers = len(table.columns) - table.texts
    kinds = [' class="text"'] * table.texts + [""] * numbers
    head = "".join(
        f'<th scope="col"{kind}>{_text(column)}</th>'
        for kind, column in zip(kinds, table.columns, strict=True)
    )
    rows = "".join(
        f"<tr>{''.join(map(_field, kinds, row))}</tr>\n" for row in table.rows
    )
    made = (
        f'<div class="wide"><table id="{_text(table.name)}">'
        f"<caption>{_text(table.title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows or '<tr><td>nothing to show</td></tr>'}</tbody></table></div>"
    )
    if len(table.rows) > LONG:
        title = f"{table.title}, {len(table.rows)} rows"
        made = f"<details><summary>{_text(title)}</summary>{made}</details>"
    return f'{made}<p class="note">{_text(table.note)}</p>\n'


def _field(kind: str, field: Field) -> str:
    text = _text(field.text)
    if field.bold:
        text = f"<strong>{text}</strong>"
    minor = f"<small>{_text(field.minor)}</small>" if field.minor else ""
    return f"<td{kind}>{text}{minor}</td>"


def _plain(
    columns: Sequence[object], rows: Sequence[Sequence[object]], mark: int = 0
) -> str:
    """A table of texts; its first `mark` rows stand out."""
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in columns)
    lines = []
    for place, row in enumerate(rows):
        named = ' class="differs"' if place < mark else ""
        cells = "".join(f"<td>{_text(value)}</td>" for value in row)
        lines.append(f"<tr{named}>{cells}</tr>\n")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _pictures(pictures: Mapping[str, tuple[str, bytes]]) -> str:
    shown = []
    for name, (what, png) in pictures.items():
        data = base64.b64encode(png).decode()
        shown.append(
            f'<figure id="picture-{_text(name)}">'
            f'<img src="data:image/png;base64,{data}" alt="{_text(what)}"/>'
            f"<figcaption>{_text(what)}</figcaption></figure>\n"
        )
    return "".join(shown) or "<p>Nothing to draw.</p>"


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return "<p>None: every run directory was used.</p>"
    return _plain(("directory", "why"), [(one.path, one.why) for one in left_out])


def _configs(grid: Grid) -> str:
    """Every field, those that differ first."""
    cells = grid.cells
    same = [name for name in _fields(cells[0]) if name not in grid.differing]
    rows: list[list[object]] = [
        [name, *(cell.settings[name] for cell in cells)] for name in grid.differing
    ]
    rows.append(["seed", *(", ".join(map(str, cell.seeds)) for cell in cells)])
    marked = len(rows)
    for name in same:
        if name != "seed":
            rows.append([name, *(_values(cell, name) for cell in cells)])
    columns = ("field", *(cell.name for cell in cells))
    return _plain(columns, rows, mark=marked)


def _fields(cell: Cell) -> list[str]:
    return list(cell.runs[0].config.to_dict())


def _values(cell: Cell, name: str) -> str:
    found = dict.fromkeys(str(getattr(run.config, name)) for run in cell.runs)
    return ", ".join(found)


def _environment(grid: Grid) -> str:
    """Versions, machine and commit: what all runs share, then what they do not."""
    runs = list(dict.fromkeys(run.path for cell in grid.cells for run in cell.runs))
    by_path = {run.path: run for cell in grid.cells for run in cell.runs}
    values: dict[str, dict[str, int]] = {}
    for path in runs:
        for name, value in _facts(by_path[path]).items():
            counted = values.setdefault(name, {})
            counted[value] = counted.get(value, 0) + 1
    rows = [
        [name, "; ".join(_counted(value, n, len(runs)) for value, n in found.items())]
        for name, found in values.items()
    ]
    rows.sort(key=lambda row: len(values[row[0]]) == 1)  # what differs, first
    mark = sum(len(found) > 1 for found in values.values())
    return _plain(("", "value (runs, where not all)"), rows, mark)


def _facts(run: Run) -> dict[str, str]:
    known = {k: v for k, v in run.environment.items() if k != "command_line"}
    return {k: json.dumps(v, ensure_ascii=False).strip('"') for k, v in known.items()}


def _counted(value: str, count: int, total: int) -> str:
    return value if count == total else f"{value} ({count})"
