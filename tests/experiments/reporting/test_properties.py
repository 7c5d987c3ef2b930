"""What must hold for any text and any numbers, looked for by hypothesis."""

import csv
import io
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from experiments.reporting import page
from experiments.reporting.budgets import pareto
from experiments.reporting.intervals import weighted_ranks
from experiments.reporting.latex import escaped
from experiments.reporting.significance import (
    by_items,
    by_seeds,
    contributions,
    difference,
)
from experiments.reporting.tables import Field, TableData, comma_separated, markdown

TEXT = st.text(max_size=40)
SPACE = re.compile(r"\s+")


def small_table(texts):
    rows = tuple((Field(text, minor=text), Field(text, True)) for text in texts)
    plain = tuple((text, text) for text in texts)
    return TableData("t", "title", ("a", "b"), rows, "note", (("a", "b"), plain))


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_any_text_is_a_table_of_the_page(texts):
    tree = ET.fromstring(f"<p>{page.table_html(small_table(texts))}</p>")
    cells = ["".join(cell.itertext()) for cell in tree.iter("td")]
    assert len(cells) == 2 * len(texts)
    for shown, text in zip(cells[1::2], texts, strict=True):
        # newlines are one, and what XML cannot hold is replaced
        kept = re.sub(
            "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text
        )
        assert shown == kept.replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_any_text_is_a_row_of_markdown_with_its_own_fields(texts):
    lines = markdown(small_table(texts)).split("\n")[4:]
    rows = lines[: lines.index("")]
    assert len(rows) == len(texts)
    for row in rows:
        assert len(re.split(r"(?<!\\)(?:\\\\)*\|", row)) == 4  # two and the outer ones


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1))
def test_any_text_comes_back_from_csv(texts):
    made = comma_separated(small_table(texts))
    _, *rows = csv.reader(io.StringIO(made, newline=""))
    assert rows == [[text.replace("\r", " ")] * 2 for text in texts]


@given(TEXT)
def test_no_text_leaves_a_group_open_or_begins_a_comment_in_latex(text):
    made = escaped(text)
    bare = re.sub(r"\\[#$%&_{}]", "", made)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"[#%&_~^]", bare)
    assert bare.count("$") % 2 == 0
    assert "\n" not in made


@given(st.data(), st.integers(2, 12))
def test_weighted_ranks_are_those_of_any_sample_written_out(data, count):
    numbers = st.integers(0, 4).map(float)  # many ties
    values = np.array(data.draw(st.lists(numbers, min_size=count, max_size=count)))
    at = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1)))
    weights = np.bincount(at, minlength=count)[None]
    found = weighted_ranks(values, weights)[0]
    np.testing.assert_array_equal(found[at], scipy.stats.rankdata(values[at]))


@given(st.dictionaries(TEXT, st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_the_front_rises_and_beats_or_equals_everything(points):
    front = [points[name] for name in pareto(points)]
    assert front == sorted(set(front))
    assert all(a[1] < b[1] for a, b in itertools.pairwise(front))
    for cost, quality in points.values():
        assert any(c <= cost and q >= quality for c, q in front)


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4))
def test_the_other_way_round_is_the_same_with_its_sign_turned(seed, n, m):
    rng = np.random.default_rng(seed)
    human = rng.normal(size=12).round(1)
    a, b = rng.normal(size=(n, 12)), rng.normal(size=(m, 12))
    parts = contributions(human, a), contributions(human, b)
    there, back = difference(*parts), difference(*parts[::-1])
    assert there.value == pytest.approx(-back.value, abs=1e-12)
    assert there.p == pytest.approx(back.p)
    low, high = there.interval
    assert back.interval == pytest.approx((-high, -low))
    # significant at the level exactly where the interval leaves 0 out
    assert (there.p < 0.05) == (low > 0 or high < 0)
    k = min(n, m)
    right = (a > 0).astype(float)[:k], (b > 0).astype(float)[:k]
    assert by_items(None, *right) == pytest.approx(by_items(None, *right[::-1]))
    seeds = parts[0].mean(axis=1)[:k], parts[1].mean(axis=1)[:k]
    for paired in (True, False):
        p = by_seeds(*seeds, paired)
        assert (
            p == pytest.approx(by_seeds(*seeds[::-1], paired)) if k > 1 else p is None
        )


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_only_the_order_of_cosines_counts(seed, n):
    rng = np.random.default_rng(seed)
    human, values = rng.normal(size=15), rng.normal(size=(n, 15))
    plain = contributions(human, values)
    np.testing.assert_allclose(contributions(np.exp(human), values**3), plain)
