"""Tables and lines on the terminal, with words of any text in them."""

from typing import Any

from rich.console import Console


def console(**options: Any) -> Console:
    """A console that shows strings as they are.

    A word such as `[/quote]`, `[sic]` or `:smile:` is no markup: what is to have a
    colour is a `rich.text.Text`.
    """
    return Console(markup=False, emoji=False, **options)
