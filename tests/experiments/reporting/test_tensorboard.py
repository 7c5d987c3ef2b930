"""Events for TensorBoard, read back by TensorBoard itself where it is installed."""

import builtins
import dataclasses
import struct
import warnings

import pytest

from experiments.reporting.cells import make_grid
from experiments.reporting.collect import collect
from experiments.reporting.tensorboard import write_events
from tests.experiments.reporting.planted import write_sweep

SCORES = {("a/b", "google@1-9"): {1: 0.25, 2: 0.5}, ("c", "pairs"): {1: 0.75}}


@pytest.fixture
def cells(tmp_path):
    arguments = {"a/b": {"window": 2}, "c": {"window": 3}}
    root = write_sweep(tmp_path / "runs", arguments, (1, 2))
    return make_grid(collect(root)).cells


def crc32c(data):
    """The Castagnoli checksum, bit by bit (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 & -(value & 1))
    return value ^ 0xFFFFFFFF


def masked(data):
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The records of a TFRecord file, both checksums of each held to."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == masked(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        (check,) = struct.unpack_from("<I", data, at + 12 + length)
        assert check == masked(body)
        at += 16 + length
        yield body


def scalars(folder):
    """{tag: [(step, wall time, value)]} of a run, by tensorboardX's own messages."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict = {}
    (path,) = folder.glob("events.out.tfevents.*")
    for record in records(path):
        event = Event()
        event.ParseFromString(record)
        for value in event.summary.value:
            if value.HasField("simple_value"):
                point = (event.step, event.wall_time, value.simple_value)
                found.setdefault(value.tag, []).append(point)
    return found


def test_every_run_has_a_folder_with_its_metrics_and_scores(tmp_path, cells):
    made = write_events(cells, tmp_path / "tb", SCORES)
    names = [str(path.relative_to(tmp_path / "tb")) for path in made]
    assert names == ["a_b/seed-1", "a_b/seed-2", "c/seed-1", "c/seed-2"]
    found = scalars(made[0])
    lines = cells[0].runs[0].metrics()
    for tag in ("loss", "learning_rate", "words_per_second", "epoch"):
        assert [step for step, _, _ in found[tag]] == [w["raw_words"] for w in lines]
        # the file holds float32
        expected = [pytest.approx(line[tag], rel=1e-7) for line in lines]
        assert [value for _, _, value in found[tag]] == expected
    assert found["score/google_1-9"][0][::2] == (50_000, 0.25)
    assert "score/google_1-9" not in scalars(made[2])
    assert scalars(made[2])["score/pairs"][0][2] == 0.75
    assert "score/pairs" not in scalars(made[3])  # no score of that seed


def test_wall_times_are_those_of_the_training(tmp_path, cells):
    (folder, *_) = write_events(cells, tmp_path / "tb", {})
    times = [wall for _, wall, _ in scalars(folder)["loss"]]
    seconds = [line["seconds"] for line in cells[0].runs[0].metrics()]
    ended = (cells[0].runs[0].path / "summary.json").stat().st_mtime
    assert times[-1] == pytest.approx(ended, abs=1e-3)
    assert times[-1] - times[0] == pytest.approx(seconds[-1] - seconds[0], abs=1e-3)


def test_a_second_report_replaces_the_first(tmp_path, cells):
    (folder, *_) = write_events(cells, tmp_path / "tb", {})
    (first,) = folder.iterdir()
    first.rename(folder / "events.out.tfevents.1.earlier")  # names are by the second
    write_events(cells, tmp_path / "tb", {})
    assert len(list(folder.iterdir())) == 1
    assert len(scalars(folder)["loss"]) == 10


def test_cells_whose_folders_would_be_one_have_two(tmp_path, cells):
    twin = dataclasses.replace(cells[1], name="a_b")
    made = write_events([cells[0], twin], tmp_path / "tb", {})
    names = [path.parent.name for path in made]
    assert names == ["a_b", "a_b", "a_b_2", "a_b_2"]


@pytest.mark.slow
def test_tensorboard_reads_the_same(tmp_path, cells):
    name = "tensorboard.backend.event_processing.event_accumulator"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a reader that is not ours to mend
        accumulator = pytest.importorskip(name, reason="needs tensorboard")
    (folder, *_) = write_events(cells, tmp_path / "tb", SCORES)
    loaded = accumulator.EventAccumulator(str(folder))
    loaded.Reload()
    ours = scalars(folder)
    assert set(loaded.Tags()["scalars"]) == set(ours)
    for tag, points in ours.items():
        theirs = [(e.step, e.wall_time, e.value) for e in loaded.Scalars(tag)]
        assert theirs == points
    (text,) = loaded.Tensors("config/text_summary")
    assert b"window: 2" in text.tensor_proto.string_val[0]


def test_without_tensorboardx_the_remedy_is_named(tmp_path, cells, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "tensorboardX":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'w2v_jax\[tensorboard\]'"):
        write_events(cells, tmp_path, {})
