import numpy as np
import pytest
import safetensors.numpy

from w2v_jax import tables
from w2v_jax.vectors import Vectors

WORDS = ["the", "北京", "rare"]
INPUT = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
OUTPUT = np.array([[10, 20], [30, 40], [50, 60]], np.float32)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("input", INPUT),
        ("output", OUTPUT),
        ("average", 5.5 * INPUT),  # (x + 10 x) / 2
        ("concatenation", [[1, 2, 10, 20], [3, 4, 30, 40], [5, 6, 50, 60]]),
    ],
)
def test_the_four_choices_of_the_notes(tmp_path, table, expected):
    found = tables.combined(Vectors(WORDS, INPUT), Vectors(WORDS, OUTPUT), table)
    np.testing.assert_array_equal(found.matrix, expected)
    assert found.words == tuple(WORDS)
    # the same from the files of a run directory
    Vectors(WORDS, INPUT).save(tmp_path / "vectors.bin")
    safetensors.numpy.save_file(
        {"output_vectors": OUTPUT}, tmp_path / tables.OUTPUT_FILE
    )
    (tmp_path / "vocabulary.tsv").write_text("the\t3\n北京\t2\nrare\t1\n")
    found = tables.load(tmp_path / "vectors.bin", table)
    np.testing.assert_array_equal(found.matrix, expected)


def test_tables_that_do_not_fit_are_refused():
    inputs = Vectors(WORDS, INPUT)
    with pytest.raises(ValueError, match="table=both: must be one of input, output"):
        tables.combined(inputs, inputs, "both")
    with pytest.raises(ValueError, match="different words"):
        tables.combined(inputs, Vectors(["a", "b", "c"], OUTPUT), "average")
    wide = Vectors(WORDS, np.ones((3, 5)))
    with pytest.raises(ValueError, match="of 2 and output vectors of 5 values"):
        tables.combined(inputs, wide, "average")
    assert tables.combined(inputs, wide, "concatenation").dim == 7


def test_a_missing_output_table_is_named(tmp_path):
    Vectors(WORDS, INPUT).save(tmp_path / "vectors.bin")
    beside = tmp_path / tables.OUTPUT_FILE
    with pytest.raises(ValueError, match=f"^{beside}: missing; average needs"):
        tables.load(tmp_path / "vectors.bin", "average")
    Vectors(WORDS[::-1], OUTPUT).save(beside)
    with pytest.raises(ValueError, match=f"^{beside}: .*different words"):
        tables.load(tmp_path / "vectors.bin", "average")


def test_the_nodes_of_a_tree_are_not_taken_for_words(tmp_path):
    Vectors(WORDS, INPUT).save(tmp_path / "vectors.bin")
    (tmp_path / "vocabulary.tsv").write_text("the\t3\n北京\t2\nrare\t1\n")
    nodes = {"output_vectors": OUTPUT[:2]}  # V - 1 of them
    safetensors.numpy.save_file(nodes, tmp_path / tables.OUTPUT_FILE)
    with pytest.raises(ValueError, match="one for each inner node"):
        tables.load(tmp_path / "vectors.bin", "output")
