"""Question: what does a flax model gain when it starts from these vectors?

Command:  python -m experiments.downstream --vectors=FILE
Expected: the share of held-out words that a linear classifier puts into the right
          class, once on the vectors and once on random ones of the same size; the
          first is far higher.
Cost:     seconds.

The words are those of an analogy set (Google's by default); a word's class is the
section and the side of the pair it stands on: a country, a capital, an adverb ...
The model is an `nnx.Embed` and an `nnx.Linear`. The vectors stay as they are: only
the linear layer is handed to the optimizer.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags
from flax import nnx
from numpy.typing import NDArray
from rich.table import Table

from experiments import cli, screen
from w2v_jax import embed
from w2v_jax.evaluation import readers, suites
from w2v_jax.vectors import Vectors

_HELD_OUT = 0.25  # of the words

Ints = NDArray[np.int32]


class WordClassifier(nnx.Module):
    """Unit word vectors [N, D] to logits over classes [N, classes]."""

    def __init__(self, words: nnx.Embed, classes: int, rngs: nnx.Rngs) -> None:
        self.words = words
        self.linear = nnx.Linear(words.features, classes, rngs=rngs)

    def __call__(self, ids: jax.Array) -> jax.Array:
        """Logits [N, classes] of words [N]."""
        vectors = self.words(ids)
        lengths = jnp.linalg.norm(vectors, axis=1, keepdims=True)
        logits: jax.Array = self.linear(vectors / jnp.maximum(lengths, 1e-9))
        return logits


def labelled_words(questions: list[readers.Question]) -> dict[str, str]:
    """Words and their class, 'section: from' or 'section: to'; the first one stays."""
    labels: dict[str, str] = {}
    for a, b, c, answers, section in questions:
        for word, side in ((a, "from"), (c, "from"), (b, "to"), (answers[0], "to")):
            labels.setdefault(word.lower(), f"{section}: {side}")
    return labels


def fit(words: nnx.Embed, ids: Ints, labels: Ints, steps: int) -> WordClassifier:
    """A classifier trained on words [N] and classes [N], the vectors kept fixed."""
    model = WordClassifier(words, int(labels.max()) + 1, nnx.Rngs(0))
    trained = nnx.All(nnx.Param, nnx.PathContains("linear"))
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=trained)

    def loss(model: WordClassifier) -> jax.Array:
        logits = model(jnp.asarray(ids))
        target = jnp.asarray(labels)
        return optax.softmax_cross_entropy_with_integer_labels(logits, target).mean()

    @nnx.jit
    def step(model: WordClassifier, optimizer: nnx.Optimizer[WordClassifier]) -> None:
        grads = nnx.grad(loss, argnums=nnx.DiffState(0, trained))(model)
        optimizer.update(model, grads)

    for _ in range(steps):
        step(model, optimizer)
    return model


def accuracy(model: WordClassifier, ids: Ints, labels: Ints) -> float:
    """The share of words [N] whose class is the most probable one."""
    return float((np.asarray(model(jnp.asarray(ids))).argmax(axis=1) == labels).mean())


def compare(vectors: Vectors, labels: dict[str, str], steps: int) -> dict[str, float]:
    """Held-out accuracy from the vectors and from random vectors of the same size."""
    known = {word: label for word, label in labels.items() if word in vectors}
    if len(known) < 8:
        raise ValueError(f"only {len(known)} words of the set have vectors")
    names = sorted(set(known.values()))
    ids = embed.ids(vectors, known)
    classes = np.array([names.index(label) for label in known.values()], np.int32)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(ids))
    test, train = np.split(order, [int(_HELD_OUT * len(ids))])
    noise = Vectors(vectors.words, rng.normal(size=vectors.matrix.shape))
    found = {}
    for name, table in (("these vectors", vectors), ("random vectors", noise)):
        model = fit(embed.layer(table), ids[train], classes[train], steps)
        found[name] = accuracy(model, ids[test], classes[test])
    most = np.bincount(classes[train]).argmax()
    found["the largest class"] = float((classes[test] == most).mean())
    return found


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; vectors are named by --vectors")
    if not flags.FLAGS.vectors:
        raise ValueError("--vectors: missing; name a file of vectors")
    _, path = suites.find_one(flags.FLAGS.set)
    labels = labelled_words(readers.read_analogies(path))
    found = compare(Vectors.load(flags.FLAGS.vectors), labels, flags.FLAGS.steps)
    table = Table(title=f"words put into {len(set(labels.values()))} classes")
    table.add_column("start")
    table.add_column("right, held out", justify="right")
    for name, share in found.items():
        table.add_row(name, f"{100 * share:.1f} %")
    screen.console().print(table)


def define_flags() -> None:
    """The flags of this command; not at import, so that tests can import it."""
    flags.DEFINE_string(
        "vectors", None, "Vectors: .bin, .txt, .vec, .glove, .npz or .safetensors."
    )
    flags.DEFINE_string("set", "google", "An analogy set, by name or file.")
    flags.DEFINE_integer("steps", 300, "Steps of Adam over all words.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    cli.run(main)
