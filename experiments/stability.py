"""Question: do other seeds find the same neighbours?

Command:  python -m experiments.stability --vectors=A --vectors=B [--vectors=C ...] \
              --out=stability.json
Expected: for each band of frequency the share of the ten nearest words that two files
          have in common, averaged over all pairs of files, with its interval.
Cost:     seconds a pair for 70,000 words.

Bands are of occurrences where vocabulary.tsv lies beside the first file, otherwise of
rank. Files are searched within the words they all hold.
"""

import json
from pathlib import Path

from absl import flags
from rich.table import Table

from experiments import cli, screen, writable
from w2v_jax.evaluation import stability
from w2v_jax.evaluation.counts import counts_beside
from w2v_jax.vectors import Vectors

_VECTORS = flags.DEFINE_multi_string(
    "vectors", [], "Vectors, twice or more: .bin, .txt, .vec, .npz, .safetensors ..."
)
_OUT = flags.DEFINE_string("out", None, "JSON file for the shares; none: only printed.")
_NEAREST = flags.DEFINE_integer("nearest", 10, "Nearest words of each.", lower_bound=1)
_SAMPLED = flags.DEFINE_integer(
    "sampled", 1000, "Words drawn from each band, with a fixed seed.", lower_bound=2
)


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; vectors are named by --vectors")
    if len(set(_VECTORS.value)) < 2:
        raise ValueError("--vectors: name two files or more that differ")
    if _OUT.value:
        writable.check("out", Path(_OUT.value), reads=_VECTORS.value)
    tables = stability.common([Vectors.load(path) for path in _VECTORS.value])
    counts = counts_beside(Path(_VECTORS.value[0]), tables[0].words)
    found = stability.by_band(tables, counts, _NEAREST.value, _SAMPLED.value)
    scores = {
        "vectors": _VECTORS.value,
        "nearest": _NEAREST.value,
        "words_in_common": len(tables[0]),
        "bands": found,
    }
    if _OUT.value:
        text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
        writable.save(Path(_OUT.value), text)
    table = Table(
        title=f"{_NEAREST.value} nearest words in common, {len(_VECTORS.value)} files"
    )
    table.add_column("band")
    for heading in ("overlap", "95 % interval", "words"):
        table.add_column(heading, justify="right")
    for name, one in found.items():
        low, high = one["interval"]
        table.add_row(
            name,
            f"{one['overlap']:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{one['words']:,}",
        )
    screen.console().print(table)


if __name__ == "__main__":
    cli.run(main)
