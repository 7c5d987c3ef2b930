"""Writes experiments/README.md: each study's question, command, expected and found.

    python -m experiments.sweeps.studies    or: make studies

The first three come from the presets, "found" from experiments/studies: in words from
NAME.found.md, then the tables of NAME.md, which `experiments.report --study` writes.
"""

from pathlib import Path

from experiments.sweeps.presets import CORPUS, PRESETS, Preset

FOLDER = Path(__file__).resolve().parents[1]
README, FOUND = FOLDER / "README.md", FOLDER / "studies"
NOT_RUN = "Not run yet."
HEAD = f"""# The studies

Written by `make studies` from `experiments/sweeps/presets.py` and the tables in
`experiments/studies/`; edit those. Corpus: `{CORPUS}`, the whole of it
or its first 25 MB (4,250,000 words). Each command can be stopped and given again;
`--dry_run` says what is left. Then `python -m experiments.report --workdir=DIR` makes
tables and plots.

"""


def written(found: Path = FOUND) -> str:
    """The text of experiments/README.md.

    Args:
      found: folder of NAME.found.md and NAME.md of each study that has been run.
    """
    lines = [f"- [{preset.name}](#{preset.name})" for preset in PRESETS.values()]
    sections = [section(preset, found) for preset in PRESETS.values()]
    return HEAD + "\n".join(lines) + "\n\n" + "\n".join(sections)


def section(preset: Preset, found: Path) -> str:
    """One study."""
    files = found / f"{preset.name}.found.md", found / f"{preset.name}.md"
    texts = [
        file.read_text(encoding="utf-8").strip() for file in files if file.exists()
    ]
    cells = [f"--cell={cell!r}" for cell in preset.cells]
    cells += [f"--sweep={sweep}" for sweep in preset.sweeps]
    cells += [f"--{name}={value}" for name, value in preset.flags.items()]
    spelled = "\n".join(f"    {line}" for line in [*cells, f"--seeds={preset.seeds}"])
    parts = [
        f"## {preset.name}",
        f"**Question.** {preset.question}",
        f"**Command.** `{preset.command()}`, which stands for",
        spelled,
        f"**Expected.** {preset.expected}",
        f"**Cost.** {preset.cost[0].upper()}{preset.cost[1:]}, on two cores.",
        preset.remark,
        "**Found.**",
        *(texts or [NOT_RUN]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    README.write_text(written(), encoding="utf-8")
