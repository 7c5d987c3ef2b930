"""Question: which words lie nearest to these?

Command:  python -m experiments.neighbours --vectors=FILE WORD [WORD ...]
Expected: for each word its nearest words with their cosines, best first.
Cost:     about two seconds for 70,000 words.

With --analogy, three words a b c: what is to c as b is to a?
"""

from absl import flags
from rich.table import Table

from experiments import cli, screen
from w2v_jax import tables
from w2v_jax.tables import TABLES
from w2v_jax.vectors import METHODS

_VECTORS = flags.DEFINE_string(
    "vectors", None, "Vectors: .bin, .txt, .vec, .glove, .npz or .safetensors."
)
_COUNT = flags.DEFINE_integer("count", 10, "Words to show.", lower_bound=1)
_ANALOGY = flags.DEFINE_boolean(
    "analogy", False, "Take three words a b c and answer: a is to b as c is to ?"
)
_METHOD = flags.DEFINE_enum(
    "analogy_method", "3cosadd", list(METHODS), "How analogies are answered."
)

_TABLE = flags.DEFINE_enum(
    "table",
    "input",
    list(TABLES),
    "Input vectors, output vectors, their average or their concatenation; all but the "
    "first need output_vectors.safetensors beside --vectors.",
)


def main(words: list[str]) -> None:
    if not _VECTORS.value:
        raise ValueError("--vectors: missing; name a file of vectors")
    if not words:
        raise ValueError("no word given; name at least one after the flags")
    if _ANALOGY.value and len(words) != 3:
        raise ValueError(f"--analogy takes three words, not {len(words)}")
    vectors = tables.load(_VECTORS.value, _TABLE.value)
    if _ANALOGY.value:
        a, b, c = words
        found = vectors.analogy(a, b, c, _COUNT.value, _METHOD.value)
        answers = {f"{a} : {b} = {c} : ?": found}
    else:
        rows = [vectors.row(word) for word in words]  # all of them known, or none shown
        answers = {
            vectors.words[row]: vectors.nearest(vectors.words[row], _COUNT.value)
            for row in rows
        }
    console = screen.console()
    for heading, nearest in answers.items():
        table = Table(title=heading)
        table.add_column("word")
        table.add_column("cosine", justify="right")
        for word, cosine in nearest:
            table.add_row(word, f"{cosine:.4f}")
        console.print(table)


if __name__ == "__main__":
    cli.run(main)
