"""From a command line to runs: what is made, and what is refused before any runs."""

import dataclasses

import pytest

from experiments.sweeps import plan
from experiments.sweeps.runs import State
from tests.experiments.sweeps.makers import finish, start
from w2v_jax.config import Config
from w2v_jax.corpus import encode


def silent(task, done, total, note):
    return None


def asked(corpus="text.txt", **changes):
    values = {
        "base": Config(corpus=str(corpus), dim=8),
        "sweeps": ("window=2,5",),
        "named": (),
        "seeds": (3, 4),
        "draw_seed": 0,
        "suites": ("wordsim353",),
        "restrict": 7,
        "preset": None,
        "command": "python -m experiments.ablate",
    }
    return plan.Asked(**(values | changes))


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one two two three three three " * 10)
    return path


def test_a_plan_has_every_cell_with_every_seed(tmp_path):
    made = plan.make_plan(tmp_path, asked())
    assert [run.name for run in made.runs] == [
        "window=2/seed-3",
        "window=5/seed-3",
        "window=2/seed-4",
        "window=5/seed-4",
    ]
    assert made.judging.sets == {"wordsim353"}
    assert made.judging.restrict == 7
    assert list(tmp_path.iterdir()) == []


def test_the_record_says_what_was_asked(tmp_path):
    said = plan.make_plan(tmp_path, asked()).record
    assert said["flags"] == asked().base.to_dict()
    assert said["cells"] == [
        {"name": f"window={m}", "overrides": {"window": m}} for m in (2, 5)
    ]
    assert (said["seeds"], said["restrict_vocab"]) == ([3, 4], 7)
    assert said["commands"] == ["python -m experiments.ablate"]
    assert said["sweeps"] == ["window=2,5"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sweeps": ("window=0,1",)}, "--window=0"),
        ({"sweeps": ("windw=1",)}, "window"),
        ({"named": ("a: window=1",)}, "window too"),
        ({"suites": ("wordsim",)}, "no suite of that name"),
        ({"suites": ("wordsim353", "")}, "a comma too many"),
        ({"named": ("report: dim=5",), "sweeps": ()}, "report is no name of a cell"),
        ({"named": ("sweep.json: dim=5",), "sweeps": ()}, "is no name of a cell"),
    ],
)
def test_whatever_is_wrong_is_told_before_anything_is_made(tmp_path, changes, word):
    with pytest.raises(ValueError, match=word):
        plan.make_plan(tmp_path / "sweep", asked(**changes))
    assert not (tmp_path / "sweep").exists()


def test_each_text_is_encoded_once_and_where_runs_look_for_it(corpus, tmp_path):
    base = Config(corpus=str(corpus), dim=8, min_count=1)
    made = plan.make_plan(
        tmp_path / "sweep", asked(base=base, sweeps=("max_words=0,12", "window=2,5"))
    )
    estimator = plan.estimator(made, tmp_path / "cache", silent)
    assert len(estimator.texts) == 2
    for run in made.runs:
        text = estimator.text(run.config)
        assert text.raw_words == (run.config.max_words or 60)
        again = encode(
            corpus, max_words=run.config.max_words, cache_dir=tmp_path / "cache"
        )
        assert again.reused
        assert text.sha256 == again.source_sha256
    whole = estimator.text(made.runs[0].config)
    assert whole.vocabulary(Config(min_count=15)) == 2  # of 30, 20 and 10


def test_a_set_that_cannot_be_read_is_told_before_anything_is_made(tmp_path):
    damaged = tmp_path / "human.txt"
    damaged.write_text("a\tb\t3\na\tb\n")
    with pytest.raises(ValueError, match=f"^{damaged}: line 2: "):
        plan.make_plan(tmp_path / "sweep", asked(suites=(str(damaged),)))
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        # 30, 20 and 10 occurrences
        ("min_count=5,25", "^min_count=25: --min_count=25 leaves 1 words; lower it"),
        ("max_words=0,12", "^max_words=12: --min_count=5 leaves 1 words; lower it"),
    ],
)
def test_a_cell_that_cannot_be_trained_is_told_before_any_is(
    sweep, said, corpus, tmp_path
):
    made = plan.make_plan(tmp_path / "sweep", asked(corpus, sweeps=(sweep,)))
    with pytest.raises(ValueError, match=said):
        plan.estimator(made, tmp_path / "cache", silent)
    assert not (tmp_path / "sweep").exists()


def test_a_cell_that_is_too_large_is_told_before_any_is_trained(
    corpus, tmp_path, monkeypatch
):
    made = plan.make_plan(tmp_path / "sweep", asked(corpus, sweeps=("dim=4,4000",)))
    monkeypatch.setattr(plan.limits.os, "sysconf", lambda name: 100)  # 10,000 bytes
    # 3 words, 3 copies of 2 tables, 4 bytes: 288 bytes for 4 dimensions
    with pytest.raises(ValueError, match=r"^dim=4000: --dim=4000 with 3 words"):
        plan.estimator(made, tmp_path / "cache", silent)


def test_a_missing_corpus_is_the_users_to_mend(tmp_path):
    made = plan.make_plan(tmp_path / "sweep", asked(tmp_path / "nowhere.txt"))
    with pytest.raises((ValueError, OSError), match=r"nowhere\.txt"):
        plan.estimator(made, tmp_path / "cache", silent)


def test_a_directory_of_another_run_is_refused_even_if_it_is_finished(corpus, tmp_path):
    made = plan.make_plan(tmp_path / "sweep", asked(corpus))
    other = dataclasses.replace(made.runs[2], config=made.runs[2].config.replace(dim=9))
    finish(other)
    with pytest.raises(ValueError, match=r"seed-4: .*dim: 9 -> 8"):
        plan.estimator(made, tmp_path / "cache", silent)


def test_finished_runs_teach_the_estimates(corpus, tmp_path):
    made = plan.make_plan(tmp_path / "sweep", asked(corpus))
    run = made.runs[0]
    sha256 = encode(corpus, cache_dir=tmp_path / "cache").source_sha256
    finish(run, seconds=50.0)
    start(run, sha256=sha256)
    estimator = plan.estimator(made, tmp_path / "cache", silent)
    assert estimator.cost(made.runs[2]).source == "cell"
    assert estimator.cost(made.runs[1]).source == "model"


def test_failed_runs_are_left_alone_unless_they_are_to_be_tried_again(tmp_path):
    runs = plan.make_plan(tmp_path, asked()).runs
    kinds = (State.DONE, State.FAILED, State.STARTED, State.TRAINED)
    states = dict(zip(runs, kinds, strict=True))
    assert plan.todo(runs, states, retry=False) == runs[2:]
    assert plan.todo(runs, states, retry=True) == runs[1:]
    assert plan.todo(runs, dict.fromkeys(runs, State.NEW), retry=False) == runs
