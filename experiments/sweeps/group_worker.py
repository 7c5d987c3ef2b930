"""A process that trains and judges one group of cells.

    python -m experiments.sweeps.group_worker     a task as a JSON line on stdin

The task is an object: `cells` (of each `path`, `config` and `wanted`), `folder`,
`cache_dir`, `checkpoint_seconds`, `suites`, `restrict`. For each wanted cell the worker
prints a JSON line as `worker` does, when it is judged or has failed, and at the end
`{}`. When stdin closes before, all cells are saved and the worker ends.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from experiments import cli
from experiments.sweeps.groups import hand_out_log
from experiments.sweeps.runs import LOG, forget_failure, record_failure
from experiments.sweeps.worker import (
    forget_peak_memory,
    from_stdin,
    judge,
    output_to,
    told,
    wait_until_free,
)

ALONE = "or train these cells one by one: --together=never"


def main(arguments: list[str]) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    for task, done in from_stdin():
        Work(task, answers).carry_out()
        done()  # before the last line: who has it may close our standard input
        answers.write("{}\n")


class Work:
    """A group under way.

    Args:
      task: see above.
      answers: where a line goes for each wanted cell.
    """

    def __init__(self, task: dict[str, Any], answers: TextIO) -> None:
        self.task, self.answers = task, answers
        self.begun = time.monotonic()
        self.folder = Path(task["folder"])
        self.waiting = [Path(c["path"]) for c in task["cells"] if c["wanted"]]

    def carry_out(self) -> None:
        """Trains and judges the cells; what fails is recorded and told, never raised.

        Only what stops the process, a signal, goes through.
        """
        with output_to(self.folder / LOG):
            try:
                self._train()
            except Exception as error:
                code, line = told(error)
                if line == cli.OUT_OF_MEMORY:
                    line = f"{line}, {ALONE}"
                print(line, file=sys.stderr)
                for path in list(self.waiting):
                    self._say(path, code, line)

    def _train(self) -> None:
        from experiments.training_group import Member, carry_out
        from w2v_jax.config import Config

        for path in self.waiting:
            path.mkdir(parents=True, exist_ok=True)
            wait_until_free(path / ".lock")
        forget_peak_memory()
        members = [
            Member(Path(c["path"]), Config.from_dict(c["config"]), c["wanted"])
            for c in self.task["cells"]
        ]
        cache, every = Path(self.task["cache_dir"]), self.task["checkpoint_seconds"]
        carry_out(members, self.folder, cache, self._ended, every)

    def _ended(self, path: Path, code: int, line: str) -> None:
        """Judges a cell that has been trained, and says how it ended."""
        if not code:
            try:
                judge(path, self.task["suites"], self.task["restrict"])
                forget_failure(path)
            except Exception as error:
                code, line = told(error)
        if code:
            print(line, file=sys.stderr)
        self._say(path, code, line)

    def _say(self, path: Path, code: int, line: str) -> None:
        seconds = time.monotonic() - self.begun
        self.waiting.remove(path)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        hand_out_log(self.folder, path)
        if code:
            record_failure(path, code, line, seconds)
        answer = {"path": str(path), "code": code, "line": line, "seconds": seconds}
        self.answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    cli.run(main)
