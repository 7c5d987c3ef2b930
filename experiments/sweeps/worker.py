"""A process that trains and judges runs, one after the other.

    python -m experiments.sweeps.worker              tasks as JSON lines on stdin
    python -m experiments.sweeps.worker TASK.json    one task from a file

A task is an object: `path` (the run directory), `config`, `cache_dir`,
`checkpoint_seconds`, `suites`, `restrict`, and `cores` (numbers of those to stay on;
null: any). For each the worker prints one JSON line on its standard output: `path`,
`code` (as the exit code of experiments.train), `line` (the last words of a failure)
and `seconds`. What training prints goes to output.log in the run directory.

jax starts once for all tasks. When stdin closes during a run, as it does when the
parent is killed, the run is saved and the worker ends.
"""

import contextlib
import fcntl
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from experiments import cli
from experiments.sweeps.runs import EVALUATION, LOG, forget_failure, record_failure

Task = tuple[dict[str, Any], Callable[[], None]]  # and what to call when it is done

PATIENCE = 60.0  # seconds that a run directory may still be held by a dying process


def main(arguments: list[str]) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    tasks = _from_files(arguments) if arguments else from_stdin()
    for task, done in tasks:
        answer = carry_out(task)
        done()  # before the answer: who has it may close our standard input
        answers.write(json.dumps(answer) + "\n")
        if arguments and answer["code"]:
            _leave(answer)


def _leave(answer: dict[str, Any]) -> None:
    """Ends as experiments.train would have."""
    if answer["code"] == cli.DIVERGED:
        raise cli.DivergedError(answer["line"])
    if answer["code"] == cli.FAILED:
        raise cli.CheckError(answer["line"])
    raise ValueError(answer["line"])


def _from_files(paths: list[str]) -> Iterator[Task]:
    from w2v_jax.runlog import read_json

    for path in paths:
        yield read_json(Path(path)), lambda: None


def from_stdin() -> Iterator[Task]:
    """Tasks as they arrive; SIGTERM to ourselves if stdin closes during one."""
    arrived: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            arrived.put(line)
        if arrived.unfinished_tasks:
            os.kill(os.getpid(), signal.SIGTERM)
        arrived.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := arrived.get()) is not None:
        yield json.loads(line), arrived.task_done


def carry_out(task: dict[str, Any]) -> dict[str, Any]:
    """Trains and judges one run; a failure is recorded and told, never raised.

    Only what stops the process, a signal, goes through.
    """
    path, begun = Path(task["path"]), time.monotonic()
    path.mkdir(parents=True, exist_ok=True)
    if task.get("cores"):
        os.sched_setaffinity(0, task["cores"])  # before jax counts them
    code, line = 0, ""
    with output_to(path / LOG):
        try:
            _train_and_judge(task, path)
            forget_failure(path)
        except Exception as error:
            code, line = told(error)
            print(line, file=sys.stderr)
    seconds = time.monotonic() - begun
    if code:
        record_failure(path, code, line, seconds)
    return {"path": str(path), "code": code, "line": line, "seconds": seconds}


def _train_and_judge(task: dict[str, Any], path: Path) -> None:
    from experiments.training_run import carry_out as train
    from w2v_jax.config import Config

    wait_until_free(path / ".lock")
    forget_peak_memory()
    cache = Path(task["cache_dir"])
    every = task["checkpoint_seconds"]
    train(Config.from_dict(task["config"]), path, cache, checkpoint_seconds=every)
    judge(path, task["suites"], task["restrict"])


def judge(path: Path, names: list[str], restrict: int) -> None:
    """Writes eval.json as experiments.evaluate does."""
    from w2v_jax import durable
    from w2v_jax.evaluation import suites
    from w2v_jax.evaluation.counts import counts_beside
    from w2v_jax.vectors import Vectors

    file = path / "vectors.bin"
    vectors = Vectors.load(file)
    counts = counts_beside(file, vectors.words)
    scores = suites.evaluate(vectors, suites.find(names), restrict, counts)
    scores = {"vectors": str(file), "table": "input"} | scores
    text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
    durable.write_whole(path / EVALUATION, text.encode())


def told(error: Exception) -> tuple[int, str]:
    """(exit code, line) of an error, as `cli.run` has them; of a defect, its name."""
    if isinstance(error, cli.DivergedError):
        return cli.DIVERGED, str(error)
    out_of_memory = isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(
        error
    )
    if isinstance(error, MemoryError) or out_of_memory:
        return cli.USAGE, cli.OUT_OF_MEMORY
    if isinstance(error, (ValueError, OSError)):
        return cli.USAGE, cli.describe(error)
    if not isinstance(error, cli.CheckError):
        traceback.print_exc()
    return cli.FAILED, f"{type(error).__name__}: {cli.describe(error)}"


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Appends standard output and errors to a file meanwhile."""
    streams = (sys.stdout, sys.stderr)
    kept = [os.dup(stream.fileno()) for stream in streams]
    with path.open("ab") as log:
        for stream in streams:
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
        try:
            yield
        finally:
            for stream, before in zip(streams, kept, strict=True):
                stream.flush()
                os.dup2(before, stream.fileno())
                os.close(before)


def wait_until_free(lock: Path) -> None:
    """Waits for a process that is about to leave the run directory.

    A killed sweep's worker saves its run first. `RunDirectory` refuses whoever comes
    after that still in vain.
    """
    until = time.monotonic() + PATIENCE
    while lock.exists() and time.monotonic() < until:
        with lock.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.2)


def forget_peak_memory() -> None:
    """Has Linux measure the peak anew, so that a run reports its own."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    cli.run(main)
