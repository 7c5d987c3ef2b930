"""Our trainings as the benchmark watches them, in processes of their own."""

import json

import numpy as np
import pytest

from experiments.benchmarking import start
from tests.experiments.benchmarking.patient import patient
from w2v_jax import formats

FLAGS = ["--dim=4", "--chunk=256", "--settle_every=1", "--epochs=2", "--block=8"]
FLAGS += ["--streams=1", "--replicas=1", "--min_count=1", "--subsample=0"]
WATCHED = "experiments.benchmarking.watched"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "a.txt"
    rng = np.random.default_rng(0)
    path.write_text(" ".join(f"w{i}" for i in rng.integers(0, 30, 1000)))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def run(corpus, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "watched"
    given = [f"--corpus={corpus}", f"--workdir={folder}", f"--cache_dir={cache}"]
    code, _, err = patient("-m", WATCHED, *given, *FLAGS, "--points=3")
    assert code == 0, err
    return folder


def told(run):
    points = sorted((run / "points").glob("*.json"))
    return [json.loads(point.read_text()) for point in points]


@pytest.mark.slow
def test_points_are_the_first_settled_ones_at_each_share_of_the_words(run):
    # two epochs of chunks of 256, 256, 256 and 232 words, settled after each;
    # thirds of 2,000 words are passed at 768, 1,512 and 2,000
    words = [point["raw_words"] for point in told(run)]
    assert words == [768, 1512, 2000]


@pytest.mark.slow
def test_seconds_of_points_rise_to_those_of_the_whole(run):
    seconds = [point["seconds"] for point in told(run)]
    assert seconds == sorted(seconds)
    summary = json.loads((run / "summary.json").read_text())
    assert seconds[-1] == pytest.approx(summary["train_seconds"])


@pytest.mark.slow
def test_the_last_point_is_the_runs_own_result_and_the_first_is_not(run):
    first, *_, last = sorted((run / "points").glob("*.bin"))
    words, matrix = formats.read(run / "vectors.bin")
    assert list(formats.read(last)[0]) == list(words)
    np.testing.assert_array_equal(formats.read(last)[1], matrix)
    assert not np.array_equal(formats.read(first)[1], matrix)


@pytest.mark.slow
def test_being_watched_changes_no_bit(run, corpus, cache, tmp_path):
    given = [f"--corpus={corpus}", f"--workdir={tmp_path}/run", f"--cache_dir={cache}"]
    code, _, err = patient("-m", "experiments.train", *given, *FLAGS)
    assert code == 0, err
    plain = json.loads((tmp_path / "run" / "summary.json").read_text())
    watched = json.loads((run / "summary.json").read_text())
    assert plain["sha256"] == watched["sha256"]


@pytest.mark.slow
def test_the_summary_counts_pairs_and_bytes(run):
    summary = json.loads((run / "summary.json").read_text())
    assert summary["table_bytes"] == 2 * 30 * 4 * 4  # two tables of V x D floats
    assert summary["encoded_corpus_bytes"] == 4 * (1000 + 1)  # ids and a line's end
    assert summary["replicas"] == 1
    assert summary["device_peak_bytes"] is None
    # every centre has 1 to 5 words on either side, but for the ends of chunks
    assert 2 * 2000 < summary["pairs"] < 2 * 5 * 2000


@pytest.mark.slow
def test_the_first_step_is_timed_from_the_start_of_the_process(run, corpus, cache):
    given = [f"--corpus={corpus}", *FLAGS]
    before = set(cache.rglob("*"))
    seconds = start.first_step(given, cache)
    # jax alone takes longer than this to import; the limit is a busy machine's
    assert 0.3 < seconds < 900
    assert start.cold_first_step(given, cache) > 0.3
    assert {path.parent.name for path in set(cache.rglob("*")) - before} <= {
        *("xla", "cache", "corpora", "sources", cache.name)
    }


@pytest.mark.slow
def test_a_cold_start_has_no_compiled_programs_and_leaves_the_cache_alone(
    tmp_path, monkeypatch
):
    for name in ("xla", "corpora", "sources"):
        (tmp_path / name).mkdir()
    seen = []

    def look(command, folder):
        seen.append((sorted(path.name for path in folder.iterdir()), folder))
        return 1.0

    monkeypatch.setattr(start, "first_step", look)
    assert start.cold_first_step([], tmp_path) == 1.0
    ((names, folder),) = seen
    assert names == ["corpora", "sources"]
    assert folder != tmp_path
    assert not folder.exists()
    assert (tmp_path / "xla").is_dir()


@pytest.mark.slow
def test_an_empty_program_takes_what_jax_takes():
    # numpy and jaxlib alone are some tens of megabytes, and no tables are there
    assert 50e6 < start.empty_program_bytes(1, times=1) < 1e9
