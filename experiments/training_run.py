"""One training run from wherever it stands to its end, as files in its directory.

What `experiments.train` does once and a worker of `experiments.ablate` many times.
"""

import dataclasses
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from experiments import cli, kernel, limits
from w2v_jax import runtime


def carry_out(
    asked: Any,
    workdir: Path,
    cache: Path,
    *,
    overwrite: bool = False,
    checkpoint_seconds: float = 60.0,
    begun: float | None = None,
    kind: Any = None,
) -> dict[str, Any]:
    """One run from wherever it stands to its end; returns its summary.

    Several may follow each other in one process: jax is then started once.

    Args:
      asked: the config, fields left open and all.
      workdir: the run directory.
      cache: of encoded corpora and compiled programs.
      overwrite: clear the directory of another or a finished run first.
      checkpoint_seconds: between checkpoints.
      begun: when the command started, on the clock of `time.perf_counter`.
      kind: `Training` or a subclass; None: `Training`.

    Raises:
      ValueError, OSError: input that cannot be trained on, or another run's directory.
      cli.DivergedError: training left the finite numbers.
    """
    begun = time.perf_counter() if begun is None else begun
    asked = kernel.settle(asked, None if overwrite else workdir, cache)
    devices = runtime.configure(asked.replicas, cache)
    from w2v_jax.config import resolve
    from w2v_jax.runlog import RunDirectory, read_summary

    config = resolve(asked, devices)
    corpus, vocabulary = read_text(config, cache)
    limits.check_memory(config, len(vocabulary))
    facts = {**of_corpus(corpus), **kernel.ready(config, cache)}
    with RunDirectory(workdir) as run:
        going_on = run.begin(config.to_dict(), overwrite, facts)
        record_environment(run, facts)
        if going_on and run.finished:
            cli.note(f"{run.path}: already finished; --overwrite trains it again.")
            return read_summary(run.path / "summary.json")
        if corpus.invalid_bytes:
            done = {"replace": "replaced by U+FFFD", "skip": "left out"}
            cli.note(
                f"{corpus.path}: {corpus.invalid_bytes:,} bytes that are not UTF-8, "
                f"{done[config.invalid_utf8]}."
            )
        _print_start(corpus, vocabulary, config)
        training = (kind or Training)(run, corpus, vocabulary, config, begun)
        summary = training.finish(checkpoint_seconds)
        run.write_json("summary.json", summary)
        return summary


def read_text(config: Any, cache: Path) -> tuple[Any, Any]:
    """The encoded corpus and the vocabulary of a config."""
    from w2v_jax.corpus import encode
    from w2v_jax.datasets import resolve_corpus
    from w2v_jax.vocabulary import build_vocabulary

    with cli.progress("bytes") as report:
        corpus = encode(
            resolve_corpus(config.corpus, cache, report),
            tokenizer=config.tokenizer,
            invalid_utf8=config.invalid_utf8,
            max_words=config.max_words,
            cache_dir=cache,
            progress=report,
        )
        vocabulary = build_vocabulary(corpus, config.min_count, config.max_vocabulary)
    return corpus, vocabulary


def of_corpus(corpus: Any) -> dict[str, Any]:
    """What environment.json says of the text."""
    return {
        "corpus_sha256": corpus.source_sha256,
        "tokenizer": corpus.tokenizer,
        "tokenizer_version": corpus.tokenizer_version,
        "invalid_bytes": corpus.invalid_bytes,
    }


def record_environment(run: Any, facts: dict[str, Any]) -> None:
    """Writes environment.json, or tells what has changed since it was written."""
    from w2v_jax.runlog import environment

    for note in run.record_environment(environment(**facts)):
        cli.note(f"{run.path}: since its first start {note} has changed.")


class Training:
    """One run from its last checkpoint, or from the start, to its end."""

    def __init__(
        self, run: Any, corpus: Any, vocabulary: Any, config: Any, begun: float
    ) -> None:
        from w2v_jax import checkpoint
        from w2v_jax.position import Position
        from w2v_jax.training import Trainer

        self.run, self.config, self.vocabulary = run, config, vocabulary
        self.trainer = Trainer(corpus.ids, vocabulary, config)
        self.position, self.before, self.settling = Position(), 0.0, 0.0
        self.loss: float | None = None
        self.watch = limits.Watch(limits.untrained(config, len(vocabulary)))
        state, self.constants = self.trainer.start()
        found = checkpoint.latest_good(run.checkpoints, cli.note)
        if found is not None:
            like = self.trainer.host(state)
            host, metadata = checkpoint.restore(found[0], like)
            state = self.trainer.place(host)
            self._go_on(found[0] / checkpoint.METADATA, metadata)
            cli.note(f"{found[0]}: going on at {self.position.raw_words:,} words.")
        self.state = state
        self.compile_seconds = self.trainer.compile(state, self.constants)
        self.rate_from = self.position.raw_words
        cli.note(f"first step {time.perf_counter() - begun:.1f} s after start")

    def _go_on(self, path: Path, metadata: dict[str, Any]) -> None:
        """Takes over what stands beside the arrays of a checkpoint."""
        from w2v_jax.position import Position

        try:
            self.position = Position.from_dict(metadata.get("position"))
            ended = self.position.epoch == self.config.epochs
            chunks = 1 if ended else self.trainer.chunks
            if (
                self.position.epoch > self.config.epochs
                or self.position.chunk >= chunks
            ):
                raise ValueError("the position lies beyond the end of the run")
            self.before = float(metadata["seconds"])
            self.settling = float(metadata["settling_seconds"])
            self.loss = None if metadata["loss"] is None else float(metadata["loss"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path}: not written by this program ({error}); delete the checkpoint"
            ) from None

    def finish(self, checkpoint_seconds: float) -> dict[str, Any]:
        """Trains to the end, writes the vectors and returns the summary."""
        self.checkpoint_seconds = checkpoint_seconds
        log, notes = self.run.metrics(self.position.step or None)
        for note in notes:
            cli.note(note)
        with log, cli.progress("words") as report, cli.deferred_signals() as signals:
            metrics = self._loop(log, report, signals)
        tables = self.trainer.host(self.state).tables
        hashes = write_tables(self.run, self.vocabulary, tables)
        from w2v_jax.runlog import peak_memory_bytes

        seconds = self.before + metrics.seconds if metrics else self.before
        words = self.position.raw_words
        return {
            "raw_words": words,
            "kept_tokens": self.position.kept_tokens,
            "vocabulary": len(self.vocabulary),
            "train_seconds": seconds,
            "compile_seconds": self.compile_seconds + self.trainer.sample_seconds,
            "settling_seconds": self.settling,
            "words_per_second": words / seconds if seconds else None,
            "final_loss": self.loss,
            "peak_memory_bytes": peak_memory_bytes(),
            "sha256": hashes,
        }

    def _loop(self, log: Any, report: Any, signals: list[int]) -> Any:
        from w2v_jax.training import train

        total = self.trainer.total_words
        metrics: Any = None
        saved = started = time.monotonic()
        entered, before = time.perf_counter(), self.settling

        def account() -> None:
            """What has gone into the loss, the log and checkpoints."""
            passed = time.perf_counter() - entered - self.trainer.sample_seconds
            self.settling = before + passed - metrics.seconds

        def show(position: Any) -> None:
            words = position.raw_words - self.rate_from
            speed = words / max(time.monotonic() - started, 1e-9)
            loss = "" if self.loss is None else f"  loss {self.loss:.4f} nats"
            report("training", position.raw_words, total, f"{speed:,.0f} words/s{loss}")

        steps = train(
            self.trainer, self.state, self.constants, self.position, report=show
        )
        for self.state, metrics in steps:
            self.position, self.loss = metrics.position, metrics.loss
            account()
            words = self.position.raw_words
            if not metrics.finite:
                self._diverged(metrics)
            log.append(
                step=self.position.step,
                epoch=self.position.epoch,
                raw_words=words,
                loss=metrics.loss,
                learning_rate=metrics.learning_rate,
                words_per_second=(words - self.rate_from) / metrics.seconds,
                seconds=self.before + metrics.seconds,
            )
            if said := self.watch.see(self.config, metrics):
                cli.note(f"{self.run.path}: {said}")
            self.settled(metrics)
            due = time.monotonic() - saved >= self.checkpoint_seconds
            if signals or due or words == total:
                path = self._save(metrics)
                saved = time.monotonic()
            account()
            if signals and words < total:
                again = shlex.join(["python", "-m", "experiments.train", *sys.argv[1:]])
                cli.stop(signals[0], f"{path}: saved; go on with: {again}")
        return metrics

    def settled(self, metrics: Any) -> None:
        """Called at every settled point, outside the clock; for subclasses."""

    def _save(self, metrics: Any) -> Path:
        from w2v_jax import checkpoint

        metadata = {
            "position": dataclasses.asdict(self.position),
            "seconds": self.before + metrics.seconds,
            "settling_seconds": self.settling,
            "loss": metrics.loss,
        }
        host = self.trainer.host(self.state)
        return checkpoint.save(self.run.checkpoints, host, metadata)

    def _diverged(self, metrics: Any) -> None:
        from w2v_jax import checkpoint

        found = checkpoint.latest_good(self.run.checkpoints)
        last = f"last good checkpoint {found[0]}" if found else "no checkpoint yet"
        raise cli.DivergedError(
            f"{self.run.path}: {limits.diverged(self.config, metrics, last)}"
        )


def write_tables(run: Any, vocabulary: Any, tables: dict[str, Any]) -> dict[str, str]:
    """Vectors and vocabulary of a run; returns the SHA-256 of each table."""
    from safetensors.numpy import save

    from w2v_jax import durable, formats
    from w2v_jax.runlog import array_sha256

    vocabulary.save_tsv(run.path / "vocabulary.tsv")
    outputs = {f"{name}_vectors": t for name, t in tables.items() if name != "input"}
    durable.write_whole(run.path / "output_vectors.safetensors", save(outputs))
    formats.write(run.path / "vectors.bin", vocabulary.words, tables["input"])
    return {f"{name}_vectors": array_sha256(t) for name, t in tables.items()}


def _print_start(corpus: Any, vocabulary: Any, config: Any) -> None:
    cli.note(
        f"{corpus.raw_words:,} words, {len(vocabulary):,} in the vocabulary; "
        f"{config.architecture} with {config.objective}, "
        f"learning rate {config.learning_rate}, replicas {config.replicas}, "
        f"kernel {config.kernel}"
    )
    if (config.architecture, config.objective) == ("skipgram", "softmax"):
        what = "the exact gradient here; skip-gram with the full softmax has no other"
    else:
        what = "not the gradient of the loss that is reported; see deviations.py"
    if config.gradient == "undivided" and config.architecture == "cbow":
        what = "every context word takes C times its gradient; or --gradient=exact"
    if config.gradient != "exact":
        cli.note(f"gradient={config.gradient}: {what}")
