"""metrics.jsonl and scores as TensorBoard events: one folder of events a run.

The step of a scalar is the number of raw words read, which is what runs of different
batch sizes have in common; wall times are those of the training.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.reporting.cells import Cell
from experiments.reporting.collect import Run

METRICS = ("loss", "learning_rate", "words_per_second", "epoch")


def write_events(
    cells: Sequence[Cell],
    folder: str | Path,
    scores: Mapping[tuple[str, str], Mapping[int, float]],
) -> list[Path]:
    """Writes the events of every run to folder/CELL/seed-N and returns these folders.

    What lies there from an earlier call is removed, so that no point counts twice.

    Args:
      cells: of a grid.
      folder: TensorBoard's --logdir.
      scores: by (cell, measure) and seed; written once, at the end of the run.

    Raises:
      ValueError: tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        raise ValueError(
            "--tensorboard: needs tensorboardX; pip install 'w2v_jax[tensorboard]'"
        ) from None
    made: list[Path] = []
    for place, cell in enumerate(cells, 1):
        named = _file_name(cell.name)
        if Path(folder) / named in {path.parent for path in made}:
            named += f"_{place}"  # a/b and a_b
        for run in cell.runs:
            to = Path(folder) / named / f"seed-{run.seed}"
            for old in to.glob("events.out.tfevents.*"):
                old.unlink()
            with SummaryWriter(str(to)) as writer:
                _write(writer, run)
                for (name, measure), by_seed in scores.items():
                    if name == cell.name and run.seed in by_seed:
                        words = run.summary.get("raw_words")
                        tag = f"score/{_file_name(measure)}"
                        writer.add_scalar(tag, by_seed[run.seed], words)
            made.append(to)
    return made


def _write(writer: Any, run: Run) -> None:
    lines = run.metrics()
    ended = (run.path / "summary.json").stat().st_mtime
    whole = max((line.get("seconds") or 0.0 for line in lines), default=0.0)
    for line in lines:
        wall = ended - whole + (line.get("seconds") or 0.0)
        for name in METRICS:
            if line.get(name) is not None:
                writer.add_scalar(name, line[name], line.get("raw_words"), wall)
    text = "\n".join(f"    {k}: {v}" for k, v in run.config.to_dict().items())
    writer.add_text("config", text)


def _file_name(name: str) -> str:
    """A name that is one folder on every system."""
    return "".join(c if c.isalnum() or c in "-_.=," else "_" for c in name) or "run"
