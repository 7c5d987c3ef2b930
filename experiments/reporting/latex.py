r"""Tables as LaTeX: booktabs, nothing else; to be \input into a paper.

A mean with its deviation and its interval share a field; the smaller part is set in
\scriptsize. Text that is not Latin needs xelatex or lualatex and a font that has it.
"""

from experiments.reporting.tables import NOTHING, Field, TableData

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "–": "--",
    "≤": r"$\le$",
    "▲": r"$\blacktriangle$",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
    "µ": r"$\mu$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
} | {character: "\\" + character for character in "#$%&_"}


MOST = 30  # rows that fit a page as a float; a longer table breaks across pages
WIDE = 8  # columns beyond which letters and gaps are smaller


def latex(table: TableData) -> str:
    """A table environment, or a longtable, with caption, label and note."""
    numbers = len(table.columns) - table.texts
    shape = "@{}" + "l" * table.texts + "r" * numbers + "@{}"
    body = [r"\toprule", _row([escaped(column) for column in table.columns])]
    body.append(r"\midrule")
    rows = [_row([_field(field) for field in row]) for row in table.rows]
    title = rf"\caption{{{escaped(table.title)}}}\label{{tab:{table.name}}}"
    size = r"\scriptsize\setlength{\tabcolsep}{3pt}"
    size = size if len(table.columns) > WIDE else r"\small"
    note = rf"\parbox{{\linewidth}}{{\footnotesize {escaped(table.note)}}}"
    if len(rows) > MOST:
        lines = [
            r"% needs \usepackage{booktabs,longtable} in the preamble",
            rf"{{{size}",
            rf"\begin{{longtable}}{{{shape}}}",
            rf"{title}\\",
            *body,
            r"\endfirsthead",
            *body,
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *rows,
            r"\end{longtable}}",
            rf"\noindent{note}",
        ]
    else:
        lines = [
            r"% needs \usepackage{booktabs} in the preamble",
            r"\begin{table}[t]",
            r"\centering",
            size,
            title,
            rf"\begin{{tabular}}{{{shape}}}",
            *body,
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
            r"\smallskip",
            note,
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def document(names: list[str]) -> str:
    """A document that shows the tables of the same folder, to compile as it is."""
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[a3paper,margin=1cm,landscape]{geometry}",
            r"\usepackage{booktabs,longtable}",
            r"\begin{document}",
            *(rf"\input{{{name}}}" for name in names),
            r"\end{document}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text in which no character means anything to TeX."""
    return " ".join("".join(_SPECIAL.get(c, c) for c in text).split())


def _row(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _field(field: Field) -> str:
    if field.text == NOTHING:
        return "--"
    text = escaped(field.text)
    if field.bold:
        text = rf"\textbf{{{text}}}"
    if field.minor:
        # a field that begins with a bracket would be read as an option of \\
        text += rf" {{\scriptsize {escaped(field.minor)}}}"
    return f"{{}}{text}" if text.startswith("[") else text
