"""Words of any text reach the terminal as they are."""

import io
import re
from pathlib import Path

import pytest
from rich.table import Table

from experiments import cli, screen

FOLDER = Path(cli.__file__).parent
WORDS = ["[/quote]", "[sic]", "[b]", ":smile:", "[red]x[/red]", "[[/]"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_shown_as_it_is_in_a_line_a_title_and_a_cell(word):
    shown = io.StringIO()
    console = screen.console(file=shown, width=60)
    table = Table(title=f"title {word}")
    table.add_column(f"heading {word}")
    table.add_row(f"cell {word}")
    console.print(table)
    console.print(f"line {word}")
    for where in ("title", "heading", "cell", "line"):
        assert f"{where} {word}" in shown.getvalue()


def test_no_command_makes_a_console_of_its_own():
    named = {
        path.name
        for path in FOLDER.rglob("*.py")
        if re.search(r"\bConsole\(", path.read_text(encoding="utf-8"))
    }
    assert named == {"screen.py"}
