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
"""

import bz2
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli

WORDS_PER_LINE = 1000
_OPENERS = {".bz2": bz2.open, ".gz": gzip.open}

_MIN_COUNT = flags.DEFINE_integer("min_count", 5, "Rarest word kept, occurrences.")


def write_lines(corpus: Path, lines: Path) -> int:
    """Writes the text of `corpus` as lines of 1,000 words; returns the word count."""
    total = 0
    opener = _OPENERS.get(corpus.suffix, open)
    with (
        opener(corpus, "rt", encoding="utf-8") as source,
        lines.open("w", encoding="utf-8") as sink,
    ):
        tail, words = "", []
        while piece := source.read(1 << 24):
            tokens = (tail + piece).split()
            tail = tokens.pop() if not piece[-1].isspace() else ""
            words += tokens
            whole = len(words) // WORDS_PER_LINE * WORDS_PER_LINE
            for start in range(0, whole, WORDS_PER_LINE):
                sink.write(" ".join(words[start : start + WORDS_PER_LINE]) + "\n")
            total, words = total + whole, words[whole:]
        words += tail.split()
        sink.write(" ".join(words) + "\n")
    return total + len(words)


def train_gensim(lines: Path, raw_words: int, settings: dict[str, Any]) -> Any:
    """Trains gensim's Word2Vec; returns (its KeyedVectors, seconds of training)."""
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
    model.train(**text, total_words=raw_words, epochs=settings["epochs"])
    return model.wv, time.perf_counter() - start


def main(_: list[str]) -> None:
    if not flags.FLAGS.corpus or not Path(flags.FLAGS.corpus).is_file():
        raise ValueError(f"--corpus={flags.FLAGS.corpus}: no such file")
    if not flags.FLAGS.workdir:
        raise ValueError("--workdir: missing; name the run directory")
    workdir = Path(flags.FLAGS.workdir)
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
    words = write_lines(Path(flags.FLAGS.corpus), lines)
    vectors, seconds = train_gensim(lines, words, settings)
    lines.unlink()
    vectors.save_word2vec_format(str(workdir / "vectors.bin"), binary=True)
    raw_words = words * flags.FLAGS.epochs
    summary = {
        "trainer": "gensim",
        **settings,
        "raw_words": raw_words,
        "train_seconds": seconds,
        "words_per_second": raw_words / seconds,
    }
    (workdir / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"gensim: {raw_words / seconds:,.0f} raw words/s, vectors in {workdir}")


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file: plain, .gz or .bz2.")
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
    flags.DEFINE_integer("workers", os.cpu_count(), "gensim's threads.")


if __name__ == "__main__":
    define_flags()
    cli.run(main)
