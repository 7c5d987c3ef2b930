"""Text to tokens: white space, characters, or a named segmenter.

A tokenizer never joins two lines: the corpus hands it whole lines, and a line is a
sentence. What it returns depends on the text, its name and its version alone, so that
both can stand in the record of a run.
"""

import dataclasses
import importlib.metadata
from collections.abc import Callable

from w2v_jax.config_fields import did_you_mean


@dataclasses.dataclass(frozen=True)
class Tokenizer:
    """A named function from text to tokens.

    `version` changes whenever the tokens of some text do: our own number for the
    tokenizers written here, the version of the package for a segmenter.
    """

    name: str
    version: str
    tokenize: Callable[[str], list[str]] = dataclasses.field(repr=False)

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text, in order; none is empty or holds white space."""
        return self.tokenize(text)


def get_tokenizer(name: str) -> Tokenizer:
    """The tokenizer of that name.

    whitespace: runs of anything but Unicode white space (`str.split`: U+3000, the
    ideographic space, and U+00A0 divide too; U+200B does not). word2vec.c divides at
    space, tab and newline only.
    characters: every character that is not white space, for text without word bounds.
    rjieba: Chinese word segmentation by the optional package of that name.

    Raises:
      ValueError: an unknown name, or a segmenter that is not installed.
    """
    if name not in _MAKERS:
        hint = did_you_mean(name, list(_MAKERS))
        raise ValueError(f"tokenizer={name}: must be one of {', '.join(NAMES)}.{hint}")
    return _MAKERS[name]()


def _whitespace() -> Tokenizer:
    return Tokenizer("whitespace", "1", str.split)


def _characters() -> Tokenizer:
    return Tokenizer("characters", "1", lambda text: list("".join(text.split())))


def _rjieba() -> Tokenizer:
    try:
        import rjieba
    except ImportError:
        raise ValueError(
            "tokenizer=rjieba: the segmenter is not installed; "
            "pip install 'w2v_jax[chinese]'"
        ) from None
    version = importlib.metadata.version("rjieba")

    def tokenize(text: str) -> list[str]:
        # The segmenter returns white space as tokens of its own, or within one.
        return " ".join(rjieba.cut(text)).split()

    return Tokenizer("rjieba", version, tokenize)


_MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "whitespace": _whitespace,
    "characters": _characters,
    "rjieba": _rjieba,
}
NAMES = tuple(_MAKERS)
