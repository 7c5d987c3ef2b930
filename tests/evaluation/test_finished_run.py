import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from w2v_jax import formats
from w2v_jax.evaluation import finished_run
from w2v_jax.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("the", "北京", "rare"), np.array([9, 5, 1]))
INPUTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def write_run(folder, objective="negative_sampling", rows=3, **fields):
    """A run directory as training leaves it."""
    folder.mkdir(exist_ok=True)
    config = {"objective": objective, "dim": 2, "replicas": 1} | fields
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "environment.json").write_text('{"corpus_sha256": "00"}')
    VOCABULARY.save_tsv(folder / "vocabulary.tsv")
    formats.write(folder / "vectors.bin", VOCABULARY.words, INPUTS)
    outputs = {"output_vectors": np.ones((rows, 2), np.float32)}
    save_file(outputs, folder / "output_vectors.safetensors")
    return folder


def test_a_run_comes_back_with_both_tables(tmp_path):
    run = finished_run.load(write_run(tmp_path / "a"))
    assert run.vocabulary.words == VOCABULARY.words
    np.testing.assert_array_equal(run.inputs, INPUTS)
    assert run.outputs.shape == (3, 2)
    assert run.config.objective == "negative_sampling"
    assert run.environment == {"corpus_sha256": "00"}
    assert run.name == "a"


def test_a_tree_has_one_node_less_than_words(tmp_path):
    folder = write_run(tmp_path / "a", "hierarchical_softmax", rows=2)
    assert finished_run.load(folder).outputs.shape == (2, 2)
    write_run(folder, "hierarchical_softmax", rows=3)
    with pytest.raises(ValueError, match=r"output_vectors.safetensors: .*\[2, 2\]"):
        finished_run.load(folder)


def test_what_is_no_finished_run_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"^{tmp_path}: no config.json"):
        finished_run.load(tmp_path)
    folder = write_run(tmp_path / "a")
    (folder / "config.json").write_text('{"dmi": 2}')
    with pytest.raises(
        ValueError, match=r"config.json: dmi: unknown.*Did you mean dim"
    ):
        finished_run.load(folder)
    write_run(folder)
    formats.write(folder / "vectors.bin", ["a", "b", "c"], INPUTS)
    with pytest.raises(ValueError, match=f"^{folder}: .*hold other words"):
        finished_run.load(folder)
    (folder / "vectors.bin").unlink()
    with pytest.raises(ValueError, match=f"^{folder}: .*let the run finish"):
        finished_run.load(folder)
