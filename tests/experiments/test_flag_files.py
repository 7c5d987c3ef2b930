"""--flagfile=FILE: what it may hold, and where a bad flag stands."""

import itertools
import os
import signal
import sys
import zlib
from random import Random

import pytest
from absl import flags

from experiments import cli, flag_files, train
from experiments.flag_files import Flag, expanded, placed
from tests.hostile import blameless, limits, mutated

GOOD = """# a run
--corpus=text8
--dim=50

// half as wide
--window=3
--nodynamic_window
--learning_rate=0.05
"""


@pytest.fixture(scope="module", autouse=True)
def _flags_of_training():
    """Those of `experiments.train` alone, for as long as these tests go on.

    Other commands that the same process has imported may have flags of the same name.
    """
    values = flags.FLAGS
    others = {
        name: values[name]
        for name in set(values)
        if str(values.find_module_defining_flag(name)).startswith("experiments")
    }
    for name in others:
        delattr(values, name)
    before = set(values)
    train.define_flags()
    yield
    for name in set(values) - before:
        delattr(values, name)
    for name, flag in others.items():
        values[name] = flag


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.flags"
    path.write_text(GOOD)
    return path


def texts(arguments):
    return [flag.text for flag in expanded(arguments)]


def test_the_flags_of_a_file_take_the_place_of_its_argument(file):
    assert texts(["--dim=9", f"--flagfile={file}", "--window=7"]) == [
        "--dim=9",
        "--corpus=text8",
        "--dim=50",
        "--window=3",
        "--nodynamic_window",
        "--learning_rate=0.05",
        "--window=7",
    ]


@pytest.mark.parametrize(
    "way", ["--flagfile=", "-flagfile=", "--flagfile ", "-flagfile "]
)
def test_a_file_can_be_named_in_every_way_that_absl_knows(file, way):
    arguments = f"{way}{file}".split()
    assert texts(arguments) == texts([f"--flagfile={file}"])


def test_each_flag_knows_its_file_and_line(file):
    found = {flag.name: flag.place for flag in expanded([f"--flagfile={file}", "-x"])}
    assert found["dim"] == f"{file}: line 3"
    assert found["window"] == f"{file}: line 6"
    assert found["x"] == ""


def test_what_follows_two_dashes_is_left_as_it_is(file):
    after = ["--", f"--flagfile={file}"]
    assert texts(after) == after


def test_files_may_name_others_but_not_in_a_circle(tmp_path, file):
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    outer.write_text(f"--seed=1\n--flagfile={inner}\n")
    inner.write_text("--seed=2\n")
    assert texts([f"--flagfile={outer}"]) == ["--seed=1", "--seed=2"]
    inner.write_text(f"--seed=2\n--flagfile={outer}\n")
    with pytest.raises(ValueError, match=f"^{inner}: line 2: .*none that leads back"):
        expanded([f"--flagfile={outer}"])


def test_files_that_name_each_other_over_and_over_are_bounded(tmp_path):
    paths = [tmp_path / str(number) for number in range(8)]
    for path, inner in itertools.pairwise(paths):
        path.write_text(f"--flagfile={inner}\n" * 10)
    paths[-1].write_text("--seed=1\n")
    with pytest.raises(
        ValueError, match=f"^{paths[-1]}: line 1: more than 10000 flags"
    ):
        expanded([f"--flagfile={paths[0]}"])  # 10^7 flags otherwise


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"--dim=5\n\xff\n", "byte 8: not UTF-8; convert"),
        (b"--dim=5\n--seed=\0\n", "byte 15: NUL"),
        (b"--dim=5\ndim=6\n", "line 2: expected --name=value, not 'dim=6'"),
        (b"--flagfile=\n", "line 1: '--flagfile=': expected another file"),
        (b"--flagfile\n", "line 1: '--flagfile': expected another file"),
        (b"--flagfile=absent\n", "line 1: absent: No such file or directory; name"),
        (b"#" * (flag_files.LARGEST + 1), "longer than 1048576 bytes"),
    ],
)
def test_a_file_of_other_things_than_flags_is_refused(file, content, message):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{file}: {message}"):
        expanded([f"--flagfile={file}"])


def test_what_is_no_regular_file_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="not a regular file"):
            expanded([f"--flagfile={path}"])
    with pytest.raises(FileNotFoundError):
        expanded([f"--flagfile={tmp_path / 'absent'}"])
    with pytest.raises(ValueError, match="--flagfile: missing"):
        expanded(["--flagfile"])


def test_a_message_is_placed_at_the_last_flag_of_that_name():
    given = [Flag("--dim=3", "a: line 1"), Flag("--dim=x", "b: line 2"), Flag("--di=1")]
    assert (
        placed("flag --dim=x: no number", given) == "b: line 2: flag --dim=x: no number"
    )
    assert placed("--seed=1: bad", given) == "--seed=1: bad"
    assert placed("--di=1: bad", given) == "--di=1: bad", "it is the command line's"
    off = [Flag("--nodynamic_window=3", "c: line 9")]
    assert placed("--nodynamic_window: no value", off).startswith("c: line 9: ")


def outcome(arguments, capsys):
    """Exit code and standard error of a command that only reads its flags."""
    before = {
        n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    }
    argv, sys.argv = sys.argv, ["train", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            cli.run(lambda _: cli.config_from_flags() and None)
    finally:
        sys.argv = argv
        for number, handler in before.items():
            signal.signal(number, handler)
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
    return ended.value.code, capsys.readouterr().err


def test_a_good_file_is_read_by_a_command(file, capsys):
    assert outcome([f"--flagfile={file}"], capsys) == (0, "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--windw=3", "--windw: unknown. Did you mean window?"),
        ("--zzzzzzzzz", "--zzzzzzzzz: unknown. --help lists every flag."),
        ("--dim=many", "flag --dim=many: "),
        ("--dim=0", "--dim=0: must be at least 1."),
        ("--learning_rate=nan", "--learning_rate=nan: must be finite."),
        ("--objective=sofmax", "flag --objective=sofmax: "),
        ("--nodynamic_window=3", "--nodynamic_window"),
    ],
)
def test_a_bad_flag_is_told_with_file_and_line(file, capsys, line, says):
    file.write_text(GOOD + line + "\n")
    code, errors = outcome([f"--flagfile={file}"], capsys)
    assert code == 2
    assert errors.startswith(f"{file}: line 9: ")
    assert says in errors
    assert errors.count("\n") == 1


def test_a_flag_whose_name_is_endless_is_refused_wherever_it_stands(file, capsys):
    name = "--" + "x" * 3000
    code, errors = outcome([name], capsys)
    assert (code, errors[:9]) == (2, repr(name)[:9])
    assert "unknown flag" in errors
    file.write_text(f"--dim=3\n{name}=1\n")
    code, errors = outcome([f"--flagfile={file}"], capsys)
    assert (code, errors.startswith(f"{file}: line 2: ")) == (2, True)


def test_what_a_file_holds_cannot_steer_the_terminal(file, capsys):
    file.write_text("--dim=\x1b]0;title\x07\x1b[2J\n")
    code, errors = outcome([f"--flagfile={file}"], capsys)
    assert code == 2
    assert "\\x1b]0;title\\x07" in errors
    assert all(c.isprintable() for c in errors.removesuffix("\n"))


def mutants(file, capsys, first, count):
    read = 0
    for number in range(first, first + count):
        chance = Random(zlib.crc32(b"flag file") + number)
        file.write_bytes(mutated(GOOD.encode(), chance))
        with limits(file.stat().st_size):
            code, errors = outcome([f"--flagfile={file}"], capsys)
        if code == 0:
            read += 1
            continue
        assert code == 2
        assert errors.endswith("\n")
        blameless(errors[:-1], file)
    return read


def test_a_damaged_flag_file_is_read_or_refused_in_one_line(file, capsys):
    assert mutants(file, capsys, 0, 100) < 100


@pytest.mark.soak
def test_many_damaged_flag_files_are_read_or_refused_in_one_line(file, capsys):
    count = int(os.environ.get("SOAK_FILES", "450"))
    read = mutants(file, capsys, 100, count)
    with capsys.disabled():
        print(f"\n{count} files: {read:3d} read, {count - read:3d} refused  flag file")
