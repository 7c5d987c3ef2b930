"""What every command shares: flags from the config, exit codes, progress, help.

Exit codes: 0 done (also --help), 1 a check failed, 2 bad usage or input, 3 training
diverged, 130 and 143 stopped by SIGINT and SIGTERM. One line says what to do; a
traceback appears only for a defect of ours.
"""

import dataclasses
import os
import re
import signal
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from absl import flags
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from experiments import flag_files, screen
from w2v_jax.config import Config
from w2v_jax.config_fields import did_you_mean

FAILED, USAGE, DIVERGED, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143
OUT_OF_MEMORY = "out of memory; lower --dim, --max_vocabulary, --streams or --replicas"
TOO_LARGE = "out of memory; name fewer or smaller files, or take a machine with more"
HELP = {"-h", "-help", "--help", "--helpshort", "--helpfull"}


class Terminated(BaseException):
    """SIGTERM arrived; like KeyboardInterrupt, not an Exception."""


class Interrupted(KeyboardInterrupt):
    """SIGINT arrived.

    Where a KeyboardInterrupt itself passes through text that compiled code runs, as
    extension modules do on import, `python -m` ends by the signal, although it was
    caught and an exit code given. It does not look at subclasses.
    """


class CheckError(Exception):
    """A check that the command exists for has failed: exit code 1, the line is its."""


class DivergedError(Exception):
    """Training left the finite numbers: exit code 3."""


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Parses the flags, calls `main(positional arguments)` and exits with its code.

    ValueError, OSError and flag errors are the user's: one line and exit code 2.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _remember)
    signal.signal(signal.SIGALRM, _raise_remembered)
    given: list[flag_files.Flag] = []
    try:
        if HELP & set(sys.argv[1:]):
            print(_help_text(), flush=True)
            sys.exit(0)
        given = flag_files.expanded(sys.argv[1:])
        arguments = flags.FLAGS([sys.argv[0], *(flag.text for flag in given)])
        flag_files.check_numbers(flags.FLAGS.flag_values_dict())
    except flags.UnrecognizedFlagError as error:
        hint = did_you_mean(error.flagname, list(flags.FLAGS))
        line = f"--{error.flagname}: unknown.{hint or ' --help lists every flag.'}"
        _exit(USAGE, flag_files.placed(line, given))
    except flags.Error as error:
        line = f"{describe(error)} (--help lists every flag)"
        _exit(USAGE, flag_files.placed(line, given))
    except BrokenPipeError:
        _leave_the_pipe()
    except (ValueError, OSError) as error:  # of a flag file, or absl's of a flag
        _exit(USAGE, flag_files.placed(describe(error), given))
    try:
        main(arguments[1:])
        sys.stdout.flush()
        _stop_remembering()
    except BrokenPipeError:
        _leave_the_pipe()
    except (ValueError, OSError) as error:
        _exit(USAGE, flag_files.placed(describe(error), given))
    except MemoryError:
        _exit(USAGE, OUT_OF_MEMORY if "dim" in flags.FLAGS else TOO_LARGE)
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        _exit(USAGE, OUT_OF_MEMORY if "dim" in flags.FLAGS else TOO_LARGE)
    except CheckError as error:
        _exit(FAILED, str(error))
    except DivergedError as error:
        _exit(DIVERGED, str(error))
    except KeyboardInterrupt as error:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        _exit(INTERRUPTED, str(error) or "interrupted")
    except Terminated as error:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        _exit(TERMINATED, str(error) or "terminated")
    sys.exit(0)


def _leave_the_pipe() -> NoReturn:
    """The reader of our output has gone (`| head`): nothing is left to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def describe(error: Exception) -> str:
    """One line for an error the user can mend, beginning with the file if known."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    line = " ".join(str(error).split())
    return line if len(line) <= 600 else f"{line[:400]} ... {line[-150:]}"


@contextmanager
def deferred_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list, so that work can reach a safe point."""
    received: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(each) for each in signals]
    for each in signals:
        signal.signal(each, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def stop(number: int, line: str) -> NoReturn:
    """Ends the command as a signal would, with a line that says how to go on."""
    raise Terminated(line) if number == signal.SIGTERM else Interrupted(line)


def note(line: str) -> None:
    """A line for the person who watches; results go to standard output."""
    print(line, file=sys.stderr)


def _exit(code: int, line: str) -> NoReturn:
    # What a file made us quote must not move the cursor or change the title.
    plain = [c if c.isprintable() else repr(c)[1:-1] for c in line]
    print("".join(plain), file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk: what is left cannot be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


_received: list[int] = []


def _remember(number: int, _: object) -> None:
    """Notes a signal; the alarm that follows raises, again and again if need be.

    What a handler raises is lost where the interpreter happens to be in a callback of
    the garbage collector, and jax has one.
    """
    _received.append(number)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 1.0)


def _stop_remembering() -> None:
    """All is done: a signal may end the process, and must not raise in its clean-up."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _raise_remembered(number: int, frame: types.FrameType | None) -> None:
    while frame is not None:
        if "gc_callback" in frame.f_code.co_name:
            return  # the next alarm finds the interpreter elsewhere
        frame = frame.f_back
    raise Terminated() if _received[0] == signal.SIGTERM else Interrupted()


def _help_text() -> str:
    """The command's docstring and every flag it takes, with unit and default."""
    text = [(sys.modules["__main__"].__doc__ or "").strip(), ""]
    for module in sorted(flags.FLAGS.flags_by_module_dict()):
        if module == sys.argv[0] or module.startswith("experiments"):
            listing = flags.FLAGS.module_help(module).split("\n", 2)
            text.append(listing[-1].rstrip())
    return "\n".join(text)


def define_config_flags(skip: Sequence[str] = ()) -> None:
    """Defines one absl flag for each field of the config, help and range included."""
    for field in dataclasses.fields(Config):
        if field.name not in skip:
            _define(field)


def _define(field: "dataclasses.Field[Any]") -> None:
    name, meta = field.name, field.metadata
    default: Any = field.default
    if meta["choices"]:
        flags.DEFINE_enum(name, default, list(meta["choices"]), meta["help"])
        return
    define = next(
        define
        for kind, define in (
            ("bool", flags.DEFINE_boolean),
            ("int", flags.DEFINE_integer),
            ("float", flags.DEFINE_float),
            ("str", flags.DEFINE_string),
        )
        if kind in str(field.type)
    )
    define(name, default, meta["help"])


def config_from_flags(**overrides: Any) -> Config:
    """The config that the command line describes; ValueError names a bad flag."""
    names = [field.name for field in dataclasses.fields(Config)]
    values = {name: flags.FLAGS[name].value for name in names if name in flags.FLAGS}
    try:
        return Config.from_dict(values | overrides)
    except ValueError as error:
        raise ValueError(re.sub(r"^", "--", str(error))) from None


class _Rate(ProgressColumn):
    """Units a second, unless the note of the task tells a rate already."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        told = "/s" in task.fields.get("note", "")
        return Text("" if told or not speed else f"{speed:,.0f} {self._unit}/s")


@contextmanager
def progress(unit: str = "words") -> Iterator[Callable[[str, int, int, str], None]]:
    """A progress display: yields report(task, done, total, note).

    On a terminal a bar with rate and time left; elsewhere a plain line at each
    tenth of the way, so that logs stay short. A total of 0 means unknown.
    """
    console = screen.console(stderr=True)
    if not console.is_terminal:
        yield _plain_reporter(unit)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[note]}", markup=False),
        _Rate(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def report(task: str, done: int, total: int, note: str = "") -> None:
            if task not in tasks:
                tasks[task] = bar.add_task(task, total=total or None, note=note)
            bar.update(tasks[task], completed=done, total=total or None, note=note)

        yield report


def _plain_reporter(unit: str) -> Callable[..., None]:
    tenths: dict[str, int] = {}

    def report(task: str, done: int, total: int, note: str = "") -> None:
        tenth = 10 * done // total if total else 0
        if tenths.get(task) != tenth:
            tenths[task] = tenth
            whole = f" of {total:,}" if total else ""
            print(f"{task}: {done:,}{whole} {unit} {note}".rstrip(), file=sys.stderr)

    return report
