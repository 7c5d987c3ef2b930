"""Runs: the flags they get, their records, the bound on memory, the race."""

import json
from pathlib import Path

import pytest

from experiments.benchmarking import runs

ASKED = runs.Asked(
    {"corpus": "a.txt", "epochs": 2}, ("dim=8",), ("feed=sentences",), Path("c"), 3, 0
)
MODEL = "cbow-negative_sampling"
SUMMARY = {
    "train_seconds": 4.0,
    "words_per_second": 250.0,
    "kept_tokens": 600,
    "pairs": 3600,
    "peak_memory_bytes": 900,
    "replicas": 2,
    "table_bytes": 1000,
    "encoded_corpus_bytes": 50,
}


@pytest.fixture
def folder(tmp_path):
    scores = {"wordsim353": {"spearman": 0.5}, "google": {"accuracy": 0.25}}
    (tmp_path / "scores-0.json").write_text(json.dumps(scores))
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    return tmp_path


def test_every_trainer_gets_the_same_model_seed_and_text():
    assert runs.flags_of(ASKED, MODEL, 7) == [
        "--corpus=a.txt",
        "--epochs=2",
        "--architecture=cbow",
        "--objective=negative_sampling",
        "--seed=7",
    ]


def test_a_record_of_ours_has_every_rate_and_the_memory_beyond_an_empty_program(folder):
    found = runs.record(runs.OURS, MODEL, 1, ASKED, folder, empty=300.0)
    assert found["words_per_second"] == 250.0
    assert found["kept_words_per_second"] == 600 / 4.0
    assert found["pairs_per_second"] == 3600 / 4.0
    assert found["memory_bytes"] == 900 - 300
    assert (found["wordsim353"], found["google"]) == (0.5, 0.25)
    assert found["simlex999"] is None  # a set that is not on the machine


def test_the_bound_on_memory_is_worked_out_from_the_tables(folder):
    found = runs.record(runs.OURS, MODEL, 1, ASKED, folder, empty=0.0)
    # two replicas and one copy more, the corpus, 200 MB
    assert found["memory_bound_bytes"] == 3 * 1000 + 50 + 200e6


def test_a_peers_memory_is_that_of_its_process(folder):
    for name in ("pairs", "replicas", "table_bytes", "encoded_corpus_bytes"):
        SUMMARY_OF_PEER.pop(name, None)
    (folder / "summary.json").write_text(json.dumps(SUMMARY_OF_PEER))
    found = runs.record("gensim", MODEL, 1, ASKED, folder, empty=300.0)
    assert found["memory_bytes"] == 900
    assert "pairs_per_second" not in found
    assert "memory_bound_bytes" not in found


SUMMARY_OF_PEER = dict(SUMMARY)


def test_what_an_older_summary_does_not_tell_is_left_out(folder):
    old = {"train_seconds": 4.0, "words_per_second": 250.0}
    (folder / "summary.json").write_text(json.dumps(old))
    found = runs.record(runs.OURS, MODEL, 1, ASKED, folder, empty=1.0)
    assert "kept_words_per_second" not in found
    assert "memory_bytes" not in found
    assert "first_step_seconds" not in found
    assert "points" not in found


def test_a_record_takes_on_starts_and_device_memory(folder):
    starts = {"first_step_seconds": 3.0, "first_step_seconds_cold": 20.0}
    (folder / "first_step.json").write_text(json.dumps(starts))
    (folder / "summary.json").write_text(json.dumps(SUMMARY | {"device_peak_bytes": 7}))
    found = runs.record(runs.OURS, MODEL, 1, ASKED, folder, empty=0.0)
    assert starts.items() <= found.items()
    assert found["device_peak_bytes"] == 7


def record(trainer, seed=1, **more):
    return {
        "trainer": trainer,
        "model": MODEL,
        "seed": seed,
        "train_seconds": 9.0,
    } | more


def test_ours_race_against_the_peers_run_of_the_same_seed():
    points = [
        {"seconds": 1.0, "wordsim353": 0.4, "google": 0.2},
        {"seconds": 2.0, "wordsim353": 0.6, "google": 0.4},
    ]
    ours = record(runs.OURS, points=points)
    late = record(runs.OURS, seed=2, points=points)
    made = [
        *(ours, record("gensim", wordsim353=0.5, google=0.3)),
        *(late, record("gensim", seed=2, wordsim353=0.9, google=0.3)),
    ]
    runs.race(made, "gensim")
    assert ours["seconds_to_quality"] == {
        "of": "gensim",
        "its_seconds": 9.0,
        "wordsim353": 2.0,
        "google": 2.0,
        "both": 2.0,
    }
    assert late["seconds_to_quality"]["both"] is None
    assert "seconds_to_quality" not in made[1]


def test_without_a_peers_run_or_points_there_is_no_race():
    alone, blind = record(runs.OURS, points=[{"seconds": 1.0}]), record(runs.OURS)
    runs.race([alone], "gensim")
    runs.race([blind, record("gensim", wordsim353=0.5, google=0.3)], "gensim")
    assert "seconds_to_quality" not in alone | blind


def test_starts_that_are_there_are_not_made_again(tmp_path):
    (tmp_path / "first_step.json").write_text("{}")
    runs.make_starts(MODEL, 1, ASKED, tmp_path)  # no corpus a.txt: it would fail
    assert (tmp_path / "first_step.json").read_text() == "{}"


def given(corpus, **more):
    return ASKED._replace(shared={"corpus": str(corpus), "epochs": 2} | more)


def test_a_run_that_fails_says_why(tmp_path):
    empty = tmp_path / "a.txt"
    empty.touch()
    asked = given(empty)._replace(cache=tmp_path)
    with pytest.raises(ValueError, match=r"watched failed: .*a\.txt"):
        runs.make(runs.OURS, MODEL, 1, asked, tmp_path / "run")


def test_a_run_that_was_made_from_something_else_is_not_taken(tmp_path):
    corpus, folder = tmp_path / "a.txt", tmp_path / "run"
    corpus.write_text("a few words")
    first = given(corpus, dim=10)._replace(ours=("lr=2",))
    made = runs.check(runs.OURS, first, folder)
    assert made["corpus"] == "a.txt (11 bytes)"
    (tmp_path / "run.json").write_text(json.dumps(made))  # of a folder that has gone
    others = {
        "--dim=10, not 20": given(corpus, dim=20)._replace(ours=("lr=2",)),
        "--epochs=2, not 3": given(corpus, dim=10, epochs=3)._replace(ours=("lr=2",)),
        "--lr=2, not 1": first._replace(ours=("lr=1",)),
        "--lr=2, not its default": first._replace(ours=()),
        "--block=unknown, not 1": first._replace(ours=("lr=2", "block=1")),
        "--points=3, not 2": first._replace(points=2),
        "--restrict_vocab=0, not 9": first._replace(cut=9),
    }
    for other in others.values():
        runs.check(runs.OURS, other, folder)  # nothing is there
    folder.mkdir()
    assert runs.check(runs.OURS, first, folder) == made
    for said, other in others.items():
        with pytest.raises(ValueError, match=f"{folder}: made with {said}; name"):
            runs.check(runs.OURS, other, folder)
    corpus.write_text("fewer words and more")
    with pytest.raises(ValueError, match=r"a\.txt \(11 bytes\), not a\.txt \(20 byt"):
        runs.check(runs.OURS, first, folder)
    (tmp_path / "run.json").unlink()
    with pytest.raises(ValueError, match="=unknown, not"):
        runs.check(runs.OURS, first, folder)


def test_a_peer_may_be_asked_for_other_flags_of_ours(tmp_path):
    (tmp_path / "a.txt").write_text("a few words")
    asked = given(tmp_path / "a.txt")
    made = runs.check("gensim", asked, tmp_path / "run")
    assert made["feed"] == "sentences"
    (tmp_path / "run.json").write_text(json.dumps(made))
    (tmp_path / "run").mkdir()
    other = asked._replace(ours=("dim=9",), points=7, cut=5)
    assert runs.check("gensim", other, tmp_path / "run") == made


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("summary.json", "{}"),
        ("summary.json", '{"train_seconds": "a", "words_per_second": 1, "pairs": 3}'),
        ("summary.json", '{"train_seconds": 0, "words_per_second": 1, "pairs": 3}'),
        ("scores-0.json", '{"wordsim353": 3}'),
        ("scores-0.json", '{"wordsim353": {"spearman": "x"}}'),
        ("points/1.json", '{"scores": 3}'),
        ("points/1.json", '{"scores": {"0": 7}}'),
    ],
)
def test_files_of_another_shape_get_one_line(name, text, folder):
    (folder / "points").mkdir()
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=f"{folder}: not the files of a run"):
        runs.record(runs.OURS, MODEL, 1, ASKED, folder, empty=0.0)
