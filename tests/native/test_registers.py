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
# The largest tiles that the steps use, and how many products of vectors one pass has.
TILES = {
    "combine_tile<3, 7>": (
        f"({ROWS}, int, const float*, int, int, float* const*, int)",
        21,
    ),
    "combine_tile<2, 6>": (
        f"({ROWS}, int, const float*, int, int, float* const*, int)",
        12,
    ),
    "score_tile<6, 4>": (f"({ROWS}, const float*, int, int, float*, int)", 24),
    "score_tile<8, 2>": (f"({ROWS}, const float*, int, int, float*, int)", 16),
    "score_tile<8, 1>": (f"({ROWS}, const float*, int, int, float*, int)", 8),
    "score_few_tile<8>": (f"({ROWS}, const float*, int, float*)", 8),
    "dot_tile<4, 4>": (f"({ROWS}, {ROWS}, int, float*, int)", 16),
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """The instructions of each tile, compiled for vectors of 16 floats, by its name."""
    folder = tmp_path_factory.mktemp("tiles")
    asked = [f"template void w2v::{name}{types};" for name, (types, _) in TILES.items()]
    source, made = folder / "tiles.cc", folder / "tiles.s"
    source.write_text('#include "few.h"\n#include "products.h"\n' + "\n".join(asked))
    flags = [flag for flag in build._FLAGS if flag != "-shared"]
    called = command(
        *flags,
        "-march=skylake-avx512",
        "-mtune=znver3",
        "-S",
        f"-I{build._HERE}",
        source,
        "-o",
        made,
    )
    subprocess.run(called, check=True, capture_output=True)
    parts = re.findall(
        r"^(_ZN3w2v\w+):\n(.*?)\.cfi_endproc", made.read_text(), re.M | re.S
    )
    mangled = {
        name: re.sub(r"(\w+)<(\d), (\d)>", r"\1ILi\2ELi\3E", name).replace(
            "<8>", "ILi8E"
        )
        for name in TILES
    }
    return {
        name: next(lines for label, lines in parts if part in label)
        for name, part in mangled.items()
    }


@pytest.mark.parametrize("name", TILES)
def test_a_tile_keeps_its_sums_in_registers(functions, name):
    lines = functions[name].splitlines()
    vectors = [line for line in lines if "%zmm" in line]
    # At least once each; gcc makes a version of the loop for each kind of factors.
    assert sum("vfmadd" in line for line in vectors) >= TILES[name][1]
    assert not [line for line in vectors if re.search(r"\(%r[sb]p", line)]


def test_a_tile_of_products_reads_each_row_once_a_pass(functions):
    lines = functions["dot_tile<4, 4>"].splitlines()
    reading = [line for line in lines if "vfmadd" in line and "(" in line]
    assert not reading
