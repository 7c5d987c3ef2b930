"""Question: what do these vectors look like?

Command:  python -m experiments.pictures map --vectors=FILE --out=PREFIX WORD [WORD ...]
          python -m experiments.pictures analogy --vectors=FILE --out=PREFIX \
              man woman king queen
          python -m experiments.pictures similarity --vectors=FILE --out=PREFIX
          python -m experiments.pictures stability --vectors=A --vectors=B --out=PREFIX
Expected: PREFIX.png and PREFIX.svg.
Cost:     seconds.

map        the words on two axes (--method=pca or tsne); with --neighbours=N each
           word's N nearest words too, as a cluster of one colour.
analogy    pairs a b, c d, ...: arrows from a to b; parallel arrows are an analogy.
similarity cosines against people's scores of the set --set.
stability  nearest words that two or more files share, by frequency.
"""

from pathlib import Path
from typing import Any

from absl import flags

from experiments import cli, drawing, fonts, writable
from w2v_jax.durable import write_whole
from w2v_jax.projection import METHODS
from w2v_jax.vectors import Vectors

KINDS = ("map", "analogy", "similarity", "stability")

_VECTORS = flags.DEFINE_multi_string(
    "vectors", [], "Vectors: .bin, .txt, .vec, .glove, .npz or .safetensors."
)
_OUT = flags.DEFINE_string("out", None, "Prefix: PREFIX.png and PREFIX.svg are made.")
_METHOD = flags.DEFINE_enum("method", "pca", list(METHODS), "How a map is made.")
_PERPLEXITY = flags.DEFINE_float(
    "perplexity", 15.0, "Neighbours that t-SNE looks at.", lower_bound=1.0
)
_NEIGHBOURS = flags.DEFINE_integer(
    "neighbours", 0, "Nearest words to add to each word of a map.", lower_bound=0
)
_SET = flags.DEFINE_string("set", "wordsim353", "A similarity set, by name or file.")
_NEAREST = flags.DEFINE_integer(
    "nearest", 10, "Nearest words compared for stability.", lower_bound=1
)
_FONT = flags.DEFINE_string("font", None, "Font file to draw words with.")
_DPI = flags.DEFINE_integer(
    "dpi", 150, "Dots per inch of the PNG.", lower_bound=30, upper_bound=1200
)


def main(arguments: list[str]) -> None:
    kind, *words = arguments or [""]
    if kind not in KINDS:
        raise ValueError(f"{kind or 'no kind'}: name one of {', '.join(KINDS)} first")
    if not _VECTORS.value:
        raise ValueError("--vectors: missing; name a file of vectors")
    if not _OUT.value:
        raise ValueError("--out: missing; name the pictures, without a suffix")
    if kind != "stability" and len(_VECTORS.value) > 1:
        raise ValueError(f"--vectors: {kind} takes one file")
    if kind in ("similarity", "stability") and words:
        raise ValueError(f"{words[0]}: {kind} takes no words")
    for suffix in DRAWN_AS:
        out = Path(f"{_OUT.value}.{suffix}")
        writable.check("out", out, reads=_VECTORS.value)
    figure = DRAWN[kind](words)
    for path in save(figure, _OUT.value, _FONT.value, _DPI.value):
        print(path)


def _map(words: list[str]) -> Any:
    from experiments import word_pictures

    if not words:
        raise ValueError("map: no word given; name some after the flags")
    vectors = Vectors.load(_VECTORS.value[0])
    for word in words:
        vectors.row(word)  # all of them known, or none drawn
    clusters = {"words": words}
    if _NEIGHBOURS.value:
        count = _NEIGHBOURS.value
        clusters = {
            word: [word, *(near for near, _ in vectors.nearest(word, count))]
            for word in words
        }
    return word_pictures.word_map(vectors, clusters, _METHOD.value, _PERPLEXITY.value)


def _analogy(words: list[str]) -> Any:
    from experiments import word_pictures

    if len(words) < 4 or len(words) % 2:
        raise ValueError(
            f"analogy: takes pairs of words, two or more; not {len(words)}"
        )
    pairs = list(zip(words[::2], words[1::2], strict=True))
    vectors = Vectors.load(_VECTORS.value[0])
    return word_pictures.parallelogram(vectors, pairs)


def _similarity(words: list[str]) -> Any:
    from experiments import word_pictures
    from w2v_jax.evaluation import readers, similarity, suites

    name, path = suites.find_one(_SET.value)
    if readers.kind(path) != "similarity":
        raise ValueError(f"{path}: holds analogies; name a similarity set by --set")
    vectors = Vectors.load(_VECTORS.value[0])
    result = similarity.evaluate(vectors, readers.read_pairs(path))
    if not result.known.any():
        raise ValueError(f"{path}: none of its pairs have vectors")
    return word_pictures.against_people(result, name)


def _stability(words: list[str]) -> Any:
    from experiments import word_pictures
    from w2v_jax.evaluation import stability
    from w2v_jax.evaluation.counts import counts_beside

    if len(set(_VECTORS.value)) < 2:
        raise ValueError("--vectors: name two files or more that differ")
    tables = stability.common([Vectors.load(path) for path in _VECTORS.value])
    counts = counts_beside(Path(_VECTORS.value[0]), tables[0].words)
    bands = stability.by_band(tables, counts, _NEAREST.value)
    return word_pictures.stability_bars(bands, _NEAREST.value)


DRAWN_AS = ("png", "svg")
DRAWN = {
    "map": _map,
    "analogy": _analogy,
    "similarity": _similarity,
    "stability": _stability,
}


def save(
    figure: Any, out: str, font: str | None = None, dpi: int = drawing.PIXELS
) -> list[Path]:
    """Writes out.png and out.svg in a font that has the figure's characters."""
    png, svg, missing = drawing.rendered(figure, font, dpi)
    if missing:
        cli.note(f"no font here draws {missing[:20]}; {fonts.INSTALL}")
    paths = [Path(f"{out}.{suffix}") for suffix in DRAWN_AS]
    for path, data in zip(paths, (png, svg), strict=True):
        write_whole(path, data)
    return paths


if __name__ == "__main__":
    cli.run(main)
