"""Cells that train together, from wherever they stand to their ends, as files.

Each cell leaves the run directory that `training_run` leaves for it alone: config,
environment, metrics, vocabulary, vectors, summary. Times in them are the cell's share
of the group's. Checkpoints are the group's, of all its cells at once, in a folder of
its own: after a kill the same cells go on together from the last one, to the same
bits, or from the start where there is none. The bits of a cell may depend, by
rounding, on how many train beside it, so those that have ended or failed keep their
place in the program.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments import cli, limits, training_run
from w2v_jax import runtime

Ended = Callable[[Path, int, str], None]


class Member(NamedTuple):
    """A cell of a group.

    Attributes:
      path: its run directory.
      config: as asked for; fields may be open, replicas is 1.
      wanted: whether its files are to be written; those of a cell that has ended or
        failed before are there.
    """

    path: Path
    config: Any
    wanted: bool = True


def carry_out(
    members: Sequence[Member],
    folder: Path,
    cache: Path,
    ended: Ended,
    checkpoint_seconds: float = 60.0,
) -> None:
    """Trains all cells to their ends.

    Args:
      members: alike but for `together.NUMBERS`.
      folder: of the group's checkpoints.
      cache: of encoded corpora and compiled programs.
      ended: told (run directory, exit code, last words) as soon as a wanted cell has
        all its files, has diverged, or cannot be written.
      checkpoint_seconds: between checkpoints.

    Raises:
      ValueError, OSError: input that cannot be trained on.
    """
    devices = runtime.configure(1, cache)

    from w2v_jax.config import resolve
    from w2v_jax.runlog import RunDirectory

    configs = [resolve(member.config, devices) for member in members]
    corpus, vocabulary = training_run.read_text(configs[0], cache)
    with contextlib.ExitStack() as held:
        runs: dict[int, Any] = {}
        for number, (member, config) in enumerate(zip(members, configs, strict=True)):
            if not member.wanted:
                continue
            try:
                run = held.enter_context(RunDirectory(member.path))
                run.begin(config.to_dict())
                count = len(members)
                facts = training_run.of_corpus(corpus) | {"together": count}
                training_run.record_environment(run, facts)
            except (ValueError, OSError) as error:
                ended(member.path, cli.USAGE, cli.describe(error))
                continue
            runs[number] = run
            if run.finished:
                del runs[number]
                ended(member.path, 0, "")
        Group(folder, configs, corpus, vocabulary, runs, ended).finish(
            checkpoint_seconds
        )


class Group:
    """The cells of a group from their last checkpoint, or from the start.

    Attributes:
      runs: the run directories of cells that have yet to end, by the cell's number.
      failed: last words of cells that have diverged, by the cell's number.
    """

    def __init__(
        self,
        folder: Path,
        configs: Sequence[Any],
        corpus: Any,
        vocabulary: Any,
        runs: dict[int, Any],
        ended: Ended,
    ) -> None:
        from w2v_jax import checkpoint
        from w2v_jax.position import Position
        from w2v_jax.together_training import Together

        self.checkpoints, self.configs = folder / "checkpoints", configs
        self.vocabulary, self.runs, self.ended = vocabulary, runs, ended
        self.group = Together(corpus.ids, vocabulary, configs)
        count = len(configs)
        self.positions = (Position(),) * count
        self.seconds, self.settling = [0.0] * count, 0.0
        self.losses: list[float | None] = [None] * count
        start = [limits.untrained(config, len(vocabulary)) for config in self.configs]
        self.watches = [limits.Watch(loss) for loss in start]
        self.failed: dict[int, str] = {}
        self.state, self.constants = self.group.start()
        if found := checkpoint.latest_good(self.checkpoints, cli.note):
            host, metadata = checkpoint.restore(found[0], self.state)
            self._go_on(found[0] / checkpoint.METADATA, metadata)
            self.state = self.group.place(host)
            words = sum(at.raw_words for at in self.positions)
            cli.note(f"{found[0]}: going on at {words:,} words of all cells.")
        self.begun_at, self.before = self.positions, list(self.seconds)
        self.compile_seconds = self.group.compile(self.state, self.constants)

    def _go_on(self, path: Path, metadata: dict[str, Any]) -> None:
        """Takes over what stands beside the arrays of a checkpoint."""
        from w2v_jax.position import Position

        try:
            self.positions = tuple(map(Position.from_dict, metadata["positions"]))
            self.seconds = [float(value) for value in metadata["seconds"]]
            self.settling = float(metadata["settling_seconds"])
            self.losses = [None if v is None else float(v) for v in metadata["losses"]]
            self.failed = {int(k): str(v) for k, v in metadata["failed"].items()}
            count = len(self.configs)
            if (
                not len(self.positions)
                == len(self.seconds)
                == len(self.losses)
                == count
            ):
                raise ValueError(f"it is not of {count} cells")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"{path}: not written by this program ({error}); delete the checkpoint"
            ) from None

    def finish(self, checkpoint_seconds: float) -> None:
        """Trains to the end; every cell is written as soon as it is there."""
        with contextlib.ExitStack() as held:
            self.logs: dict[int, Any] = {}
            for number, run in self.runs.items():
                log, notes = run.metrics(self.positions[number].step or None)
                self.logs[number] = held.enter_context(log)
                for note in notes:
                    cli.note(note)
            report = held.enter_context(cli.progress("words"))
            signals = held.enter_context(cli.deferred_signals())
            self._write_what_has_ended()
            if self.runs:
                self._loop(checkpoint_seconds, report, signals)

    def _loop(self, checkpoint_seconds: float, report: Any, signals: list[int]) -> None:
        from w2v_jax.together_training import train

        total = sum(cell.total_words for cell in self.group.cells)
        entered = saved = time.monotonic()
        settled_before, in_training = self.settling, 0.0

        def show(positions: Any) -> None:
            done = sum(at.raw_words for at in positions)
            fresh = done - sum(at.raw_words for at in self.begun_at)
            speed = fresh / max(time.monotonic() - entered, 1e-9)
            report("training", done, total, f"{speed:,.0f} words/s of all cells")

        steps = train(
            self.group, self.state, self.constants, self.positions, self.failed, show
        )
        for self.state, settled in steps:
            self.positions = settled.positions
            for number, metrics in settled.metrics.items():
                seconds = self.before[number] + metrics.seconds
                in_training += seconds - self.seconds[number]
                self.seconds[number] = seconds
                self._log(number, metrics)
            over = [n for n, at in enumerate(self.positions) if self._at_end(n, at)]
            due = time.monotonic() - saved >= checkpoint_seconds
            passed = time.monotonic() - entered - self.group.sample_seconds
            self.settling = settled_before + passed - in_training
            stopping = bool(signals)
            if stopping or due or any(n in self.runs for n in over):
                path = self._save()
                saved = time.monotonic()
            judged = time.monotonic()
            self._write_what_has_ended()
            entered += time.monotonic() - judged  # is nobody's settling
            if not self.runs:
                return
            if stopping:
                cli.stop(signals[0], f"{path}: saved; the same command goes on")

    def _log(self, number: int, metrics: Any) -> None:
        """A line of one cell's log, or what is said of one that has diverged."""
        self.losses[number] = metrics.loss
        config, words = self.configs[number], metrics.position.raw_words
        if not metrics.finite:
            self.failed[number] = limits.diverged(config, metrics)
        elif number in self.runs:
            if said := self.watches[number].see(config, metrics):
                cli.note(f"{self.runs[number].path}: {said}")
            fresh = words - self.begun_at[number].raw_words
            self.logs[number].append(
                step=metrics.position.step,
                epoch=metrics.position.epoch,
                raw_words=words,
                loss=metrics.loss,
                learning_rate=metrics.learning_rate,
                words_per_second=fresh / metrics.seconds,
                seconds=self.seconds[number],
            )

    def _at_end(self, number: int, position: Any) -> bool:
        return bool(position.epoch == self.configs[number].epochs)

    def _save(self) -> Path:
        from w2v_jax import checkpoint

        metadata = {
            "positions": [dataclasses.asdict(at) for at in self.positions],
            "seconds": self.seconds,
            "settling_seconds": self.settling,
            "losses": self.losses,
            "failed": self.failed,
        }
        host = self.group.host(self.state)
        return checkpoint.save(self.checkpoints, host, metadata)

    def _write_what_has_ended(self) -> None:
        """Writes cells at their ends and gives up those that have diverged."""
        for number in list(self.runs):
            run = self.runs[number]
            if number in self.failed:
                code, line = cli.DIVERGED, f"{run.path}: {self.failed[number]}"
            elif self._at_end(number, self.positions[number]):
                code, line = 0, ""
                run.write_json("summary.json", self._summary(number, run))
            else:
                continue
            del self.runs[number]
            run.close()
            self.ended(run.path, code, line)

    def _summary(self, number: int, run: Any) -> dict[str, Any]:
        """Writes a cell's tables and returns what its summary says."""
        from w2v_jax.runlog import peak_memory_bytes

        tables = self.group.host_cell(self.state, number).tables
        hashes = training_run.write_tables(run, self.vocabulary, tables)
        at, seconds, count = (
            self.positions[number],
            self.seconds[number],
            len(self.configs),
        )
        compiling = self.compile_seconds + self.group.sample_seconds
        return {
            "raw_words": at.raw_words,
            "kept_tokens": at.kept_tokens,
            "vocabulary": len(self.vocabulary),
            "train_seconds": seconds,
            "compile_seconds": compiling / count,
            "settling_seconds": self.settling / count,
            "words_per_second": at.raw_words / seconds if seconds else None,
            "final_loss": self.losses[number],
            "peak_memory_bytes": peak_memory_bytes(),
            "together": count,
            "sha256": hashes,
        }
