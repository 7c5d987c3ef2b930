"""A program: from text to tables with every model and optimizer; prints SHA-256s.

    python -m tests.same_bits TEXT CACHE_DIR

Hashing, the order of sets, the number of threads and anything else that differs from
process to process must not show in what it prints.
"""

import itertools
import sys
from pathlib import Path

from w2v_jax import runtime


def main(text: Path, cache: Path) -> None:
    devices = runtime.configure(2, cache)

    from w2v_jax.config import ARCHITECTURES, OBJECTIVES, OPTIMIZERS, Config, resolve
    from w2v_jax.corpus import encode
    from w2v_jax.durable import array_sha256
    from w2v_jax.position import Position
    from w2v_jax.training import Trainer, train
    from w2v_jax.vocabulary import build_vocabulary

    corpus = encode(text, cache_dir=cache)
    vocabulary = build_vocabulary(corpus, 2)
    print("words", hash_of_text(vocabulary.words))
    for names in itertools.product(ARCHITECTURES, OBJECTIVES, OPTIMIZERS):
        architecture, objective, optimizer = names
        asked = Config(
            architecture=architecture,
            objective=objective,
            optimizer=optimizer,
            dim=10,
            epochs=1,
            min_count=2,
            max_vocabulary=300,
            chunk=2000,
            settle_every=2,
            max_words=6000,
            replicas=2,
        )
        trainer = Trainer(
            corpus.ids[:6000],
            build_vocabulary(corpus, 2, 300),
            resolve(asked, devices),
        )
        begun, constants = trainer.start()
        for state, metrics in train(trainer, begun, constants, Position()):
            tables, loss = trainer.host(state).tables, metrics.loss
        hashes = [array_sha256(table) for _, table in sorted(tables.items())]
        print(*names, *hashes, loss.hex())


def hash_of_text(words: tuple[str, ...]) -> str:
    """Of the words in their order."""
    import hashlib

    return hashlib.sha256("\n".join(words).encode()).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
