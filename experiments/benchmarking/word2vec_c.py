"""word2vec.c as a peer: the executable `word2vec`, where one is found.

Compile Google's word2vec.c with the flags of its makefile (-O3 -march=native
-funroll-loops -pthread -lm), name it word2vec, and put it on the PATH or beside the
interpreter. It counts the words in a process of its own that is not timed
(-save-vocab, no -output); the seconds are those of a second one (-read-vocab), which
also fills its table of noise and writes the vectors.

It takes no seed: every run begins with the same vectors and the same draws. So that
seeds differ in more than the races of its threads, a seed chooses the line at which
the text begins; what stood before it comes last.
"""

import itertools
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

END_OF_SENTENCE = "</s>"  # its word 0, for the ends of lines


def executable() -> str | None:
    """Where `word2vec` is: beside the interpreter or on the PATH; None: nowhere."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return shutil.which("word2vec", path=os.pathsep.join(folders))


def begin_elsewhere(lines: Path, text: Path, seed: int) -> None:
    """Writes the file `lines` to `text`, from a line that the seed chooses, around."""
    with lines.open("rb") as source:
        count = sum(1 for _ in source)
    first = int(np.random.default_rng(seed).integers(count))
    with lines.open("rb") as source, text.open("wb") as sink:
        sink.writelines(itertools.islice(source, first, None))
        source.seek(0)
        sink.writelines(itertools.islice(source, first))


def arguments(settings: dict[str, Any]) -> list[str]:
    """The settings of `experiments.peers` as those of word2vec.c."""
    negative = settings["objective"] == "negative_sampling"
    named = {
        "cbow": int(settings["architecture"] == "cbow"),
        "hs": int(not negative),
        "negative": settings["negatives"] if negative else 0,
        "size": settings["dim"],
        "window": settings["window"],
        "sample": settings["subsample"],
        "min-count": settings["min_count"],
        "iter": settings["epochs"],
        "alpha": settings["learning_rate"],
        "threads": settings["workers"],
        "binary": 1,
        "debug": 0,
    }
    return [part for name, value in named.items() for part in (f"-{name}", str(value))]


def train(
    lines: Path, settings: dict[str, Any]
) -> tuple[list[str], NDArray[np.float32], float, int]:
    """Trains word2vec.c on the file `lines`.

    Returns:
      words, vectors [V, D], seconds of training and its peak memory in bytes.

    Raises:
      ValueError: the process failed or its vectors cannot be read.
    """
    from w2v_jax import formats  # no part of the peak of another peer

    found = executable()
    if found is None:
        raise ValueError("--trainer=word2vec_c: no executable word2vec on the PATH")
    folder = lines.parent  # names stay short: it holds 100 bytes of a path
    begin_elsewhere(lines, folder / "text.txt", settings["seed"])
    command = [os.path.abspath(found), "-train", "text.txt", *arguments(settings)]
    try:
        _call([*command, "-save-vocab", "vocab.txt"], folder)
        begun = time.perf_counter()
        output = ["-read-vocab", "vocab.txt", "-output", "out.bin"]
        _call([*command, *output], folder)
        seconds = time.perf_counter() - begun
        words, matrix = formats.read(folder / "out.bin")
    finally:
        for name in ("text.txt", "vocab.txt", "out.bin"):
            (folder / name).unlink(missing_ok=True)
    kept = [i for i, word in enumerate(words) if word != END_OF_SENTENCE]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return [words[i] for i in kept], matrix[kept], seconds, peak


def _call(command: list[str], folder: Path) -> None:
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise ValueError(f"{command[0]}: cannot be run: {error.strerror}") from None
    if ran.returncode:
        last = ran.stderr.strip().rpartition("\n")[2]
        raise ValueError(f"{command[0]}: exit code {ran.returncode}: {last}")
