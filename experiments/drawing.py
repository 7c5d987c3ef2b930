"""A figure as the bytes of a PNG and an SVG, in a font that has its characters."""

import io
import logging
import warnings
from typing import Any

from experiments import fonts

PIXELS = 130  # dots per inch of a PNG


def texts(figure: Any) -> list[str]:
    """Every text of a figure."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def rendered(
    figure: Any, font: str | None = None, dpi: int = PIXELS
) -> tuple[bytes, bytes, str]:
    """PNG, SVG, and the characters that no font of this machine draws.

    The same figure gives the same bytes each time.

    Args:
      figure: of matplotlib.
      font: a font file to draw with; None: one of this machine that has the texts'
        characters.
      dpi: dots per inch of the PNG.

    Raises:
      ValueError: the font file is none.
    """
    import matplotlib
    from matplotlib.text import Text

    written = texts(figure)
    families, missing = fonts.families(written, font)
    settings: dict[Any, Any] = {"font.family": families, "svg.hashsalt": "w2v_jax"}
    made = []
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for text in figure.findobj(Text):
            text.set_fontfamily(families)
        for suffix, metadata in (("png", None), ("svg", {"Date": None})):
            data = io.BytesIO()
            figure.savefig(
                data,
                format=suffix,
                dpi=dpi,
                metadata=metadata,
                bbox_inches="tight",  # a long legend is wider than its figure
            )
            made.append(data.getvalue())
    return made[0], made[1], missing
