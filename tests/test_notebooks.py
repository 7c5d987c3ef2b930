"""The notebooks run, say nothing on stderr, define nothing; their tables hold."""

import ast
import importlib
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CHINESE = re.compile("[\u4e00-\u9fff]")


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    """The source of each code cell, IPython's own lines left out."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [re.sub(r"(?m)^%.*$", "", source) for source in cells]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def test_there_is_a_notebook_for_each_topic_and_the_index_names_them():
    index = (FOLDER / "README.md").read_text()
    assert len(NOTEBOOKS) == 5
    for path in NOTEBOOKS:
        assert f"({path.name})" in index


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_warning_and_shows_plots(path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "default")  # once for each place, not hidden
    notebook = read(path)
    place = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    said = [out.text for out in outputs if out.get("name") == "stderr"]
    assert said == []
    plots = [out for out in outputs if "image/png" in out.get("data", {})]
    assert len(plots) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_defines_nothing(path):
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for source in code(notebook):
        kinds = {type(node) for node in ast.walk(ast.parse(source))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_headings_and_summaries_are_in_english_and_chinese(path):
    text = prose(read(path))
    headings = re.findall(r"(?m)^#+ (.*)$", "\n".join(text))
    assert len(headings) > 5
    for heading in headings:
        assert CHINESE.search(heading)
        assert re.search("[A-Za-z]{3}", heading)
    assert "**摘要**" in text[0]
    assert "总结" in text[-1] or "总结" in text[-2]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_to_files_and_to_functions_that_exist(path):
    links = re.findall(r"\[([^\]]+)\]\(([^)#]+)\)", "\n".join(prose(read(path))))
    assert len(links) >= 5
    for name, target in links:
        file = (FOLDER / target).resolve()
        assert file.exists(), target
        if name.startswith("`") and "." in name:
            function = name.strip("`").split(".")[-1]
            assert re.search(rf"(?m)^(def|class) {function}\b", file.read_text()), name


@pytest.mark.parametrize(
    ("number", "claim", "measured"),
    [
        (1, "softmax of 3, 1, -1", r"np\.exp\(\[0, -2, -4\]\)"),
        (1, "0.9^1000 as a product", r"float32\(0\.9\*\*1000\) == 0 < 0\.9\*\*1000"),
        (1, "and as a sum of logs", r"7200 \* np\.log\(0\.9\)"),
        (1, "cross-entropy, squared error", r"cross_entropy\[0\] / squared\[0\] > 1e4"),
        (1, "the worked log-likelihood", r"np\.log\(pairs\)\.sum\(\) \+ 2\.29"),
        (1, "the one-pair training", r"assert gap\.max\(\) < 1e-12"),
        (2, "factorisation of shifted PMI", r"shifted_pmi\("),
        (2, "the toy corpus", r"len\(pairs\)\) == \(20, 84\)"),
        (3, "a drawn Huffman tree", r"import draw\n(.|\n)*\bdraw\("),
        (4, "the factor 1/2m", r"cbow_hidden_gradient"),
        (5, "lookup", r"beijing @ W, W\[2\]"),
        (5, "one-hots are orthogonal", r"assert_array_equal\(cosines, np\.eye\(5\)\)"),
        (5, "and all equally far", r"np\.sqrt\(2\)"),
        (5, "score table", r"0\.386, 0\.626, 0\.866, 1\.106, 1\.346"),
        (5, "network view = matrix view", r"network, matrix\[centres\]"),
    ],
)  # fmt: skip
def test_each_claim_of_the_notes_is_measured_in_a_notebook(number, claim, measured):
    cells = "\n".join(code(read(NOTEBOOKS[number - 1])))
    assert re.search(measured, cells), claim


def table(name):
    """The rows of the table in a Markdown file, its two head lines left out."""
    lines = (FOLDER / name).read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    return [re.split(r"(?<!\\)\|", row.strip("|")) for row in rows]


def test_every_row_of_the_tables_has_all_its_columns():
    assert {len(row) for row in table("FORMULAS.md")} == {4}
    assert {len(row) for row in table("ERRATA.md")} == {4}
    assert len(table("FORMULAS.md")) > 30
    assert len(table("ERRATA.md")) > 30


@pytest.mark.parametrize("note", ["000", "001", "002", "003", "004"])
def test_every_note_has_formulas_and_errata(note):
    for name in ("FORMULAS.md", "ERRATA.md"):
        assert any(note in row[0] for row in table(name))


def test_every_formula_names_a_function_of_the_library():
    for row in table("FORMULAS.md"):
        module, *names = row[2].strip().strip("`").rsplit(".", 1)
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:  # a method: module.Class.method
            module, name = module.rsplit(".", 1)
            found = getattr(importlib.import_module(module), name)
        assert getattr(found, names[0], None) is not None, row[2]


@pytest.mark.parametrize("name", ["FORMULAS.md", "ERRATA.md"])
def test_every_test_named_in_a_table_exists(name):
    root = FOLDER.parent
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (FOLDER / name).read_text())
    assert len(named) > 20
    for file, test in named:
        text = (root / file).read_text()
        assert not test or f"def {test}(" in text, test
