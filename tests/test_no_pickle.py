"""Nothing is ever unpickled: a lint rule forbids it, and the rule is shown to bite."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path
    for folder in ("w2v_jax", "experiments", "tests", "notebooks", ".ci")
    for path in (ROOT / folder).rglob("*.py")
)


def findings(code: str, name: str = "w2v_jax/made_up.py") -> str:
    """What ruff says of a file with the project's own rules."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise"]
    command += ["--no-cache", f"--stdin-filename={name}", "-"]
    done = subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["w2v_jax/a.py", "experiments/a.py", "tests/a.py"])
@pytest.mark.parametrize(
    "code",
    [
        "import pickle\n\nprint(pickle)\n",
        "from pickle import loads\n\nprint(loads)\n",
        "import numpy as np\n\nprint(np.load('a.npy'))\n",
        "from numpy import load\n\nprint(load('a.npy'))\n",
        "import joblib\n\nprint(joblib.load('a'))\n",
        "import dill\n\nprint(dill)\n",
        "import cloudpickle\n\nprint(cloudpickle)\n",
        "import shelve\n\nprint(shelve)\n",
        "import marshal\n\nprint(marshal)\n",
    ],
    ids=lambda code: code.splitlines()[0] + code.splitlines()[2][:14],
)
def test_the_lint_rule_finds_what_unpickles_everywhere(code, name):
    assert "TID251" in findings(code, name)


def test_the_lint_rule_lets_other_readers_pass():
    code = "import json\n\nimport numpy as np\n\n"
    code += "print(json.loads('{}'), np.fromfile('a'))\n"
    assert "TID251" not in findings(code)


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_allows_pickles_or_evaluates_text(path):
    text = path.read_text(encoding="utf-8")
    for call in calls(ast.parse(text)):
        line = f"{path}: line {call.lineno}"
        for keyword in call.keywords:
            if keyword.arg == "allow_pickle":
                assert isinstance(keyword.value, ast.Constant), line
                assert keyword.value.value is False, line
        if isinstance(call.func, ast.Name) and "tests" not in path.parts:
            assert call.func.id not in ("eval", "exec"), line
    if path.name != Path(__file__).name:
        for line in text.splitlines():
            if "TID251" in line and "noqa" in line:
                assert "allow_pickle=False" in line or "load" not in line, path
