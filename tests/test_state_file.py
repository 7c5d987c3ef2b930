import hashlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file

from w2v_jax.state_file import (
    DTYPES,
    arrays_in,
    named_leaves,
    read_bytes,
    write_state,
)


def any_bits(dtype: np.dtype, seed: int, shape=(3, 5)) -> np.ndarray:
    """Random bits: NaNs with their payload, infinities, denormals, negative zero."""
    if dtype == np.bool_:
        return np.random.default_rng(seed).random(shape) < 0.5
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.random.default_rng(seed).bytes(size)
    return np.frombuffer(raw, dtype).reshape(shape)


def round_trip(path, tree):
    write_state(path, tree)
    return arrays_in(path, read_bytes(path)[0])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (), (7,)], ids=str)
def test_every_type_and_shape_comes_back_bit_for_bit(path, name, shape):
    array = any_bits(DTYPES[name], 0, shape)
    found = round_trip(path, {"a": array})["a"]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(DTYPES)), hnp.array_shapes(min_dims=0)),
        max_size=4,
    )
)
def test_arrays_of_mixed_types_come_back_and_lie_aligned(tmp_path_factory, kinds):
    path = tmp_path_factory.mktemp("state") / "file"
    tree = [any_bits(DTYPES[name], i, shape) for i, (name, shape) in enumerate(kinds)]
    found = round_trip(path, tree)
    assert len(found) == len(tree)
    for i, array in enumerate(tree):
        assert found[str(i)].tobytes() == array.tobytes()
        assert found[str(i)].flags.aligned
        assert found[str(i)].flags.c_contiguous


def test_columns_jax_arrays_and_strides_are_written_row_by_row(path):
    tree = {
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "strided": np.arange(20, dtype=np.int32)[::3],
        "jax": jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3),
    }
    found = round_trip(path, tree)
    for name, array in tree.items():
        np.testing.assert_array_equal(found[name], np.asarray(array))


def test_the_safetensors_library_reads_the_file(path):
    tree = {"tables": {"input": any_bits(np.dtype("f4"), 0)}, "key": np.ones(2, "u4")}
    write_state(path, tree | {"half": jnp.ones(3, jnp.bfloat16)})
    theirs = load_file(path)
    assert set(theirs) == {"tables/input", "key", "half"}
    assert theirs["tables/input"].tobytes() == tree["tables"]["input"].tobytes()
    assert theirs["half"].dtype == jnp.bfloat16


def test_the_hash_is_that_of_the_file_for_the_writer_and_the_reader(path):
    expected = write_state(path, [np.arange(1000)])
    assert expected == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_bytes(path)[1] == expected


def test_leaves_are_named_by_their_path():
    tree = {"tables": {"input": 1}, "optimizer": [2, (3,)], "none": None}
    assert named_leaves(tree) == {
        "tables/input": 1,
        "optimizer/0": 2,
        "optimizer/1/0": 3,
    }


def test_two_leaves_of_one_name_are_refused():
    with pytest.raises(ValueError, match="a/b: two leaves"):
        named_leaves({"a": {"b": 1}, "a/b": 2})


@pytest.mark.parametrize(
    ("leaf", "says"),
    [
        (3, "a is int"),
        (np.zeros(2, object), "a is object"),
        (np.zeros(2, complex), "a is complex128"),
        (np.zeros(2, ">f4"), "a is >f4"),
        (jax.random.key(0), "a is key<fry>"),
    ],
    ids=["number", "object", "complex", "big-endian", "typed key"],
)
def test_a_leaf_that_the_file_cannot_hold_is_named_before_it_is_made(path, leaf, says):
    with pytest.raises(ValueError, match=f"{path}: {says}"):
        write_state(path, {"a": leaf})
    assert not path.exists()


def file_with(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def entry(**changes) -> bytes:
    values = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes
    return json.dumps({"a": values}).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "byte 0: a header of 0 bytes does not fit a file of 0"),
        (b"\x01", "byte 0: a header of 1 bytes does not fit a file of 1"),
        ((1 << 63).to_bytes(8, "little"), f"byte 0: a header of {1 << 63} bytes"),
        (file_with(b"{}")[:-1], "byte 0: a header of 2 bytes does not fit a file of 9"),
        *(
            (file_with(header), "byte 8: no valid header")
            for header in (b"{", b"[]", b"3", b"\xff", b"[" * 10**5)
        ),
        *(
            (file_with(header, bytes(16)), "byte 8: no valid header")
            for header in (
                b'{"a": 1}',
                b'{"a": {}}',
                entry(dtype="X"),
                entry(dtype=["F32"]),
                entry(shape=[-1, -2]),
                entry(shape=["2"]),
                entry(shape=[1.0, 2]),
                entry(shape=2),
                entry(data_offsets=[0]),
                entry(data_offsets=[0.0, 8.0]),
                entry(more=1),
            )
        ),
        *(
            (file_with(header, bytes(16)), "does not fit bytes")
            for header in (
                entry(shape=[3]),
                entry(data_offsets=[-16, -8]),
                entry(data_offsets=[8, 0]),
                entry(data_offsets=[16, 24]),
            )
        ),
    ],
    ids=range(24),
)
def test_a_file_of_another_form_is_refused_with_its_name_and_byte(path, data, says):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{path}: byte [08]: .*") as caught:
        arrays_in(path, read_bytes(path)[0])
    assert says in str(caught.value)
