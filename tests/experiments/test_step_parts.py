"""The micro-benchmark of a step's parts: its table, its files, its flags."""

import json

import pytest

from experiments import step_parts
from tests.experiments.benchmarking.patient import patient
from tests.experiments.test_cli import command
from w2v_jax.config import Config, resolve

FOUND = {
    "config": resolve(Config(optimizer="adam", kernel="native", dim=7), 2).to_dict(),
    "vocabulary": 70_000,
    "one_core": True,
    "product_flop_per_second": 100e9,
    "copy_bytes_per_second": 10e9,
    "parts": [
        {
            "name": "gather",
            "microseconds": 2.0,
            "flop": 0.0,
            "bytes": 10_000.0,
            "of_step": True,
        },
        {
            "name": "gradient",
            "microseconds": 5.0,
            "flop": 250_000.0,
            "bytes": 0.0,
            "of_step": True,
        },
        {
            "name": "whole step",
            "microseconds": 10.0,
            "flop": 0.0,
            "bytes": 0.0,
            "of_step": False,
        },
    ],
}


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_names_what_was_timed_and_the_kernel_that_it_was():
    # Adam has no native form: who asks for one reads here what he got
    told, empty, *_ = step_parts.table(FOUND).splitlines()
    assert told == (
        "skipgram, negative_sampling, V = 70,000, D = 7, kernel xla, replicas 2"
    )
    assert not empty


def test_rates_stand_beside_those_of_the_machine():
    heading, _, gather, gradient, whole, product, copy = map(
        cells, step_parts.table(FOUND).splitlines()[2:]
    )
    # 10,000 bytes in 2 us are 5 GB/s, half of a copy's 10
    assert gather == ["gather", "2", "20 %", "", "", "5", "50 %"]
    # 250,000 flop in 5 us are 50 GFLOP/s, half of a product's 100
    assert gradient == ["gradient", "5", "50 %", "50", "50 %", "", ""]
    assert whole == ["whole step", "10", "", "", "", "", ""]
    assert product == ["large product, one core", "", "", "100", "100 %", "", ""]
    assert copy == ["large copy, one core", "", "", "", "", "10", "100 %"]
    assert {len(line) for line in (heading, gather, product)} == {7}


def test_an_accelerator_is_called_a_device():
    assert "one device" in step_parts.table(FOUND | {"one_core": False})


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--vocabulary=1"], "vocabulary"),
        (["--windw=3"], "window"),
        (["stray"], "stray"),
        (["--objective=glove"], "objective"),
        (["--out=/dev/null/parts.json"], "--out=/dev/null/parts.json: "),
    ],
)
def test_bad_flags_get_one_line(flags, word, tmp_path):
    given = [f"--out={tmp_path}/parts.json", *flags]
    code, _, err = command("-m", "experiments.step_parts", *given)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert word in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_small_model_leaves_table_json_and_plot(tmp_path):
    given = [f"--out={tmp_path}/new/parts.json", f"--cache_dir={tmp_path}/cache"]
    given += ["--vocabulary=60", "--words=1000", "--times=1", "--dim=4", "--replicas=2"]
    given += ["--block=8", "--streams=1", "--shared_noise=4", "--window=2"]
    given += ["--kernel=xla"]
    code, out, err = patient("-m", "experiments.step_parts", *given)
    assert code == 0, err
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"parts.json", "parts.md", "parts.png", "parts.svg"}
    found = json.loads((tmp_path / "new" / "parts.json").read_text())
    assert out.strip() == (tmp_path / "new" / "parts.md").read_text().strip()
    assert found["machine"]["date"] in found["machine"].values()
    assert found["config"]["dim"] == 4
    parts = {part["name"]: part for part in found["parts"]}
    for name in ("gather input rows", "gradient in the rows", "meeting, hot rows"):
        assert parts[name]["microseconds"] > 0
    # one block: scores of 8 hidden vectors and 8 + 4 targets, 4 noise rows, thrice
    assert parts["gradient in the rows"]["flop"] == 3 * 2 * 8 * (12 + 4) * 4
    assert found["product_flop_per_second"] > 0
