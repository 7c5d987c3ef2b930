"""The tables of a report: scores, comparisons, costs, equal tokens and equal time."""

from collections.abc import Sequence

from experiments.reporting import budgets
from experiments.reporting.analysis import Analysis
from experiments.reporting.cells import Cell
from experiments.reporting.comparisons import Comparison
from experiments.reporting.measures import COSTS, Cost, Measure
from experiments.reporting.tables import (
    NOTHING,
    POINTS,
    Field,
    TableData,
    estimate_columns,
    estimate_values,
    interval_text,
    number_text,
    p_text,
    score_field,
)

UP, DOWN = "↑", "↓"


def scores(
    analysis: Analysis,
    cells: Sequence[Cell] | None = None,
    name: str = "scores",
    title: str = "Quality, in points",
    before: str = "",
    spent: Cost | None = None,
) -> TableData:
    """One row a cell, one column a measure.

    Args:
      analysis: of the report.
      cells: those to show; None: all.
      name, title: of the table.
      before: what its note says first.
      spent: a cost to show beside the seeds.
    """
    shown = analysis.grid.cells if cells is None else cells
    names = [measure.name for measure in analysis.measures]
    columns = ["cell", "seeds"] + ([spent.title] if spent else [])
    columns += map(_heading, analysis.measures)
    rows, plain = [], []
    for cell in shown:
        fields = [Field(_marked(cell, analysis)), Field(str(len(cell.runs)))]
        if spent:
            paid = analysis.costs.get((cell.name, spent.key))
            fields.append(score_field(paid, spent.digits, 1.0))
        values: list[object] = [cell.name, *cell.settings.values()]
        for measure in names:
            one = analysis.scores.get((cell.name, measure))
            fields.append(_score(cell, measure, analysis, cells is None))
            values += estimate_values(one)
        rows.append(tuple(fields))
        plain.append(tuple(values))
    headings = ["cell", *analysis.grid.differing]
    for measure in names:
        headings += estimate_columns(measure)
    note = f"{before} {_score_note(analysis, cells is None)}".strip()
    return TableData(
        *(name, title, tuple(columns), tuple(rows), note),
        plain=(tuple(headings), tuple(plain)),
    )


def _heading(measure: Measure) -> str:
    kind = "Spearman × 100" if measure.kind == "similarity" else "% right"
    return f"{measure.name}, {kind}"


def _marked(cell: Cell, analysis: Analysis) -> str:
    return f"{cell.name} (baseline)" if cell.name == analysis.baseline else cell.name


def _score(cell: Cell, measure: str, analysis: Analysis, whole: bool) -> Field:
    one = analysis.scores.get((cell.name, measure))
    bold = whole and analysis.winner(measure) == cell.name
    field = score_field(one, bold=bold)
    for found in analysis.comparisons if whole else ():
        against = (found.measure, found.b) == (measure, analysis.baseline)
        if against and found.a == cell.name and analysis.significant(found):
            mark = UP if found.difference.value > 0 else DOWN
            field = field._replace(text=f"{field.text} {mark}")
    return field


def _after(analysis: Analysis) -> str:
    """What significance rests on."""
    if analysis.corrected:
        return "after Holm's correction over all comparisons of the report"
    return "without any correction for the number of comparisons"


def _score_note(analysis: Analysis, whole: bool) -> str:
    percent = f"{100 * analysis.level:g} %"
    said = [
        f"Mean ± standard deviation over seeds, [{percent} interval over seeds and "
        "items together (two-level bootstrap)], share of the set's items whose words "
        "all have vectors. With one seed the interval is over items alone and says "
        "nothing about other trainings."
    ]
    if whole and analysis.baseline:
        said.append(
            f"{UP} and {DOWN}: significantly better or worse than the baseline "
            f"{_after(analysis)}. Bold: the best score, and significantly better than "
            "the baseline."
        )
    elif whole:
        said.append(
            f"Bold: significantly better than every other cell {_after(analysis)}; "
            "no bold, no such cell."
        )
    return " ".join(said)


def comparisons(
    analysis: Analysis, chosen: Sequence[Comparison] | None = None
) -> TableData:
    """One row a comparison: all of them, or those chosen."""
    shown = analysis.comparisons if chosen is None else chosen
    analogies = any(one.discordant for one in shown)
    columns = [
        "measure", "a", "b", "items", "a − b", "d", "p", "Holm p", "p items", "p seeds",
    ]  # fmt: skip
    columns += ["only a : only b", "odds ratio", "g"] if analogies else []
    rows, plain = [], []
    for one in shown:
        rows.append(_compared(one, analysis, analogies))
        plain.append(_compared_plain(one))
    count = sum(one.difference.p is not None for one in analysis.comparisons)
    alone = any(one.difference.basis == "items" for one in analysis.comparisons)
    note = (
        f"a − b in points with its {100 * analysis.level:g} % interval; bold where "
        f"significant {_after(analysis)} ({count}). "
        "p: Student's, over seeds and items together. p items: permutation over the "
        "items of these trainings (McNemar's exact test for one run of each). p seeds: "
        "permutation over seeds, in pairs where the seeds are the same. d: Cohen's, in "
        "standard deviations of one training."
    )
    if analogies:
        note += (
            " Only a : only b, questions that one alone answers, summed over the runs; "
            "g: Cohen's, its share less one half."
        )
    if alone:
        note += (
            " Where a cell has one seed, p is over items alone: it is about these two "
            "trainings, and other seeds may turn it round."
        )
    headings = (
        "measure a b items difference low high p p_holm basis p_items p_seeds "
        "cohens_d only_a only_b odds_ratio cohens_g"
    )
    return TableData(
        "comparisons",
        "Comparisons",
        tuple(columns),
        tuple(rows),
        note,
        (tuple(headings.split()), tuple(plain)),
        texts=3,
    )


def _compared(
    one: Comparison, analysis: Analysis, analogies: bool
) -> tuple[Field, ...]:
    found = one.difference
    known = found.p is not None
    value = Field(
        f"{POINTS * found.value:+.1f}" if known else NOTHING,
        analysis.significant(one),
        interval_text(found.interval),
    )
    fields = [
        *map(Field, (one.measure, one.a, one.b, f"{one.items:,}")),
        value,
        *map(Field, (number_text(one.d), p_text(found.p), p_text(one.p_holm))),
        *map(Field, (p_text(one.p_items), p_text(one.p_seeds))),
    ]
    if analogies and one.discordant:
        only = one.discordant
        fields += map(
            Field,
            (
                f"{only.only_a:,} : {only.only_b:,}",
                number_text(only.odds_ratio),
                number_text(only.cohens_g, "+.3f"),
            ),
        )
    elif analogies:
        fields += [Field(NOTHING)] * 3
    return tuple(fields)


def _compared_plain(one: Comparison) -> tuple[object, ...]:
    found, only = one.difference, one.discordant
    low, high = found.interval or (None, None)
    return (
        *(one.measure, one.a, one.b, one.items),
        *(found.value if found.p is not None else None, low, high, found.p),
        *(one.p_holm, found.basis, one.p_items, one.p_seeds, one.d),
        *(
            (only.only_a, only.only_b, only.odds_ratio, only.cohens_g)
            if only
            else (None,) * 4
        ),
    )


def costs(analysis: Analysis) -> TableData:
    """One row a cell: loss, time, speed, words read, memory."""
    rows, plain = [], []
    for cell in analysis.grid.cells:
        found = [analysis.costs.get((cell.name, one.key)) for one in COSTS]
        fields = [
            score_field(value, one.digits, 1.0)
            for value, one in zip(found, COSTS, strict=True)
        ]
        rows.append((Field(cell.name), Field(str(len(cell.runs))), *fields))
        plain.append((cell.name, *(v for one in found for v in estimate_values(one))))
    headings = [c for one in COSTS for c in estimate_columns(one.title)]
    return TableData(
        "costs",
        "Loss and cost",
        ("cell", "seeds", *(one.title for one in COSTS)),
        tuple(rows),
        f"Mean ± standard deviation [{100 * analysis.level:g} % interval over seeds, "
        "Student's]. Losses under different objectives, windows, numbers of negatives "
        "or subsampling are different quantities and do not compare. Seconds are those "
        "of the machine below; none of these is tested.",
        (("cell", *headings), tuple(plain)),
    )


def at_budget(
    analysis: Analysis, key: str, budget: float | None = None
) -> TableData | None:
    """The scores of each method's longest training within a budget; see `budgets`.

    Args:
      analysis: of the report.
      key: "raw_words" or "train_seconds".
      budget: in the unit of the cost's title; None: the default.

    Returns:
      None where nothing is within it, or no cell says what it cost.
    """
    chosen = budgets.within(analysis.grid.cells, analysis.costs, key, budget)
    if chosen is None or not chosen.cells:
        return None
    tokens = key == "raw_words"
    unit = "M raw words" if tokens else "s of training"
    name, title = ("equal_tokens", "tokens") if tokens else ("equal_time", "time")
    said = "as asked" if chosen.stated else "the least that every setting has a run for"
    before = (
        f"Each setting by its longest training within {chosen.budget:,.1f} {unit} "
        f"({said}), of the trainings that were made."
    )
    if chosen.alike and not tokens:
        before += (
            " Every setting was trained for one length only, so a fast one does not "
            "use its time: sweep epochs to give it more."
        )
    if chosen.without:
        before += f" Over the budget: {'; '.join(chosen.without)}."
    (spent,) = (one for one in COSTS if one.key == key)
    return scores(
        analysis, chosen.cells, name, f"At equal {title}, in points", before, spent
    )
