"""Question: what did these runs show, beyond noise?

Command:  python -m experiments.report --workdir=DIR
          python -m experiments.report --workdir=DIR --baseline=CELL \
              --measures=wordsim353,google,google@1-99 --restrict_vocab=30000
Expected: DIR/report with tables (.md, .csv, .tex), pictures (.png, .svg), report.tex,
          which compiles, and index.html, which holds all of it.
Cost:     a few seconds a run the first time (what a run says to each question is kept
          beside it), then seconds.

Any tree of run directories will do. Runs that differ by seed alone are one cell; cells
are known by the fields that differ. A table shows no mean without its deviation and
interval, and bold only what is significant after Holm's correction over every
comparison in the report; experiments/reporting/significance.py says what is tested.
A measure is a set, a suite or a file, or with @LOW-HIGH the part of a set whose rarest
word occurred so many times in the text.
"""

from pathlib import Path

from absl import flags

from experiments import cli
from w2v_jax.tables import TABLES

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder with run directories below.")
_OUT = flags.DEFINE_string("out", None, "Folder to write to; none: WORKDIR/report.")
_MEASURES = flags.DEFINE_list(
    "measures",
    [],
    "Sets, suites or files, with commas, each with or without @LOW-HIGH; none: "
    "WordSim-353, SimLex-999 and Google, or the Chinese ones for a Chinese text.",
)
_BASELINE = flags.DEFINE_string(
    "baseline", None, "Cell that the others are compared with; none: all pairs."
)
_CONFIDENCE = flags.DEFINE_float(
    "confidence",
    0.95,
    "Level of the intervals; 1 - level is that of significance.",
    lower_bound=0.5,
    upper_bound=0.9999,
)
_CORRECTION = flags.DEFINE_enum(
    "correction", "holm", ["holm", "none"], "Of p over all comparisons of the report."
)
_RESTRICT = flags.DEFINE_integer(
    "restrict_vocab",
    None,
    "Judge within the first so many words, which are the most frequent; 0: all; none: "
    "what the sweep was judged by, else all.",
    lower_bound=0,
)
_TABLES = flags.DEFINE_list(
    "tables",
    ["input"],
    f"Vectors to judge, with commas: {', '.join(TABLES)}; several make more cells.",
)
_SECONDS = flags.DEFINE_float(
    "budget_seconds",
    None,
    "Seconds of training at equal time; none: the least that fits every setting.",
    lower_bound=0.0,
)
_WORDS = flags.DEFINE_float(
    "budget_words",
    None,
    "Raw words, in millions, at equal tokens; none: the least that fits every setting.",
    lower_bound=0.0,
)
_TENSORBOARD = flags.DEFINE_string(
    "tensorboard", None, "Folder for TensorBoard's events, one run a folder; none: no."
)
_STUDY = flags.DEFINE_string(
    "study", None, "Prefix: PREFIX.md, .csv and .png, small enough to be committed."
)
_FONT = flags.DEFINE_string("font", None, "Font file to draw words with.")


def main(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"{arguments[0]}: not a flag; the runs are named by --workdir")
    if not _WORKDIR.value:
        raise ValueError("--workdir: missing; name the folder that holds the runs")
    for table in _TABLES.value:
        if table not in TABLES:
            raise ValueError(f"--tables={table}: must be of {', '.join(TABLES)}")
    if len(set(_TABLES.value)) < max(len(_TABLES.value), 1):
        raise ValueError("--tables: name each once, and one at least")
    from experiments.reporting.report import Asked, make_report
    from experiments.reporting.study import write_study

    asked = Asked(
        workdir=Path(_WORKDIR.value),
        measures=tuple(_MEASURES.value),
        baseline=_BASELINE.value,
        level=_CONFIDENCE.value,
        corrected=_CORRECTION.value == "holm",
        restrict=_RESTRICT.value,
        tables=tuple(_TABLES.value),
        budget_seconds=_SECONDS.value,
        budget_words=_WORDS.value,
        font=_FONT.value,
    )
    out = Path(_OUT.value) if _OUT.value else asked.workdir / "report"
    with cli.progress("done") as report:
        made = make_report(asked, lambda task, at, of: report(task, at, of, ""))
        written = made.write(out)
    if _TENSORBOARD.value:
        written += made.write_events(_TENSORBOARD.value)
    if _STUDY.value:
        written += write_study(made, Path(_STUDY.value))
    for note in made.notes:
        cli.note(note)
    print(made.text())
    print(out / "index.html")


if __name__ == "__main__":
    cli.run(main)
