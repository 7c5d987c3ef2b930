"""Encoding in processes of its own: side by side, killed, out of disk or memory."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.test_corpus import check, written
from w2v_jax.corpus import encode

ENCODE = (
    "import sys\n"
    "from w2v_jax.corpus import encode\n"
    "corpus = encode(sys.argv[1], cache_dir=sys.argv[2])\n"
    "print(corpus.reused, int(corpus.ids.astype('int64').sum()))\n"
)


def run(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def random_text(words):
    source = random.Random(0)
    return "".join(
        f"w{int(source.paretovariate(0.3)) % 9973}{' ' if i % 20 else chr(10)}"
        for i in range(words)
    )


def test_processes_that_want_one_entry_make_it_once(tmp_path):
    path = written(tmp_path, random_text(200_000))
    started = [run(ENCODE, path, tmp_path / "c") for _ in range(4)]
    answers = [process.communicate()[0].split() for process in started]
    assert sorted(reused for reused, _ in answers) == ["False", "True", "True", "True"]
    assert len({total for _, total in answers}) == 1


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_no_wrong_entry(tmp_path):
    text = random_text(600_000)
    path = written(tmp_path, text)
    whole = encode(path, cache_dir=tmp_path / "whole").ids
    source = random.Random(1)
    for _ in range(12):
        process = run(ENCODE, path, tmp_path / "c")
        time.sleep(source.uniform(0.1, 1.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert np.array_equal(encode(path, cache_dir=tmp_path / "c").ids, whole)
    assert not list((tmp_path / "c" / "corpora").glob("*.partial"))


@pytest.mark.slow
@pytest.mark.parametrize("separator", [" ", "\n"])
def test_memory_stays_far_below_the_size_of_the_text(tmp_path, separator):
    path = tmp_path / "long.txt"
    text = random_text(300_000).replace("\n", " ").replace(" ", separator)
    with path.open("w") as file:
        file.writelines(text for _ in range(120))
    script = (
        "import resource, sys\n"
        "from w2v_jax.corpus import encode\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "encode(sys.argv[1], cache_dir=sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    kilobytes = int(run(script, path, tmp_path / "c").communicate()[0])
    assert path.stat().st_size > 120e6
    # Pieces and their arrays, the cache of words (20 MB), and pages of the ids.
    assert kilobytes < 100_000


def test_a_full_disk_is_one_error_and_leaves_no_entry(tmp_path):
    path = written(tmp_path, "word " * 100_000)
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from w2v_jax.corpus import encode\n"
        "try: encode(sys.argv[1], cache_dir=sys.argv[2])\n"
        "except OSError as error: print(error.strerror)\n"
    )
    answer = run(script, path, tmp_path / "c").communicate()[0]
    assert answer.strip() == os.strerror(27)  # EFBIG stands in for ENOSPC
    assert [p.suffix for p in (tmp_path / "c" / "corpora").iterdir()] == [".lock"]
    check(encode(path, cache_dir=tmp_path / "c"), "word " * 100_000)
