"""The native step beside an oracle in float64, on shapes of every kind."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import jax.ffi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import SAMPLED
from tests.native import cases
from tests.native.needs import command, compiler
from w2v_jax.native import build

pytestmark = compiler
ROOT = Path(__file__).resolve().parents[2]
SHAPES = st.fixed_dictionaries({n: st.sampled_from(v) for n, v in cases.SIZES.items()})
on_x86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="needs an x86 processor"
)


@pytest.fixture(autouse=True, scope="module")
def registered():
    build.register(build.DEFAULT_CACHE)


@pytest.mark.parametrize("model", cases.MODELS)
@settings(max_examples=8)
@given(
    sizes=SHAPES,
    length=st.sampled_from(cases.LENGTHS),
    words=st.sampled_from(cases.WORDS),
    sentences=st.sampled_from(cases.SENTENCES),
    seed=st.integers(0, 2**32),
)
def test_any_chunk_is_that_of_the_formulas(
    model, sizes, length, words, sentences, seed
):
    made = cases.case(model, length, words, sentences, seed, **sizes)
    assert cases.distance(made) < cases.CLOSE


@pytest.mark.parametrize("model", SAMPLED)
def test_a_cap_below_one_pair_holds_for_rows_of_less_than_one(model):
    # Each of 33 noise rows counts for 1/33 of a pair: as one, says the pure path.
    sizes = {"window": 1, "shared_noise": 33, "negatives": 1, "row_cap": 0.5}
    made = cases.case(model, 2, 60, 0.0, 1, **sizes)
    assert cases.distance(made) < cases.CLOSE
    free = made._replace(config=made.config.replace(row_cap=0.0))
    moved = cases.expected(made)["output"] - made.tables["output"]
    freely = cases.expected(free)["output"] - made.tables["output"]
    assert np.abs(moved).max() < 0.9 * np.abs(freely).max()


@pytest.mark.parametrize("model", cases.MODELS)
def test_a_text_of_lone_words_teaches_nothing(model):
    made = cases.case(model, 40, 23, 1.0, replicas=3, row_cap=1.0)
    for name, table in cases.trained(made).items():
        np.testing.assert_array_equal(table, made.tables[name])


@pytest.mark.parametrize("model", cases.MODELS)
def test_replicas_give_the_same_bits_however_they_are_scheduled(model):
    # More of them than cores, steps of a few microseconds: they overtake each other.
    sizes = {"block": 3, "exchange_every": 2, "dim": 33, "replicas": 5}
    made = cases.case(model, 90, 150, 0.1, 7, **sizes)
    first = cases.trained(made)
    for _ in range(40):
        for name, table in cases.trained(made).items():
            np.testing.assert_array_equal(table, first[name])


@pytest.mark.parametrize("model", cases.MODELS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_stays_to_be_noticed(model, value):
    # A run looks at its tables now and then; training on must not hide what it finds.
    made = cases.case(model, 40, 23, 0.1, replicas=2)
    for name, table in made.tables.items():
        spoilt = table.copy()
        spoilt[0, 0] = value
        after = cases.trained(made._replace(tables=made.tables | {name: spoilt}))
        assert not np.isfinite(after[name][0, 0])


@pytest.mark.parametrize("model", cases.MODELS)
@pytest.mark.parametrize("size", [1e3, 1e15, 1e18])
def test_scores_of_any_size_move_rows_by_no_more_than_a_pair_can(model, size):
    # One step of one pair: |change| <= rate (1 + K) |other row|, the logistic being in
    # [0, 1]. Scores reach size squared times D = 7; float32 ends at 3e38.
    made = cases.case(model, 2, 2, 0.0, 3, window=1, block=2, input_rate_scale=1.0)
    grown = {n: (t * size).astype(np.float32) for n, t in made.tables.items()}
    after = cases.trained(made._replace(tables=grown))
    most = made.rates[0] * (1 + made.config.negatives) * made.config.block
    wide = max(np.abs(table).max() for table in grown.values())
    # Rounding: half a unit in the last place of the larger of row and sum, 1e-6 of it.
    room = most * wide + 1e-6 * wide
    for name, table in grown.items():
        assert np.abs(after[name] - table).max() <= room


def test_a_replica_that_finds_no_memory_or_thread_ends_the_call_not_the_process():
    """In a process of its own: 1,000 threads within 100 MiB."""
    code = """
import resource
from tests.models import SAMPLED
from tests.native import cases
from w2v_jax.native import build
build.register(build.DEFAULT_CACHE)
made = cases.case(cases.MODELS[0])
cases.trained(made)
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + (100 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    cases.trained(made._replace(config=made.config.replace(replicas=1000)))
except Exception as error:
    print(error)
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc, which tells how large a process is")
    done = ran([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("RESOURCE_EXHAUSTED: native step: ")


def ran(called, **environment):
    return subprocess.run(
        called,
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def compiled(path, *flags):
    """The step compiled with other flags."""
    plain = ("-std=c++17", "-fPIC", "-shared", "-pthread", "-w")
    include = f"-I{jax.ffi.include_dir()}"
    done = ran(command(*plain, *flags, include, build._SOURCE, "-o", path))
    assert done.returncode == 0, done.stderr[-2000:]
    return path


def agrees(path, count, **environment):
    """Whether a library agrees with the oracle on so many chunks."""
    called = [sys.executable, "-m", "tests.native.cases", str(path), str(count)]
    done = ran(called, **environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert re.fullmatch(rf"{count} chunks, \S+ at most\n", done.stdout)


@on_x86
@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "needs"),
    [
        ((), "sse2"),  # vectors of 4
        (("-mavx2",), "avx2"),  # of 8
        (("-mavx512f", "-DW2V_JAX_SHUFFLES=0"), "avx512f"),  # of 16, through memory
        (("-DW2V_JAX_TILE=5",), "sse2"),  # many tiles of a small vocabulary, all kept,
        (("-DW2V_JAX_TILE=3", "-DW2V_JAX_KEPT=1"), "sse2"),  # none kept
        (("-DW2V_JAX_TILE=7", "-DW2V_JAX_KEPT=2000"), "sse2"),  # the last ones
        (("-DW2V_JAX_LONG=0",), "sse2"),  # every table too long for a slot a row
    ],
    ids=["sse", "avx2", "no-shuffles", "tiles", "none-kept", "some-kept", "hashed"],
)
def test_the_branches_of_other_processors_agree(flags, needs, tmp_path):
    if f" {needs} " not in build._processor():
        pytest.skip(f"needs a processor with {needs}")
    agrees(compiled(tmp_path / "other.so", "-O1", *flags), 60)


@pytest.mark.soak
def test_no_chunk_touches_memory_that_is_not_its_own(tmp_path):
    flags = ("-O1", "-g", "-march=native", "-fsanitize=address,undefined")
    path = compiled(tmp_path / "checked.so", *flags, "-fno-sanitize-recover=undefined")
    libraries = [
        ran(command(f"-print-file-name=lib{name}.so")).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    # jax keeps what it has until the end: what leaks is not looked at.
    options = {"LD_PRELOAD": ":".join(libraries), "ASAN_OPTIONS": "detect_leaks=0"}
    agrees(path, 600, **options)
