"""A finished run, read from its directory: config, vocabulary and both tables."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2v_jax import formats
from w2v_jax.config import Config, ResolvedConfig, resolve
from w2v_jax.vocabulary import Vocabulary

OUTPUTS = "output_vectors.safetensors"
Matrix = NDArray[np.float32]


class FinishedRun(NamedTuple):
    """What a run directory holds of the model that was trained.

    Attributes:
      path: the run directory.
      config: every hyper-parameter.
      environment: what environment.json says: corpus hash, tokenizer, versions.
      vocabulary: V words and counts.
      inputs: [V, D], the v_w.
      outputs: [V, D], the u_w; [V-1, D], the inner nodes, for hierarchical softmax.
    """

    path: Path
    config: ResolvedConfig
    environment: dict[str, Any]
    vocabulary: Vocabulary
    inputs: Matrix
    outputs: Matrix

    @property
    def name(self) -> str:
        """The last part of the path: runs/a -> a."""
        return self.path.resolve().name


def load(path: str | Path) -> FinishedRun:
    """Reads a run directory.

    Raises:
      OSError: a file of it is missing.
      ValueError: beginning with the path of the file that does not fit the others.
    """
    from w2v_jax.runlog import read_json

    folder = Path(path)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder}: no config.json in it; name a run directory")
    if not (folder / "vectors.bin").is_file():
        raise ValueError(f"{folder}: no vectors.bin in it; let the run finish first")
    try:
        written = Config.from_dict(read_json(folder / "config.json"))
    except ValueError as error:
        raise ValueError(f"{folder / 'config.json'}: {error}") from None
    config = resolve(written, 1)  # a run of an older version lacks the newest fields
    vocabulary = Vocabulary.load_tsv(folder / "vocabulary.tsv")
    words, inputs = formats.read(folder / "vectors.bin")
    if tuple(words) != vocabulary.words:
        raise ValueError(f"{folder}: vectors.bin and vocabulary.tsv hold other words")
    nodes = config.objective == "hierarchical_softmax"
    outputs = _outputs(folder / OUTPUTS, (len(words) - nodes, inputs.shape[1]))
    environment = read_json(folder / "environment.json")
    return FinishedRun(folder, config, environment, vocabulary, inputs, outputs)


def _outputs(path: Path, shape: tuple[int, int]) -> Matrix:
    from w2v_jax.state_file import arrays_in, read_bytes

    table = arrays_in(path, read_bytes(path)[0]).get("output_vectors")
    if table is None or table.shape != shape or table.dtype != np.float32:
        raise ValueError(f"{path}: needs a tensor 'output_vectors' F32 {list(shape)}")
    return table
