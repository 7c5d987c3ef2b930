"""experiments/README.md is what the presets and the committed results say."""

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
    assert {path.stem for path in studies.FOUND.glob("*.md")} <= set(PRESETS)
