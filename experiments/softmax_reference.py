"""Question: does the full softmax in blocks learn what pair-by-pair SGD learns?

Command:  python -m experiments.softmax_reference --corpus=text8_prefix_12.5MB
Expected: the same loss on text that neither has seen, to within a few hundredths of a
          nat and the nearer the shorter the blocks, from the same pairs in the same
          order at the same learning rates; and beside it what negative sampling
          reaches, read as a softmax.
Cost:     1 to 2 ms a pair for the reference: 60,000 words take some five minutes.
          The default rate is high so that so little text teaches something: vectors
          begin near zero, where gradients vanish.

The reference is plain NumPy in float64: one pair, one gradient step on the whole
output table, then the next pair. Blocks take all pairs of a step at the old tables,
in float32; that is the approximation measured here.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from absl import flags
from scipy.linalg.blas import dger

from experiments import cli, writable
from w2v_jax import runtime

Matrix = npt.NDArray[np.float64]


def pairs_of(chunk: Any) -> npt.NDArray[np.int32]:
    """int32 [P, 2]: (centre, context) of every pair, centre by centre."""
    found = []
    for i, (reach, centre) in enumerate(zip(chunk.reach, chunk.tokens, strict=True)):
        for j in range(max(0, i - reach), min(len(chunk.tokens), i + reach + 1)):
            if j != i:
                found.append((centre, chunk.tokens[j]))
    return np.array(found, np.int32).reshape(-1, 2)


def mean_loss(inputs: Matrix, outputs: Matrix, pairs: npt.NDArray[np.int32]) -> float:
    """Nats per pair under the softmax, each centre's normaliser worked out once."""
    centres, place = np.unique(pairs[:, 0], return_inverse=True)
    normalisers = np.empty(len(centres))
    for start in range(0, len(centres), 512):
        scores = inputs[centres[start : start + 512]] @ outputs.T
        top = scores.max(1, keepdims=True)
        normalisers[start : start + 512] = top[:, 0] + np.log(
            np.exp(scores - top).sum(1)
        )
    scores = np.einsum("pd,pd->p", inputs[pairs[:, 0]], outputs[pairs[:, 1]])
    return float((normalisers[place] - scores).mean())


def train_reference(
    inputs: Matrix, outputs: Matrix, pairs: npt.NDArray[np.int32], rate: float
) -> None:
    """Pair-by-pair SGD on -log softmax, in place; the rate falls linearly."""
    for number, (centre, context) in enumerate(pairs):
        hidden = inputs[centre].copy()
        scores = outputs @ hidden
        p = np.exp(scores - scores.max())
        p /= p.sum()
        p[context] -= 1.0  # p - y
        step = rate * max(1.0 - number / len(pairs), 1e-4)
        inputs[centre] -= step * (p @ outputs)
        # outputs -= step * outer(p, hidden), by BLAS and without a [V, D] temporary
        dger(-step, hidden, p, a=outputs.T, overwrite_a=True)


def main(arguments: list[str]) -> None:
    options = flags.FLAGS
    if arguments or not options.corpus:
        raise ValueError("--corpus: name a text file; every option is --name=value")
    if not options.block or not all(one.isdecimal() for one in options.block):
        raise ValueError(f"--block={','.join(options.block)}: takes whole numbers")
    if options.out:
        writable.check("out", Path(options.out))
    cache = Path(options.cache_dir).expanduser()
    runtime.configure(1, cache)
    from w2v_jax.corpus import encode
    from w2v_jax.datasets import resolve_corpus
    from w2v_jax.vocabulary import build_vocabulary

    corpus = encode(
        resolve_corpus(options.corpus, cache),
        cache_dir=cache,
    )
    vocabulary = build_vocabulary(corpus, 1, options.max_vocabulary)
    size = len(vocabulary)
    ids = np.asarray(corpus.ids[: options.words + options.held_out])
    kept, held = ids[: options.words], ids[options.words :]
    if corpus.raw_words <= options.words:
        raise ValueError(
            f"{corpus.path}: {corpus.raw_words:,} words; none is left to judge on "
            f"after --words={options.words}: lower it"
        )
    figures = {"vocabulary": size, "words": options.words}
    sizes = [int(size) for size in options.block]
    found = {
        f"blocks_of_{size}": _by_blocks("softmax", kept, vocabulary, size)
        for size in sizes
    }
    first = next(iter(found.values()))
    sampler = first["trainer"].sampler
    pairs = pairs_of(sampler.chunk(0, 0, len(kept)))
    judged = pairs_of(sampler._replace(ids=held).chunk(1, 0, len(held)))
    if not len(judged):
        raise ValueError(f"--held_out={options.held_out}: not a pair in it; raise it")
    start = {name: np.asarray(t, np.float64) for name, t in first["start"].items()}
    figures |= {"pairs": len(pairs), "uniform": float(np.log(size))}
    figures["start"] = mean_loss(start["input"], start["output"], judged)
    begun = time.perf_counter()
    train_reference(start["input"], start["output"], pairs, options.learning_rate)
    figures["reference_seconds"] = time.perf_counter() - begun
    figures["reference"] = mean_loss(start["input"], start["output"], judged)
    name = "negative_sampling"
    found[name] = _by_blocks(name, kept, vocabulary, sizes[-1])
    for name, one in found.items():
        tables = {n: np.asarray(t, np.float64) for n, t in one["end"].items()}
        figures[name] = mean_loss(tables["input"], tables["output"], judged)
        figures[f"{name}_seconds"] = one["seconds"]
    if options.out:
        writable.save(Path(options.out), json.dumps(figures, indent=2) + "\n")
    for name, value in figures.items():
        digits = ".4f" if isinstance(value, float) else ""
        print(f"{name:28s} {value:,{digits}}")


def _by_blocks(objective: str, ids: Any, vocabulary: Any, block: int) -> dict[str, Any]:
    """Our training over the same ids: tables before and after, and the seconds."""
    from w2v_jax.config import Config, resolve
    from w2v_jax.position import Position
    from w2v_jax.training import Trainer, train

    options = flags.FLAGS
    config = resolve(
        Config(
            objective=objective,
            dim=options.dim,
            epochs=1,
            subsample=options.subsample,
            seed=options.seed,
            learning_rate=options.learning_rate,
            replicas=1,
            block=block,
            row_cap=0.0,
            streams=options.streams,
        ),
        1,
    )
    trainer = Trainer(ids, vocabulary, config)
    state, constants = trainer.start()
    start = trainer.host(state).tables
    trainer.compile(state, constants)
    steps = train(trainer, state, constants, Position())
    for state, metrics in steps:
        end, seconds = trainer.host(state).tables, metrics.seconds
    return {"trainer": trainer, "start": start, "end": end, "seconds": seconds}


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string("corpus", None, "Text file or named corpus.")
    flags.DEFINE_string("cache_dir", "~/.cache/w2v_jax", "Encoded corpora.")
    flags.DEFINE_string("out", None, "JSON file for the figures; none: only printed.")
    flags.DEFINE_integer("max_vocabulary", 10_000, "V.", lower_bound=2)
    flags.DEFINE_integer(
        "words", 40_000, "Raw words to train on, once.", lower_bound=100
    )
    flags.DEFINE_integer(
        "held_out", 20_000, "Raw words after them, to judge on.", lower_bound=2
    )
    flags.DEFINE_integer("dim", 50, "D.", lower_bound=1)
    flags.DEFINE_float("learning_rate", 0.2, "Initial rate; falls linearly to 0.")
    flags.DEFINE_list("block", ["1", "8"], "Tokens of our blocks; each is trained.")
    flags.DEFINE_integer("streams", 1, "Blocks side by side.", lower_bound=1)
    flags.DEFINE_float("subsample", 1e-4, "Threshold; 0: off.", lower_bound=0.0)
    flags.DEFINE_integer("seed", 0, "Seed.", lower_bound=0)


if __name__ == "__main__":
    define_flags()
    cli.run(main)
