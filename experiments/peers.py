"""Question: what do the tools people use today reach on the same text?

Command:  python -m experiments.peers --corpus=FILE --workdir=DIR \
              --architecture=skipgram --objective=negative_sampling --seed=1
Expected: a run directory with vectors.bin and summary.json, as experiments.train
          leaves one, so that experiments.evaluate judges both alike.
Cost:     gensim needs about two minutes for skip-gram over 85 M words on two cores.

gensim reads a file line by line and cuts a line at 10,000 words, so the corpus is
first written as lines of 1,000 words, which is word2vec.c's own sentence limit.
Settings gensim does not share with us are left at its defaults.

--feed=corpus_file is gensim's fastest way, but with W workers its learning rate falls
only to 1 - (epochs - 1 + 1/W) / epochs of the first one: each worker divides the words
it has done by those of all (word2vec_corpusfile.pyx, train_epoch_sg). So speed is
measured with corpus_file and quality with --feed=sentences, whose rate falls to zero.

--trainer=fasttext trains fastText without subwords (minn = maxn = 0), where the package
`fasttext` can be imported. It counts and reads the text in the same call as it trains:
its seconds hold both. It draws noise by the power 0.5 of counts, as it always does, and
its Python package takes no seed.

--trainer=word2vec_c runs the executable `word2vec`, where one is found
(experiments/benchmarking/word2vec_c.py says how, and what a seed means to it).
"""

import importlib
import importlib.util
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags
from numpy.typing import NDArray

from experiments import cli
from experiments.benchmarking import word2vec_c
from w2v_jax.provenance import peak_memory_bytes
from w2v_jax.text_files import TextFile

WORDS_PER_LINE = 1000
_MIN_COUNT = flags.DEFINE_integer("min_count", 5, "Rarest word kept, occurrences.")


def write_lines(corpus: Path, lines: Path) -> int:
    """Writes the text of `corpus` as lines of 1,000 words; returns the word count."""
    total, words = 0, list[str]()
    with lines.open("w", encoding="utf-8") as sink:
        for piece in TextFile(corpus).pieces():
            words += piece.decode().split()
            whole = len(words) // WORDS_PER_LINE * WORDS_PER_LINE
            for start in range(0, whole, WORDS_PER_LINE):
                sink.write(" ".join(words[start : start + WORDS_PER_LINE]) + "\n")
            total, words = total + whole, words[whole:]
        sink.write(" ".join(words) + "\n")
    return total + len(words)


class Trained(NamedTuple):
    """What a peer leaves.

    Attributes:
      words: of its vocabulary, most frequent first.
      matrix: [V, D], a vector for each.
      seconds: of training.
      kept_tokens: words trained on after subsampling; None where it does not tell.
      peak_bytes: of memory where another process trained; None: this one did.
    """

    words: Sequence[str]
    matrix: NDArray[np.float32]
    seconds: float
    kept_tokens: int | None
    peak_bytes: int | None = None


def train_gensim(lines: Path, raw_words: int, settings: dict[str, Any]) -> Trained:
    """Trains gensim's Word2Vec."""
    # an optional part: tests and comparisons only
    from gensim.models import Word2Vec
    from gensim.models.word2vec import LineSentence

    negative = settings["objective"] == "negative_sampling"
    model = Word2Vec(
        vector_size=settings["dim"],
        window=settings["window"],
        min_count=settings["min_count"],
        sample=settings["subsample"],
        sg=int(settings["architecture"] == "skipgram"),
        hs=int(not negative),
        negative=settings["negatives"] if negative else 0,
        epochs=settings["epochs"],
        alpha=settings["learning_rate"],
        seed=settings["seed"],
        workers=settings["workers"],
    )
    model.build_vocab(corpus_file=str(lines))
    start = time.perf_counter()
    from_file = settings["feed"] == "corpus_file"
    text = {
        "corpus_file" if from_file else "corpus_iterable": str(lines)
        if from_file
        else LineSentence(str(lines))
    }
    kept, _ = model.train(**text, total_words=raw_words, epochs=settings["epochs"])
    seconds = time.perf_counter() - start
    return Trained(model.wv.index_to_key, model.wv.vectors, seconds, int(kept))


def train_fasttext(lines: Path, raw_words: int, settings: dict[str, Any]) -> Trained:
    """Trains fastText's words alone; reading the text is part of its seconds."""
    fasttext: Any = importlib.import_module("fasttext")  # not among our requirements
    negative = settings["objective"] == "negative_sampling"
    start = time.perf_counter()
    model = fasttext.train_unsupervised(
        str(lines),
        model=settings["architecture"],
        loss="ns" if negative else "hs",
        dim=settings["dim"],
        ws=settings["window"],
        neg=settings["negatives"],
        t=settings["subsample"],
        minCount=settings["min_count"],
        epoch=settings["epochs"],
        lr=settings["learning_rate"],
        thread=settings["workers"],
        minn=0,
        maxn=0,
        verbose=0,
    )
    seconds = time.perf_counter() - start
    # It counts the ends of lines as a word, "</s>".
    words = [word for word in model.words if word != "</s>"]
    matrix = np.array([model.get_word_vector(word) for word in words], np.float32)
    return Trained(words, matrix, seconds, None)


def train_word2vec_c(lines: Path, raw_words: int, settings: dict[str, Any]) -> Trained:
    """Runs word2vec.c; filling its noise table and writing are in its seconds."""
    words, matrix, seconds, peak = word2vec_c.train(lines, settings)
    return Trained(words, matrix, seconds, None, peak)


TRAINERS = {
    "gensim": train_gensim,
    "word2vec_c": train_word2vec_c,
    "fasttext": train_fasttext,
}


def installed(trainer: str) -> bool:
    """Whether the peer's package can be imported here, or its executable is found."""
    if trainer == "word2vec_c":
        return word2vec_c.executable() is not None
    return importlib.util.find_spec(trainer) is not None


def main(_: list[str]) -> None:
    if not flags.FLAGS.corpus or not Path(flags.FLAGS.corpus).is_file():
        raise ValueError(f"--corpus={flags.FLAGS.corpus}: no such file")
    if not flags.FLAGS.workdir:
        raise ValueError("--workdir: missing; name the run directory")
    trainer = flags.FLAGS.trainer
    if not installed(trainer):
        raise ValueError(f"--trainer={trainer}: it is not installed")
    workdir = Path(flags.FLAGS.workdir)
    if (workdir / "config.json").exists():
        raise ValueError(f"--workdir={workdir}: holds a run of ours; name another")
    workdir.mkdir(parents=True, exist_ok=True)
    rate = flags.FLAGS.learning_rate or (
        0.025 if flags.FLAGS.architecture == "skipgram" else 0.05
    )
    settings = {
        "architecture": flags.FLAGS.architecture,
        "objective": flags.FLAGS.objective,
        "dim": flags.FLAGS.dim,
        "window": flags.FLAGS.window,
        "negatives": flags.FLAGS.negatives,
        "subsample": flags.FLAGS.subsample,
        "min_count": flags.FLAGS.min_count,
        "epochs": flags.FLAGS.epochs,
        "learning_rate": rate,
        "seed": flags.FLAGS.seed,
        "workers": flags.FLAGS.workers,
        "feed": flags.FLAGS.feed,
    }
    lines = workdir / "lines.txt"
    if lines.resolve() == Path(flags.FLAGS.corpus).resolve():
        raise ValueError(f"--corpus={lines}: is overwritten there; name another folder")
    words = write_lines(Path(flags.FLAGS.corpus), lines)
    try:
        trained = TRAINERS[trainer](lines, words, settings)
    except RuntimeError as error:  # gensim's, of a text without a word to train on
        raise ValueError(f"{flags.FLAGS.corpus}: {trainer}: {error}") from None
    peak = trained.peak_bytes or peak_memory_bytes()
    lines.unlink()
    from w2v_jax import formats  # after the peak has been taken

    formats.write(workdir / "vectors.bin", trained.words, trained.matrix)
    raw_words = words * flags.FLAGS.epochs
    summary = {
        "trainer": trainer,
        **settings,
        "raw_words": raw_words,
        "kept_tokens": trained.kept_tokens,
        "train_seconds": trained.seconds,
        "words_per_second": raw_words / trained.seconds,
        "peak_memory_bytes": peak,
    }
    (workdir / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    rate = summary["words_per_second"]
    print(f"{trainer}: {rate:,.0f} raw words/s, vectors in {workdir}")


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file; plain or packed.")
    flags.DEFINE_string("workdir", None, "Run directory to write.")
    flags.DEFINE_enum("architecture", "skipgram", ["skipgram", "cbow"], "Architecture.")
    flags.DEFINE_enum(
        "objective",
        "negative_sampling",
        ["negative_sampling", "hierarchical_softmax"],
        "Objective; gensim has no full softmax.",
    )
    flags.DEFINE_integer("dim", 100, "Vector size D.", lower_bound=1)
    flags.DEFINE_integer("window", 5, "Window m, in words.", lower_bound=1)
    flags.DEFINE_integer("negatives", 5, "Noise words K.", lower_bound=1)
    flags.DEFINE_float("subsample", 1e-4, "Subsampling threshold t.")
    flags.DEFINE_integer("epochs", 5, "Passes over the corpus.", lower_bound=1)
    flags.DEFINE_float(
        "learning_rate", None, "Default: 0.025 for skip-gram, 0.05 for CBOW."
    )
    flags.DEFINE_integer("seed", 1, "Random seed.")
    flags.DEFINE_enum(
        "feed",
        "sentences",
        ["sentences", "corpus_file"],
        "How gensim gets the text: see the top of this file.",
    )
    flags.DEFINE_integer("workers", len(os.sched_getaffinity(0)), "Threads.")
    flags.DEFINE_enum("trainer", "gensim", list(TRAINERS), "Who trains.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
