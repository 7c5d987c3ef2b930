"""A font that can draw the words of a picture, Chinese ones too."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

# tried before all other fonts of the machine: made for Chinese, and common
PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
# comes with matplotlib, has every character, and draws boxes in place of them
LAST_RESORT = "Last Resort High-Efficiency"
INSTALL = "install one, such as Noto Sans CJK SC, or name its file by --font"


def families(words: Iterable[str], file: str | None = None) -> tuple[list[str], str]:
    """Font families that together draw the words, and what they cannot draw.

    matplotlib takes each character from the first family that has it. Its own font
    comes first, then a file given by the user, then the font of the machine that has
    most of the rest.

    Returns:
      (families, missing characters); where characters are missing, boxes are drawn.

    Raises:
      ValueError: the file is no font.
    """
    from matplotlib import font_manager

    found = ["DejaVu Sans"]
    missing = set("".join(words)) - {" "}
    missing -= _characters(font_manager.findfont("DejaVu Sans"))
    if file is not None:
        found.insert(0, _added(file))
        missing -= _characters(file)
    if missing:
        best, covered = None, set[str]()
        for entry in _candidates(font_manager.fontManager.ttflist):
            has = missing & _characters(entry.fname)
            if len(has) > len(covered):
                best, covered = entry.name, has
            if covered == missing:
                break
        if best is not None:
            found.append(best)
            missing -= covered
    return found, "".join(sorted(missing))


def _candidates(entries: list[Any]) -> list[Any]:
    """One entry of each family, the preferred ones first."""
    by_name = {entry.name: entry for entry in entries if entry.name != LAST_RESORT}
    first = [by_name.pop(name) for name in PREFERRED if name in by_name]
    return first + list(by_name.values())


def _added(file: str) -> str:
    """The family of a font file, made known to matplotlib."""
    from matplotlib import font_manager

    if not Path(file).is_file():
        raise ValueError(f"{file}: no such font file")
    try:
        font_manager.fontManager.addfont(file)
        return font_manager.FontProperties(fname=file).get_name()
    except RuntimeError as error:
        raise ValueError(f"{file}: no font that can be read ({error})") from None


def _characters(file: str) -> set[str]:
    """The characters that a font file can draw; none if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return {chr(code) for code in FT2Font(file).get_charmap()}
    except (RuntimeError, OSError):
        return set()
