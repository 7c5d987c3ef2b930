"""What a person sees of a sweep before and after it."""

from rich.console import Console

from experiments.sweeps import tables
from experiments.sweeps.estimate import duration
from experiments.sweeps.runs import State, record_failure
from experiments.sweeps.sweep import make_cells
from tests.experiments.sweeps.makers import estimator, runs_of

CELLS = make_cells(["window=2,5"])


def lines(table):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    text = captured.get().splitlines()
    return [line.split() for line in text if "window=" in line]


def test_each_cell_has_its_states_its_cost_and_where_that_is_from(tmp_path):
    runs = runs_of(tmp_path)
    states = dict.fromkeys(runs, State.NEW) | {
        runs[0]: State.DONE,
        runs[2]: State.FAILED,
    }
    known = estimator(runs)
    cost = duration(known.cost(runs[0]).seconds).split()
    assert lines(tables.cells_table(CELLS, runs, states, known)) == [
        ["window=2", "1", "done,", "1", "failed", *cost, "table"],
        ["window=5", "2", "new", *cost, "table"],
    ]


def test_the_outcome_counts_what_was_done_now_and_before_and_what_is_missing(tmp_path):
    runs = runs_of(tmp_path)  # window 2, 5, 2, 5
    new, done = State.NEW, State.DONE
    before = dict(zip(runs, (done, new, new, new), strict=True))
    after = dict(zip(runs, (done, State.FAILED, done, State.STARTED), strict=True))
    assert lines(tables.outcome_table(CELLS, runs, before, after)) == [
        ["window=2", "1", "1", "-", "-"],
        ["window=5", "-", "-", "1", "1"],
    ]


def test_failures_are_told_by_run_with_code_and_last_words(tmp_path):
    runs = runs_of(tmp_path)
    record_failure(runs[1].path, 3, "diverged by step 7", 1.0)
    states = dict.fromkeys(runs, State.DONE) | {runs[1]: State.FAILED}
    assert tables.failures(runs, states) == [
        "window=5/seed-0: diverged, code 3: diverged by step 7"
    ]
