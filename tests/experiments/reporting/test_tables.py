"""Tables as Markdown, CSV and LaTeX say the same, and no mean stands alone."""

import csv
import io
import re
import shutil
import subprocess

import numpy as np
import pytest

from experiments.reporting.intervals import estimate
from experiments.reporting.latex import MOST, document, escaped, latex
from experiments.reporting.tables import (
    ENDS,
    NOTHING,
    Field,
    TableData,
    comma_separated,
    estimate_columns,
    estimate_values,
    interval_text,
    markdown,
    number_text,
    p_text,
    score_field,
)

NASTY = r"a|b_c*d`e<f>[g]\h & 50 % #1 $x$ {y} ~z ^w " + '"q"'
SCORES = estimate(np.array([0.5, 0.6]), np.linspace(0.4, 0.8, 1001), 9, 10)


def table(rows, columns=("cell", "score"), texts=1):
    plain = (columns, tuple(tuple(field.text for field in row) for row in rows))
    return TableData(
        "scores", "Quality, 50 %", columns, tuple(rows), "A note: 5 % & more.", plain,
        texts,
    )  # fmt: skip


ROWS = [
    (Field(NASTY), Field("55.0 ± 7.1", True, "[41.0, 79.0] 90 %")),
    (Field("中文"), Field(NOTHING)),
]


def test_a_mean_comes_with_deviation_interval_and_coverage():
    field = score_field(SCORES)
    assert field.text == "55.0 ± 7.1"
    assert field.minor == "[41.0, 79.0] 90 %"
    assert not field.bold
    assert score_field(SCORES, 3, 1.0).text == "0.550 ± 0.071"
    assert score_field(SCORES, bold=True).bold


def test_one_seed_says_so_and_has_the_interval_of_its_items():
    one = estimate(np.array([0.5]), np.linspace(0.4, 0.8, 1001), 10, 10)
    field = score_field(one)
    assert field == Field("50.0 (1 seed)", False, "[41.0, 79.0] 100 %")
    bare = score_field(estimate(np.array([3.25])), 2, 1.0)
    assert bare == Field("3.25 (1 seed)")
    assert score_field(None) == Field(NOTHING)


def test_what_has_no_items_has_the_interval_over_seeds():
    field = score_field(estimate(np.array([1.0, 2.0, 3.0])), 2, 1.0)
    # t = 4.303 for two degrees of freedom
    half = 4.3027 / np.sqrt(3)
    assert field == Field("2.00 ± 1.00", False, f"[{2 - half:.2f}, {2 + half:.2f}]")


def test_numbers_are_written_as_readers_expect():
    assert p_text(0.00004) == "<0.0001"
    assert p_text(0.0312499) == "0.0312"
    assert p_text(None) == number_text(None) == NOTHING
    assert number_text(-0.5, "+.1f") == "-0.5"
    assert interval_text(None) == ""
    assert interval_text((-0.016, 0.25)) == "[-1.6, 25.0]"


def test_markdown_has_a_row_a_line_and_no_character_that_means_something():
    text = markdown(table(ROWS))
    lines = text.splitlines()
    assert lines[0] == "**Quality, 50 %**"
    assert lines[3] == "|---|---:|"
    unescaped = [re.split(r"(?<!\\)\|", line) for line in lines[2:6]]
    assert {len(fields) for fields in unescaped} == {4}  # two and the outer ones
    assert r"a\|b\_c\*d\`e\<f>\[g\]\\h" in lines[4]
    assert r"**55.0 ± 7.1** \[41.0, 79.0\] 90 %" in lines[4]
    assert "中文" in lines[5]
    assert lines[-1] == "A note: 5 % & more."


def test_csv_reads_back_as_the_numbers_it_was_made_of():
    made = table([])._replace(
        plain=(
            ("cell", *estimate_columns("google")),
            ((NASTY, *estimate_values(SCORES)), ("none", *estimate_values(None))),
        )
    )
    head, first, second = csv.reader(io.StringIO(comma_separated(made)))
    assert head == ["cell", *(f"google {end}" for end in ENDS)]
    found = dict(zip(head, first, strict=True))
    assert found["cell"] == NASTY
    assert float(found["google mean"]) == SCORES.mean  # in full
    assert float(found["google seeds_high"]) == SCORES.over_seeds[1]
    assert (found["google seeds"], found["google items"]) == ("2", "9")
    assert second == ["none"] + [""] * len(ENDS)


def test_latex_escapes_every_character_that_means_something():
    for character in "#$%&_{}":
        assert escaped(character) == "\\" + character
    assert escaped("a ± b × c") == r"a $\pm$ b $\times$ c"
    assert escaped("~^\\") == (r"\textasciitilde{}\textasciicircum{}\textbackslash{}")
    assert escaped("two\nlines") == "two lines"


def test_latex_has_the_rules_of_booktabs_and_as_many_fields_as_columns():
    text = latex(table(ROWS))
    order = [text.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")]
    assert order == sorted(order)
    assert r"\begin{tabular}{@{}lr@{}}" in text
    assert r"\caption{Quality, 50 \%}\label{tab:scores}" in text
    assert r"\textbf{55.0 $\pm$ 7.1} {\scriptsize [41.0, 79.0] 90 \%}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(ROWS)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {1}
    assert "|" not in text.replace("$|$", "")  # no vertical rules


def test_a_long_table_breaks_across_pages_and_a_wide_one_is_smaller():
    short, long = (latex(table(ROWS * n)) for n in (MOST // 2, MOST))
    assert r"\begin{table}" in short
    assert r"\begin{longtable}{@{}lr@{}}" in long
    assert r"\begin{table}" not in long
    wide = table([tuple(ROWS[0][:1] * 12)], tuple("abcdefghijkl"), texts=3)
    assert r"\scriptsize\setlength{\tabcolsep}{3pt}" in latex(wide)
    assert r"{@{}lllrrrrrrrrr@{}}" in latex(wide)


@pytest.mark.parametrize("count", [1, MOST])
def test_latex_compiles(tmp_path, count):
    found = next(filter(shutil.which, ("pdflatex", "tectonic", "xelatex")), None)
    if found is None:
        pytest.skip("needs a TeX with booktabs: make report-tools installs one")
    rows = [ROWS[0], (Field("[begins"), Field("–", False, "[1, 2]"))] * count
    (tmp_path / "scores.tex").write_text(latex(table(rows)))
    (tmp_path / "report.tex").write_text(document(["scores"]))
    options = ["-interaction=nonstopmode", "-halt-on-error"] * (found != "tectonic")
    done = subprocess.run(
        [found, *options, "report.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "Overfull" not in done.stdout
