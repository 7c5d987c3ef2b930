"""A MediaWiki dump to a text file of lower-case words, one paragraph a line.

Words are runs of letters and digits of any script, in lower case ("word", "1920s",
"co2"), with inner apostrophes ("don't"); the possessive 's is a word of its own,
hyphens divide, numbers keep their points and commas ("3.5", "10,000"), abbreviations
their dots ("u.s."), and all other punctuation goes.
"""

import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import IO

from w2v_jax.wikitext import plain_paragraphs

VERSION = "2"
"""Changes whenever the words of some dump do."""

_WORD = re.compile(
    r"'s\b"  # the possessive
    r"|(?:[^\W\d_]\.){2,}"  # "u.s."
    r"|\d+(?:[.,]\d+)+(?![^\W_])"  # "10,000", "3.5"
    r"|[^\W_]+(?:'(?!s\b)[^\W_]+)*"  # words, with inner apostrophes
)
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "`": "'"})
_SHORTEST_PARAGRAPH = 5


def word_lines(dump: IO[bytes], *, cut_short: bool = False) -> Iterator[str]:
    """Lines of words, one for each paragraph of at least five words.

    Args:
      dump: the XML of a MediaWiki export, of which articles (namespace 0) that are
        not redirects are taken.
      cut_short: the file may end anywhere, as enwik9 does.

    Raises:
      ValueError: the XML is malformed; the message has line and column.
    """
    for markup in articles(dump, cut_short=cut_short):
        for paragraph in plain_paragraphs(markup):
            found = words(paragraph)
            if len(found) >= _SHORTEST_PARAGRAPH:
                yield " ".join(found)


def words(paragraph: str) -> list[str]:
    """The lower-case words and numbers of a paragraph, in order."""
    text = unicodedata.normalize("NFC", paragraph).translate(_APOSTROPHES)
    return _WORD.findall(text.lower())


def articles(dump: IO[bytes], *, cut_short: bool = False) -> Iterator[str]:
    """The wiki markup of every article, in order, one at a time in memory."""
    events = ElementTree.iterparse(dump, events=("start", "end"))
    root: ElementTree.Element | None = None
    try:
        for event, element in events:
            if root is None:
                root = element
            if event == "end" and _local_name(element) == "page":
                markup = _article_text(element)
                root.clear()
                if markup is not None:
                    yield markup
    except ElementTree.ParseError as error:
        if not cut_short:
            raise ValueError(f"not a complete MediaWiki dump: {error}") from None


def _article_text(page: ElementTree.Element) -> str | None:
    """The markup of a page, None if it is a redirect or not an article."""
    parts = {_local_name(part): part for part in page.iter()}
    if "redirect" in parts or "text" not in parts:
        return None
    title = (parts["title"].text or "") if "title" in parts else ""
    # Dumps of 2006 have no namespace number, only the prefix of the title.
    space = parts["ns"].text if "ns" in parts else None
    if space not in (None, "0") or (space is None and _PREFIXED.match(title)):
        return None
    markup = parts["text"].text or ""
    return None if markup[:9].lower() == "#redirect" else markup


_PREFIXED = re.compile(
    r"(?:Talk|User|Wikipedia|Image|File|MediaWiki|Template|Help|Category|Portal)"
    r"(?: talk)?:"
)


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
