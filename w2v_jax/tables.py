"""Which of a model's two tables to use: input, output, or both (note 002).

A word has two vectors, v_w as a centre and u_w as a context. Most users take v_w;
their average and their concatenation are the other two choices.
"""

from pathlib import Path

import numpy as np

from w2v_jax.vectors import Vectors

TABLES = ("input", "output", "average", "concatenation")
OUTPUT_FILE = "output_vectors.safetensors"


def combined(inputs: Vectors, outputs: Vectors, table: str) -> Vectors:
    """Vectors of size D, or 2 D for "concatenation".

    Args:
      inputs: v_w.
      outputs: u_w for the same words in the same order.
      table: one of `TABLES`. "average" is (v_w + u_w) / 2.

    Raises:
      ValueError: an unknown choice, or tables that do not fit each other.
    """
    if table not in TABLES:
        raise ValueError(f"table={table}: must be one of {', '.join(TABLES)}.")
    if inputs.words != outputs.words:
        raise ValueError("the input and the output table hold different words")
    if table == "average" and inputs.dim != outputs.dim:
        raise ValueError(
            f"input vectors of {inputs.dim} and output vectors of {outputs.dim} values "
            f"have no average; concatenate them"
        )
    if table == "input":
        return inputs
    if table == "output":
        return outputs
    if table == "average":
        return Vectors(inputs.words, (inputs.matrix + outputs.matrix) / 2)
    both = np.concatenate([inputs.matrix, outputs.matrix], axis=1)
    return Vectors(inputs.words, both)


def load(path: str | Path, table: str = "input") -> Vectors:
    """A file of vectors, with the output table beside it where that is asked for.

    Raises:
      ValueError: beginning with the path of the file that does not fit.
    """
    inputs = Vectors.load(path)
    if table == "input":
        return inputs
    beside = Path(path).with_name(OUTPUT_FILE)
    if not beside.exists():
        raise ValueError(f"{beside}: missing; {table} needs the output table there")
    outputs = Vectors.load(beside)
    try:
        return combined(inputs, outputs, table)
    except ValueError as error:
        raise ValueError(f"{beside}: {error}") from None
