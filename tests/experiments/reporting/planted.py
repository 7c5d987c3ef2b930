"""Run directories with planted quality: real files, vectors of a known worth.

Words have true vectors. People's scores of a pair are the cosines of the truth, and
each b is its a plus one offset, so that "a_i b_i a_j b_j" holds exactly. A run's
vectors are the truth plus noise: little noise, good vectors; the same noise, equal
worth.
"""

import json

import numpy as np

from w2v_jax import formats
from w2v_jax.config import Config, resolve
from w2v_jax.metrics_log import MetricsLog
from w2v_jax.runlog import RunDirectory, array_sha256

HALF, DIM = 30, 12
WORDS = [f"{side}{i}" for side in "ab" for i in range(HALF)]
_RNG = np.random.default_rng(7)
_A = _RNG.normal(size=(HALF, DIM))
TRUTH = np.concatenate([_A, _A + 3 * np.eye(DIM)[0]]).astype(np.float32)
PAIRS = [(i, j) for i in range(2 * HALF) for j in range(i) if (i + j) % 7 == 0]
QUESTIONS = [(i, j) for i in range(HALF) for j in range(HALF) if i != j][::4]
COUNTS = [1000 // (i + 1) for i in range(2 * HALF)]


def cosines(matrix):
    """What people would say, were they to see these vectors."""
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return [float(unit[i] @ unit[j]) for i, j in PAIRS]


def write_sets(folder):
    """A similarity set and an analogy set as files: (pairs.txt, questions.txt)."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs, questions = folder / "pairs.txt", folder / "questions.txt"
    lines = [
        f"{WORDS[i]}\t{WORDS[j]}\t{score:.6f}"
        for (i, j), score in zip(PAIRS, cosines(TRUTH), strict=True)
    ]
    pairs.write_text("\n".join(lines) + "\n")
    asked = [f"a{i} b{i} a{j} b{j}" for i, j in QUESTIONS]
    questions.write_text(": offset\n" + "\n".join(asked) + "\n")
    return pairs, questions


def write_run(path, seed, noise=0.5, seconds=10.0, words=60, facts=(), **fields):
    """A finished run whose vectors are the truth plus noise of that deviation.

    Args:
      path: its directory.
      seed: of the config and of the noise.
      noise: standard deviation.
      seconds: of training.
      words: how many of the words the run knows.
      facts: more for environment.json.
      fields: of the config.
    """
    fields = {"corpus": "planted.txt", "replicas": 1} | fields
    config = resolve(Config(seed=seed, **fields), 1)
    # unlike noise for the same seed in another cell
    own = np.frombuffer(json.dumps(sorted(map(str, fields.items()))).encode(), np.uint8)
    rng = np.random.default_rng([seed, *own.tolist()])
    matrix = (TRUTH + noise * rng.normal(size=TRUTH.shape)).astype(np.float32)[:words]
    with RunDirectory(path) as run:
        run.write_json("config.json", config.to_dict())
        environment = {
            "git_commit": "0" * 40,
            "git_clean": True,
            "jax": "0.10.2",
            "cpu": "a processor",
            "corpus_sha256": "c" * 64,
        }
        run.write_json("environment.json", environment | dict(facts))
        with MetricsLog(run.path / "metrics.jsonl") as log:
            for tenth in range(1, 11):
                log.append(
                    step=tenth,
                    epoch=0,
                    raw_words=tenth * 1000 * config.epochs,
                    loss=4 / tenth + noise + 0.01 * seed,
                    learning_rate=0.025,
                    words_per_second=1000.0,
                    seconds=seconds * tenth / 10,
                )
        formats.write(run.path / "vectors.bin", WORDS[:words], matrix)
        rows = zip(WORDS[:words], COUNTS, strict=False)
        run.write_text("vocabulary.tsv", "".join(f"{w}\t{n}\n" for w, n in rows))
        summary = {
            "raw_words": 10_000 * config.epochs,
            "kept_tokens": 8_000 * config.epochs,
            "vocabulary": words,
            "train_seconds": seconds + 0.1 * seed,
            "words_per_second": 10_000 * config.epochs / seconds,
            "final_loss": 0.4 + noise + 0.01 * seed,
            "peak_memory_bytes": 2**20 * (100 + seed),
            "sha256": {"input_vectors": array_sha256(matrix)},
        }
        run.write_json("summary.json", summary)
    return path


def write_sweep(root, cells, seeds=(1, 2, 3)):
    """DIR/<cell>/seed-<n> for cells {name: arguments of `write_run`}."""
    for name, arguments in cells.items():
        for seed in seeds:
            write_run(root / name / f"seed-{seed}", seed, **arguments)
    return root
