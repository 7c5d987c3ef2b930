"""What the compiler makes of the products of a block step: sums stay in registers.

Each product is a few to some ten passes over its sums. A compiler that keeps those in
memory as well clears, writes and reads them once more for each, to the same numbers:
no other test would see it, only the clock.
"""

import re
import subprocess

import pytest

from tests.native.needs import command, compiler
from tests.native.test_edges import on_x86
from w2v_jax.native import build

pytestmark = [compiler, on_x86]
ROWS = "const float* const*"
COMBINE = f"({ROWS}, int, const float*, int, int, float* const*, int)"
SCORE = f"({ROWS}, const float*, int, int, float*, int)"
DOTS = f"({ROWS}, {ROWS}, int, float*, int)"
FEW = f"({ROWS}, const float*, int, float*)"
# The largest tiles that the steps use, and how many products of vectors one pass has:
# 32 registers of 16 floats, 16 of 8.
TILES = {
    "skylake-avx512": {
        "combine_tile<3, 7>": (COMBINE, 21),
        "combine_tile<2, 6>": (COMBINE, 12),
        "score_tile<6, 4>": (SCORE, 24),
        "score_tile<8, 2>": (SCORE, 16),
        "score_tile<8, 1>": (SCORE, 8),
        "score_few_tile<8>": (FEW, 8),
        "dot_tile<4, 4>": (DOTS, 16),
    },
    "haswell": {
        "combine_tile<3, 4>": (COMBINE, 12),
        "combine_tile<2, 3>": (COMBINE, 6),
        "score_tile<6, 2>": (SCORE, 12),
        "score_tile<8, 1>": (SCORE, 8),
        "score_few_tile<8>": (FEW, 8),
        "dot_tile<4, 2>": (DOTS, 8),
    },
}
REGISTER = {"skylake-avx512": "%zmm", "haswell": "%ymm"}


def mangled(name):
    """What stands in the assembler's name: score_tile<8, 1> is score_tileILi8ELi1EE."""
    of, _, sizes = name.rstrip(">").partition("<")
    return of + "I" + "".join(f"Li{size}E" for size in sizes.split(", ")) + "E"


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """(processor, tile) to the instructions of that tile, compiled for it."""
    folder = tmp_path_factory.mktemp("tiles")
    found = {}
    for processor, tiles in TILES.items():
        source, made = folder / f"{processor}.cc", folder / f"{processor}.s"
        asked = [f"template void w2v::{n}{types};" for n, (types, _) in tiles.items()]
        headers = '#include "few.h"\n#include "products.h"\n'
        source.write_text(headers + "\n".join(asked))
        flags = [flag for flag in build._FLAGS if flag != "-shared"]
        flags += [f"-march={processor}", "-mtune=znver3", "-S", f"-I{build._HERE}"]
        called = command(*flags, source, "-o", made)
        subprocess.run(called, check=True, capture_output=True)
        parts = re.findall(
            r"^(_ZN3w2v\w+):\n(.*?)\.cfi_endproc", made.read_text(), re.M | re.S
        )
        for name in tiles:
            found[processor, name] = next(
                lines.splitlines() for label, lines in parts if mangled(name) in label
            )
    return found


EVERY = [(processor, name) for processor, tiles in TILES.items() for name in tiles]


@pytest.mark.parametrize(("processor", "name"), EVERY)
def test_a_tile_keeps_its_sums_in_registers(functions, processor, name):
    lines = functions[processor, name]
    vectors = [line for line in lines if REGISTER[processor] in line]
    # At least once each; gcc makes a version of the loop for each kind of factors.
    products = TILES[processor][name][1]
    assert sum("vfmadd" in line for line in vectors) >= products
    assert not [line for line in vectors if re.search(r"\(%r[sb]p", line)]


@pytest.mark.parametrize(
    ("processor", "name"),
    [
        ("skylake-avx512", "dot_tile<4, 4>"),
        ("skylake-avx512", "combine_tile<3, 7>"),
        ("haswell", "dot_tile<4, 2>"),
        ("haswell", "combine_tile<3, 4>"),
    ],
)
def test_a_tile_reads_each_row_once_a_pass(functions, processor, name):
    lines = functions[processor, name]
    assert not [line for line in lines if "vfmadd" in line and "(" in line]
