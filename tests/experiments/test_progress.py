"""Long work shows itself: bars with rate and time left, or plain lines."""

import os
import pty
import re
import select
import subprocess
import sys

import pytest

from experiments import cli
from tests.experiments.test_cli import ROOT
from w2v_jax.corpus import encode

PROGRAM = """
import time
from experiments import cli
with cli.progress({unit!r}) as report:
    for done in range(0, 3001, 100):
        report("encoding", done, 10000, {note!r})
        time.sleep(0.02)
"""


def on_a_terminal(unit, note):
    """What a program that reports progress shows on a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(unit=unit, note=note)],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120", "TERM": "xterm"},
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while process.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_a_terminal_shows_a_bar_its_rate_and_the_time_left():
    shown = on_a_terminal("bytes", "7 words")
    assert "encoding" in shown
    assert "30%" in shown
    assert "7 words" in shown
    (*_, rate) = re.findall(r"([\d,]+) bytes/s", shown)
    # 100 each 0.02 s, and whatever else the machine does.
    assert 100 < int(rate.replace(",", "")) <= 6000
    # Elapsed, then left: 7,000 more at up to 5,000 a second takes a second or more.
    assert re.search(r"0:00:0\d 0:0\d:\d\d", shown)


def test_a_rate_that_the_note_tells_is_not_shown_twice():
    shown = on_a_terminal("words", "12 words/s")
    assert "12 words/s" in shown
    assert set(re.findall(r"([\d,]+) words/s", shown)) == {"12"}


def test_off_a_terminal_each_task_has_its_own_lines_and_no_control_codes(capsys):
    with cli.progress("bytes") as report:
        for task in ("encoding", "counting"):
            for done in range(0, 101, 5):
                report(task, done, 100, "")
        report("waiting", 0, 0, "for another process")
        report("waiting", 0, 0, "for another process")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines].count("encoding") == 11
    assert [line.split(":")[0] for line in lines].count("counting") == 11
    assert lines[-1] == "waiting: 0 bytes for another process"
    assert lines.count(lines[-1]) == 1
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("tokenizer", ["whitespace", "characters"])
def test_a_text_reports_hashing_encoding_and_counting_to_their_ends(
    tmp_path, tokenizer
):
    path, seen = tmp_path / "text.txt", []
    path.write_text("one two three\n" * 1000)
    encode(
        path,
        tokenizer=tokenizer,
        cache_dir=tmp_path / "cache",
        progress=lambda task, done, total, note: seen.append((task, done, total)),
    )
    assert list(dict.fromkeys(task for task, *_ in seen)) == [
        "hashing",
        "encoding",
        "counting",
    ]
    last = {task: (done, total) for task, done, total in seen}
    assert all(done == total > 0 for done, total in last.values())
