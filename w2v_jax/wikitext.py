"""Wiki markup to plain paragraphs.

`plain_paragraphs` keeps what a reader of the article would call its text and drops
the rest: templates, tables, references, formulas, files, categories, galleries,
headings and the closing sections of sources and links. Links become their text.

Every step is one pass from left to right or a pattern that cannot backtrack, so the
time is proportional to the text whatever it holds.
"""

import html
import re
from collections.abc import Iterator

# Elements whose content is not running text.
_DROPPED_ELEMENTS = (
    "ref|references|math|chem|ce|gallery|timeline|source|syntaxhighlight|code|pre|"
    "score|hiero|imagemap|templatedata|inputbox|table|style|script|graph|mapframe|"
    "maplink|categorytree|poem"
)
_OPENING = re.compile(rf"<({_DROPPED_ELEMENTS})\b[^<>]*>", re.IGNORECASE)
_INLINE_TAG = re.compile(
    r"</?(?:b|i|u|s|em|strong|su[bp]|span|small|big|font|nowiki|tt|var)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BRACKETS = re.compile(r"\{\{|\|?\}\}|\{\||\|\}|\[\[|\]\]")
_EXTERNAL_LINK = re.compile(r"\[(?:https?:|ftp:)?//[^\s\[\]<>]*(?:\s([^\[\]\n]*))?\]")
_EDITED_LETTERS = re.compile(r"(?<=\w)\[(\w{1,20})\]|\[(\w{1,20})\](?=\w)")
_ADDRESS = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+")
_MAGIC_WORD = re.compile(r"__[A-Z]+__")
_EMPHASIS = re.compile(r"'{2,5}")
_HEADING = re.compile(r"(={1,6})([^=].*?)\1\s*$")
_LIST_MARK = re.compile(r"[*#:;]+\s*")
_EMPTY_PARENTHESES = re.compile(r"\(\s*(?:[,;:–-]\s*)*\)")
_SPACES = re.compile(r"[ \t\u00a0]+")

_NOT_ARTICLES = re.compile(
    "(?:file|image|media|category|template|wikipedia|wp|help|portal|user|special|"
    "mediawiki|draft|module|book|wikt|wiktionary|wikisource|s|wikiquote|q|wikibooks|b|"
    "commons|c|meta|m|species|wikispecies|wikinews|n|wikiversity|v|voy|doi)(?: talk)?"
)
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)?|simple|zh-min-nan|roa-rup")
_CLOSING_SECTIONS = frozenset(
    (
        "references",
        "external links",
        "see also",
        "further reading",
        "notes",
        "notes and references",
        "references and notes",
        "bibliography",
        "sources",
        "footnotes",
        "citations",
        "works cited",
        "literature",
        "publications",
        "selected bibliography",
        "external sources",
        "gallery",
    )
)
# Templates that stand for words of the sentence, and which of their arguments show.
_FIRST = slice(0, 1)
_SHOWN_ARGUMENTS = {
    **dict.fromkeys(("nowrap", "nobr", "abbr", "tooltip", "sic", "small"), _FIRST),
    **dict.fromkeys(("smaller", "smallcaps", "sc", "vanchor", "val"), _FIRST),
    **dict.fromkeys(("quote", "quotation", "cquote", "blockquote"), _FIRST),
    **dict.fromkeys(("nihongo", "flag", "uss", "hms"), _FIRST),
    "as of": _FIRST,
    "lang": slice(1, 2),
    "transl": slice(-1, None),
    "convert": slice(0, 2),
    "cvt": slice(0, 2),
}
_WORDS_BEFORE = {"as of": "as of ", "uss": "USS ", "hms": "HMS "}
_DASHES = frozenset(("ndash", "mdash", "spaced ndash", "snd", "spnd", "dash", "·", "•"))
_DEEPEST = 50
_TIMES = 3


def plain_paragraphs(markup: str) -> Iterator[str]:
    """The paragraphs and list items of an article, in order, one line each."""
    text = _without_comments(markup)
    text = _without_elements(text)
    text = _resolve_brackets(text)
    text = _EXTERNAL_LINK.sub(r"\1", text)
    text = _TAG.sub(" ", _INLINE_TAG.sub("", text))
    text = _settled(_EMPHASIS.sub("", text))
    text = _MAGIC_WORD.sub(" ", _EMPHASIS.sub("", html.unescape(text)))
    text = _EDITED_LETTERS.sub(r"\1\2", _ADDRESS.sub(" ", text))
    skipping = False
    for line in text.split("\n"):
        line = line.strip()
        if heading := _HEADING.match(line):
            # A closing section ends at the next heading, whatever its level.
            skipping = heading[2].strip().lower() in _CLOSING_SECTIONS
            continue
        line = _LIST_MARK.sub("", line, count=1) if line[:1] in "*#:;" else line
        if "ISBN" in line:  # an entry of a list of books
            continue
        line = _EMPTY_PARENTHESES.sub(" ", line)
        line = _SPACES.sub(" ", line).strip()
        if line and not skipping and not line.startswith(("|", "!", "{|")):
            yield line


def _without_comments(text: str) -> str:
    """Drops <!-- ... -->; one that is never closed runs to the end."""
    parts = text.split("<!--")
    return parts[0] + "".join(part.partition("-->")[2] for part in parts[1:])


def _without_elements(text: str) -> str:
    """Drops the elements that hold no running text, with all their content.

    An element ends at its first closing tag; one that is never closed loses its
    opening tag only.
    """
    kept: list[str] = []
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters change length; positions would shift
        lowered = text
    unclosed: set[str] = set()
    position = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < position:
            continue
        kept.append(text[position : opening.start()])
        position = opening.end()
        name = opening[1].lower()
        if opening[0].endswith("/>") or name in unclosed:
            continue
        end = lowered.find(f"</{name}>", position)
        if end < 0:
            unclosed.add(name)
            continue
        position = end + len(name) + 3
        kept.append(" ")
    kept.append(text[position:])
    return "".join(kept)


def _resolve_brackets(text: str) -> str:
    """Replaces templates, tables and links, the inner ones first.

    A closing bracket closes the innermost opening of its kind; openings inside that
    were never closed stay as they are, and so does a closing one without an opening.
    """
    levels: list[tuple[str, list[str]]] = [("", [])]  # opening bracket, text since
    depth = dict.fromkeys(_MEANING, 0)
    position = 0
    while bracket := _BRACKETS.search(text, position):
        levels[-1][1].append(text[position : bracket.start()])
        position = bracket.end()
        mark = bracket[0]
        if mark in depth:
            if len(levels) <= _DEEPEST:  # bounds the work on hostile text
                depth[mark] += 1
                levels.append((mark, []))
            continue
        if mark == "|}}":  # {{name|}} and the end of a table inside a template
            mark = "|}" if levels[-1][0] == "{|" else "}}"
            position = bracket.start() + (2 if mark == "|}" else 3)
        opening = _OPENING_OF[mark]
        if not depth[opening]:
            levels[-1][1].append(text[bracket.start() : position])
            continue
        while levels[-1][0] != opening:
            depth[levels[-1][0]] -= 1
            _flatten(levels)
        depth[opening] -= 1
        parts = levels.pop()[1]
        levels[-1][1].append(_MEANING[opening]("".join(parts)))
    levels[-1][1].append(text[position:])
    while len(levels) > 1:
        _flatten(levels)
    return "".join(levels[0][1])


def _settled(text: str) -> str:
    """Resolves brackets that meet once what stood between them is gone.

    Each time may join others, on hostile text alone more than once or twice: then what
    is left of them is no markup.
    """
    for _ in range(_TIMES):
        before, text = text, _resolve_brackets(text)
        if text == before:
            return text
    return _BRACKETS.sub(" ", text)


def _flatten(levels: list[tuple[str, list[str]]]) -> None:
    """Takes the innermost opening bracket as plain text."""
    opening, parts = levels.pop()
    levels[-1][1].extend((opening, *parts))


def _template(inside: str) -> str:
    """What a template shows: some of its arguments for a few, mostly nothing."""
    name, _, rest = inside.partition("|")
    name = name.strip().lower().replace("_", " ")
    if name in _DASHES:
        return " – "
    if name == "'s":
        return name
    shown = _SHOWN_ARGUMENTS.get(name)
    if shown is None or not rest:
        return " " if name in ("nbsp", "spaces", "space") else ""
    arguments = [part for part in rest.split("|") if not _NAMED.match(part)]
    return _WORDS_BEFORE.get(name, "") + " ".join(arguments[shown]).strip()


_NAMED = re.compile(r"\s*\w+\s*=")


def _table(inside: str) -> str:
    return "\n"


def _link(inside: str) -> str:
    """The text of a link to an article; nothing for files, categories, languages."""
    target, _, label = inside.partition("|")
    prefix, colon, _ = target.strip().partition(":")
    if colon and prefix:
        prefix = prefix.strip().lower()
        if _NOT_ARTICLES.fullmatch(prefix):
            return ""
        if not label and _LANGUAGE_CODE.fullmatch(prefix):
            return ""
    return label if label else target.strip().lstrip(":").replace("_", " ")


_OPENING_OF = {"}}": "{{", "|}": "{|", "]]": "[["}
_MEANING = {"{{": _template, "{|": _table, "[[": _link}
