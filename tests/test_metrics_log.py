import json
import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.broken_disks import small_files
from w2v_jax.metrics_log import MetricsLog, cut_back, read_metrics

FINITE = st.floats(allow_nan=False, allow_infinity=False)
METRICS = st.dictionaries(st.text(), st.one_of(st.integers(), FINITE, st.text()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def fill(path, steps):
    with MetricsLog(path) as log:
        for step in steps:
            log.append(step=step, loss=1 / (step + 1))


def steps_in(path):
    return [line["step"] for line in read_metrics(path)]


@given(st.lists(METRICS, max_size=5))
def test_every_line_is_one_object_and_comes_back_equal(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    with MetricsLog(path) as log:
        for line in lines:
            log.append(**line)
    assert read_metrics(path) == lines
    assert path.read_bytes().count(b"\n") == len(lines)


def test_a_second_log_goes_on_where_the_first_ended(path):
    fill(path, [0, 1])
    fill(path, [2])
    assert steps_in(path) == [0, 1, 2]


def test_a_line_can_be_read_before_the_log_is_closed(path):
    with MetricsLog(path) as log:
        log.append(step=3)
        assert steps_in(path) == [3]


def test_numpy_and_jax_numbers_become_numbers_and_whole_ones_stay_exact(path):
    with MetricsLog(path) as log:
        log.append(step=np.int64(2**62 + 1), loss=jnp.float32(0.5), on=np.bool_(True))
    assert read_metrics(path) == [{"step": 2**62 + 1, "loss": 0.5, "on": True}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_float_that_is_not_finite_becomes_null(path, value):
    with MetricsLog(path) as log:
        log.append(step=1, loss=value)
    assert json.loads(path.read_text(), parse_constant=pytest.fail)["loss"] is None


@pytest.mark.parametrize("value", [{"a": 1}, [1], np.zeros(2), object()])
def test_what_is_no_single_number_is_refused_and_writes_nothing(path, value):
    with MetricsLog(path) as log, pytest.raises(ValueError, match=r"^loss="):
        log.append(step=1, loss=value)
    assert path.read_bytes() == b""


def test_going_on_keeps_the_lines_up_to_the_checkpoint(path):
    fill(path, [0, 10, 20, 30])
    before = path.read_bytes().splitlines(keepends=True)
    assert cut_back(path, 20) == []
    assert path.read_bytes() == b"".join(before[:3])


def test_without_a_checkpoint_or_a_file_nothing_is_kept_and_nothing_made(path):
    assert cut_back(path, None) == []
    assert not path.exists()
    fill(path, [0, 10])
    cut_back(path, None)
    assert path.read_bytes() == b""


@given(st.integers(0, 100))
def test_a_torn_last_line_is_dropped_wherever_it_was_torn(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    fill(path, [0, 10, 20])
    whole = path.read_bytes()
    torn = whole[: len(whole) - 1 - cut]
    path.write_bytes(torn)
    assert cut_back(path, 20) == []
    complete = torn.count(b"\n")
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:complete])
    fill(path, [30])
    assert steps_in(path) == [*[0, 10, 20][:complete], 30]


@pytest.mark.parametrize(
    "line",
    [
        b"\0\0\0",
        b"[1]",
        b'{"loss": 2}',
        b'{"step": "4"}',
        b'{"step": true}',
        b"\xff",
        b"[" * 5000,
        b"",
    ],
    ids=["zeros", "list", "no step", "no number", "truth", "no UTF-8", "deep", "empty"],
)
def test_a_broken_line_inside_is_dropped_and_said_with_its_number(path, line):
    fill(path, [0, 10])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + b"\n" + second)
    assert cut_back(path, 10) == [f"{path}: line 2 is no metric, dropped"]
    assert path.read_bytes() == first + second


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff"])
def test_reading_names_a_line_that_is_no_object(path, line):
    fill(path, [0])
    path.write_bytes(path.read_bytes() + line + b"\n" + b'{"torn')
    with pytest.raises(ValueError, match=r"metrics.jsonl: line 2: no JSON object"):
        read_metrics(path)


def test_a_full_disk_names_the_log_and_what_was_written_can_still_be_read(path):
    too_large = pytest.raises(OSError, match="File too large")
    with MetricsLog(path) as log:
        log.append(step=1)
        with small_files(30), too_large as caught:
            log.append(step=2, note="x" * 100)
    assert caught.value.filename == str(path)
    assert steps_in(path) == [1]
    assert len(path.read_bytes()) == 30, "the write was torn, as on a full disk"
    cut_back(path, 1)
    fill(path, [2])
    assert steps_in(path) == [1, 2]
