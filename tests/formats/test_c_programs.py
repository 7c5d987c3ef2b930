"""Vector files and a C program that writes and reads them the way word2vec.c does.

It uses what word2vec.c and its distance.c use: fprintf of "%s " and "%lf ", fwrite and
fread of floats, a line feed after each vector, words read up to the next space.
"""

import shutil
import subprocess

import numpy as np
import pytest

from w2v_jax.vectors import Vectors

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>

/* fill DIM BINARY < bits > vectors: numbers 0, 1, ... are the words */
static int fill(long long dim, int binary) {
  static unsigned bits[1 << 20];
  long long all = fread(bits, sizeof(unsigned), 1 << 20, stdin), count = all / dim;
  float *values = (float *)bits;
  printf("%lld %lld\n", count, dim);
  for (long long row = 0; row < count; row++) {
    printf("w%lld ", row);
    for (long long i = 0; i < dim; i++)
      if (binary) fwrite(&values[row * dim + i], sizeof(float), 1, stdout);
      else printf("%lf ", values[row * dim + i]);
    printf("\n");
  }
  return 0;
}

/* dump < vectors: the words to stderr, the floats to stdout */
static int dump(void) {
  long long count, dim;
  if (scanf("%lld %lld", &count, &dim) != 2) return 1;
  for (long long row = 0; row < count; row++) {
    int c;
    while ((c = getchar()) != ' ' && c != EOF)
      if (c != '\n') fputc(c, stderr);
    fputc('\n', stderr);
    for (long long i = 0; i < dim; i++) {
      float value;
      if (fread(&value, sizeof(float), 1, stdin) != 1) return 1;
      fwrite(&value, sizeof(float), 1, stdout);
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  return argc > 2 ? fill(atoll(argv[1]), atoi(argv[2])) : dump();
}
"""
DIM = 13
WORDS = [f"w{i}" for i in range(200)]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("c")
    (folder / "vectors.c").write_text(PROGRAM)
    made = [compiler, "-O1", "-o", str(folder / "vectors"), str(folder / "vectors.c")]
    subprocess.run(made, check=True, capture_output=True)
    return folder / "vectors"


@pytest.fixture
def matrix():
    """Any finite floats there are, by their bits."""
    bits = np.random.default_rng(0).integers(0, 2**32, (200, DIM), dtype=np.uint32)
    values = bits.view(np.float32).copy()
    values[~np.isfinite(values)] = -0.0
    return values


def test_what_c_writes_in_binary_we_read_bit_for_bit(program, matrix, tmp_path):
    command = [str(program), str(DIM), "1"]
    done = subprocess.run(command, input=matrix.tobytes(), capture_output=True)
    (tmp_path / "v.bin").write_bytes(done.stdout)
    found = Vectors.load(tmp_path / "v.bin")
    assert list(found.words) == WORDS
    assert found.matrix.tobytes() == matrix.tobytes()


def test_what_we_write_in_binary_c_reads_bit_for_bit(program, matrix, tmp_path):
    words = ["北京", *WORDS[1:]]
    Vectors(words, matrix).save(tmp_path / "v.bin")
    with (tmp_path / "v.bin").open("rb") as file:
        done = subprocess.run([str(program)], stdin=file, capture_output=True)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == words
    assert done.stdout == matrix.tobytes()


def test_the_six_decimals_of_cs_text_are_read_as_c_reads_them(program, tmp_path):
    matrix = np.random.default_rng(1).normal(size=(200, DIM)).astype(np.float32)
    command = [str(program), str(DIM), "0"]
    done = subprocess.run(command, input=matrix.tobytes(), capture_output=True)
    (tmp_path / "v.txt").write_bytes(done.stdout)
    found = Vectors.load(tmp_path / "v.txt")
    assert list(found.words) == WORDS
    # the nearest float32 to the decimal, which is the value rounded to six places
    rounded = [[float(f"{x:.6f}") for x in row] for row in matrix.astype(np.float64)]
    expected = np.array(rounded).astype(np.float32)
    assert found.matrix.tobytes() == expected.tobytes()
