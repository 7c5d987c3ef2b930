"""Question: how do I hand these vectors to somebody else?

Command:  python -m experiments.export --run=DIR --out=FILE
Expected: FILE in the format that its suffix names (.bin, .txt, .vec, .glove, .npz,
          .safetensors, .tsv), and FILE.md, the model card: configuration, hash of the
          corpus, tokeniser, and scores with intervals, measured on the spot.
Cost:     seconds for 70,000 words; --suite= (empty) measures nothing.
"""

import hashlib
from pathlib import Path

from absl import flags

from experiments import cli, writable
from w2v_jax.durable import write_whole
from w2v_jax.tables import TABLES

_RUN = flags.DEFINE_string("run", None, "Run directory of a finished run.")
_OUT = flags.DEFINE_string("out", None, "File of vectors; its suffix is its format.")
_TABLE = flags.DEFINE_enum("table", "input", list(TABLES), "Which vectors.")
_SUITE = flags.DEFINE_list(
    "suite", ["english"], "english, chinese, names of sets, or files; empty: no scores."
)
_RESTRICT = flags.DEFINE_integer(
    "restrict_vocab", 0, "Judge within the first so many words; 0: all.", lower_bound=0
)


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; the run directory goes by --run")
    if not _RUN.value:
        raise ValueError("--run: missing; name a run directory")
    if not _OUT.value:
        raise ValueError("--out: missing; name the file of vectors to write")
    from w2v_jax import formats, tables
    from w2v_jax.evaluation import finished_run, suites
    from w2v_jax.evaluation.counts import counts_beside
    from w2v_jax.model_card import model_card
    from w2v_jax.runlog import CONTENTS, read_json

    out = Path(_OUT.value)
    formats.format_of(out)
    sets = suites.find(_SUITE.value)
    run = finished_run.load(_RUN.value)
    writable.check("out", out, reads=[run.path / name for name in CONTENTS])
    vectors = tables.load(run.path / "vectors.bin", _TABLE.value)
    vectors.save(out)
    scores = {}
    if sets:
        counts = counts_beside(run.path / "vectors.bin", vectors.words)
        with cli.progress("questions") as report:
            scores = suites.evaluate(
                vectors,
                sets,
                _RESTRICT.value,
                counts,
                progress=lambda task, done, total: report(task, done, total, ""),
            )
    summary = run.path / "summary.json"
    card = model_card(
        out.name,
        hashlib.sha256(out.read_bytes()).hexdigest(),
        vectors,
        _TABLE.value,
        run,
        read_json(summary) if summary.is_file() else {},
        scores,
    )
    beside = out.with_name(f"{out.name}.md")
    write_whole(beside, card.encode())
    print(out)
    print(beside)


if __name__ == "__main__":
    cli.run(main)
