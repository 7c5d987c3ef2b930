import gzip

import numpy as np
import pytest

from w2v_jax.vectors import Vectors

MATRIX = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
VECTORS = Vectors([f"w{i}" for i in range(50)], MATRIX)


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.vec", "v.glove"])
def test_packed_files_are_read_like_plain_ones(tmp_path, name):
    VECTORS.save(tmp_path / name)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    found = Vectors.load(packed)
    assert found.words == VECTORS.words
    np.testing.assert_array_equal(found.matrix, MATRIX)


@pytest.mark.parametrize("name", ["v.bin", "v.glove"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],  # cut short
        lambda data: data[:-8] + bytes(8),  # a wrong checksum and length
        lambda data: b"not gzip" + data,
        lambda data: data[:40] + bytes(40) + data[80:],
    ],
)
def test_a_damaged_packed_file_is_refused_with_its_name(tmp_path, name, damage):
    VECTORS.save(tmp_path / name)
    path = tmp_path / f"{name}.gz"
    path.write_bytes(damage(gzip.compress((tmp_path / name).read_bytes())))
    with pytest.raises(ValueError, match=f"^{path}: "):
        Vectors.load(path)


def test_a_header_beyond_what_deflate_can_pack_is_refused(tmp_path):
    path = tmp_path / "v.bin.gz"
    path.write_bytes(gzip.compress(b"99999999 100\na "))
    with pytest.raises(ValueError, match=r"promises 99999999 words .* but at most"):
        Vectors.load(path)


def test_packed_files_are_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"leave \.gz out"):
        VECTORS.save(tmp_path / "v.bin.gz")
    with pytest.raises(ValueError, match="the suffix tells no format"):
        VECTORS.save(tmp_path / "v.npz.gz")
