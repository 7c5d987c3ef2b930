"""Writes the README's file tree from the first sentence of each file: `make tree`."""

import ast
import itertools
import json
import re
import subprocess
from pathlib import Path

FOLDERS = {
    "w2v_jax": "the library: pure functions; no flags, no printing",
    "experiments": "the commands: flags, printing and exit codes live here",
    "notebooks": "derivations to read and to run",
}
HEAD = [
    "    Makefile               every chore; `make help` lists them",
    "    .ci/run                what must pass before a change lands",
    "    pyproject.toml         dependencies and the settings of ruff, mypy and pytest",
]
TAIL = [
    "    tests/                 mirrors the library; oracle.py is an independent one"
]
WIDTH = 26
NATIVE = (".h", ".cc")


def first_sentence(path: Path) -> str:
    """What a file says of itself."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "".join(next(c for c in cells if c["cell_type"] == "markdown")["source"])
        return text.splitlines()[0].lstrip("# ")
    if path.suffix in NATIVE:
        lines = path.read_text(encoding="utf-8").splitlines()
        comment = itertools.takewhile(lambda line: line.startswith("//"), lines)
        text = "\n".join(line[2:].strip() for line in comment)
        return re.split(r"\.\s|\.$|\n\n", text)[0].replace("\n", " ").rstrip(".")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.split(r"\.\s|\n\n", text)[0].replace("\n", " ").rstrip(".")


def tree() -> str:
    """One line for each file that git knows, folders first, tests as one."""
    command = ["git", "ls-files", *FOLDERS]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    folders: dict[str, list[Path]] = {}
    for path in map(Path, listed.stdout.split()):
        known = path.suffix in (".py", ".ipynb", *NATIVE)
        if known and path.name != "__init__.py":
            folders.setdefault(str(path.parent), []).append(path)
    lines = list(HEAD)
    for folder in sorted(folders, key=lambda f: (not f.startswith("w2v_jax"), f)):
        lines.append(f"    {folder + '/':22} {FOLDERS.get(folder, '')}".rstrip())
        lines += [
            f"      {p.name:{WIDTH}} {first_sentence(p)}" for p in folders[folder]
        ]
    return "\n".join(lines + TAIL)


if __name__ == "__main__":
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    pattern = r"(?<=## Files\n\n).*?(?=\n\nA run is documented|\n\n`CHANGELOG)"
    readme.write_text(re.sub(pattern, lambda _: tree(), text, flags=re.DOTALL))
