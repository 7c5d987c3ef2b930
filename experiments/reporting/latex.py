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
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
} | {character: "\\" + character for character in "#$%&_"}


def latex(table: TableData) -> str:
    """A table environment with caption, label and note."""
    columns = "l" + "r" * (len(table.columns) - 1)
    lines = [
        r"% needs \usepackage{booktabs} in the preamble",
        r"\begin{table}[t]",
        r"\centering",
        r"\small",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        _row([escaped(column) for column in table.columns]),
        r"\midrule",
        *(_row([_field(field) for field in row]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        "",
        r"\smallskip",
        rf"\parbox{{\linewidth}}{{\footnotesize {escaped(table.note)}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def document(names: list[str]) -> str:
    """A document that shows the tables of the same folder, to compile as it is."""
    return "\n".join(
        [
            r"\documentclass[a4paper]{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[margin=1cm,landscape]{geometry}",
            r"\usepackage{booktabs}",
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
