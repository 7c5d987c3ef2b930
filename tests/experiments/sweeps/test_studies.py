"""experiments/README.md is what the presets and the committed results say."""

import re
from pathlib import Path

import pytest

from experiments.sweeps import studies
from experiments.sweeps.presets import PRESETS
from experiments.sweeps.sweep import make_cells


def test_the_committed_text_is_the_one_that_would_be_written():
    assert studies.README.read_text(encoding="utf-8") == studies.written()


def test_every_study_has_question_command_expected_and_found(tmp_path):
    text = studies.written(tmp_path)
    for preset in PRESETS.values():
        assert f"\n## {preset.name}\n" in text
        for part in (preset.question, preset.command(), preset.expected, preset.remark):
            assert part in text
    assert text.count(studies.NOT_RUN) == len(PRESETS)


def test_what_was_found_takes_the_place_of_not_run(tmp_path):
    (tmp_path / "window.md").write_text("| window | score |\n|---|---|\n| 2 | .5 |\n")
    text = studies.written(tmp_path)
    assert "**Found.** | window | score |" not in text  # a table needs its own line
    assert "\n\n| window | score |\n|---|---|\n| 2 | .5 |\n" in text
    assert text.count(studies.NOT_RUN) == len(PRESETS) - 1


def test_what_was_found_in_words_stands_before_the_tables(tmp_path):
    (tmp_path / "window.md").write_text("| 2 | .5 |\n")
    (tmp_path / "window.found.md").write_text("Small windows win.\n")
    section = studies.section(PRESETS["window"], tmp_path)
    assert section.endswith("**Found.**\n\nSmall windows win.\n\n| 2 | .5 |\n")


@pytest.mark.parametrize("path", sorted(studies.FOUND.glob("*.found.md")), ids=str)
def test_every_figure_in_words_stands_in_a_table_of_the_study(path):
    name = path.name.partition(".")[0]
    table = path.with_name(f"{name}.md").read_text() + PRESETS[name].remark
    table += " ".join(studies.section(PRESETS[name], Path("nowhere")).split())
    # What stands in code marks is a flag, not a figure.
    words = re.sub(r"`[^`]*`", "", path.read_text())
    figures = re.findall(r"\d*\.\d+", words)
    assert figures
    assert [figure for figure in figures if figure not in table] == []


def test_the_spelled_out_command_has_the_cells_of_the_preset(tmp_path):
    for preset in PRESETS.values():
        lines = studies.section(preset, tmp_path).splitlines()
        flags = [line.strip() for line in lines if line.startswith("    --")]
        sweeps = [f.partition("=")[2] for f in flags if f.startswith("--sweep=")]
        named = [f.partition("=")[2][1:-1] for f in flags if f.startswith("--cell=")]
        again = make_cells(sweeps, named)
        assert again == make_cells(preset.sweeps, preset.cells)
        assert f"--seeds={preset.seeds}" in flags
        for name, value in preset.flags.items():
            assert f"--{name}={value}" in flags


def test_no_result_lies_there_without_a_study():
    names = {path.name.partition(".")[0] for path in studies.FOUND.glob("*.md")}
    assert names <= set(PRESETS)
