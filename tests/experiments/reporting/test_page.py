"""The page is whole, needs nothing beside it, and a real browser shows it."""

import base64
import dataclasses
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from experiments import drawing
from experiments.reporting import overview, page, plots
from experiments.reporting.collect import LeftOut
from tests.experiments.reporting import browser
from tests.experiments.reporting.made import make_analysis

NASTY = "a<b>&\"c\"'d' </script> \x00\x0b ]]> 北京 \ud800"
SCORES = {
    "one": {"wordsim353": [0.5, 0.52], "google": [0.2, 0.21]},
    NASTY: {"wordsim353": [0.7, 0.72], "google": [0.4, 0.41]},
}
SETTINGS = {"one": {"window": 2}, NASTY: {"window": 5}}
ENVIRONMENT = {"jax": "0.10.2", "cpu": "a processor", "devices": ["cpu cpu"] * 2}
SPACE = "{http://www.w3.org/1999/xhtml}"


def make_page(environment=None, **changes):
    analysis = make_analysis(
        SCORES, SETTINGS, {"one": 1, NASTY: 2}, environment=environment or ENVIRONMENT
    )
    figure = plots.against_flag(analysis, "window")
    arguments = {
        "title": "Which window? <b>",
        "sweep": {"question": "which?", "seeds": 2, "cells": [{"window": 2}]},
        "grid": analysis.grid,
        "tables": [overview.scores(analysis), overview.comparisons(analysis)],
        "pictures": {
            "quality_window": ("Quality & window", drawing.rendered(figure)[0])
        },
        "left_out": [LeftOut("cell/seed-3", "failed: diverged <at> step 7")],
        "notes": ["A note & more."],
    }
    return page.page(**arguments | changes)


@pytest.fixture(scope="module")
def made():
    return make_page()


@pytest.fixture(scope="module")
def tree(made):
    return ET.fromstring(made.partition("\n")[2])


def rows(tree, key):
    """The texts of all table rows of a section."""
    (section,) = (s for s in tree.iter(f"{SPACE}section") if s.get("id") == key)
    return [
        ["".join(cell.itertext()) for cell in row] for row in section.iter(f"{SPACE}tr")
    ]


def test_the_page_is_well_formed_and_has_every_section(made, tree):
    assert made.startswith("<!DOCTYPE html>\n")
    keys = [section.get("id") for section in tree.iter(f"{SPACE}section")]
    assert keys == [
        *("summary", "tables", "pictures", "failures", "configs", "environment"),
    ]
    links = [a.get("href") for a in tree.iter(f"{SPACE}a")]
    assert links == [f"#{key}" for key in keys]
    assert len({e.get("id") for e in tree.iter() if e.get("id")}) == (
        sum(e.get("id") is not None for e in tree.iter())
    )


def test_an_html_parser_reads_the_same_tags(made, tree):
    class Reader(HTMLParser):
        opened: list[str]

        def handle_starttag(self, tag, attrs):
            self.opened.append(tag)

        def handle_startendtag(self, tag, attrs):
            self.opened.append(tag)

    reader = Reader()
    reader.opened = []
    reader.feed(made)
    assert reader.opened == [e.tag.removeprefix(SPACE) for e in tree.iter()]


def test_nothing_outside_the_page_is_needed(tree):
    for element in tree.iter():
        assert element.tag != f"{SPACE}script"
        for name, value in element.attrib.items():
            if name in ("src", "href", "action", "data", "srcset", "poster"):
                assert value.startswith(("#", "data:")), value
    style = "".join(e.text for e in tree.iter(f"{SPACE}style"))
    assert not re.search(r"url\(|@import", style)


def test_pictures_are_inside_with_words_for_those_who_cannot_see_them(tree):
    (image,) = tree.iter(f"{SPACE}img")
    data = base64.b64decode(image.get("src").removeprefix("data:image/png;base64,"))
    assert data.startswith(b"\x89PNG")
    assert image.get("alt") == "Quality & window"


def test_tables_say_what_markdown_says(tree):
    found = rows(tree, "tables")
    assert found[0] == [
        "cell", "seeds", "wordsim353, Spearman × 100", "google, % right",
    ]  # fmt: skip
    assert found[1][:3] == ["one", "2", "51.0 ± 1.4[46.2, 55.8] 90 %"]
    strong = [e.text for e in tree.iter(f"{SPACE}strong")]
    assert "71.0 ± 1.4" in strong


def test_text_from_runs_is_text(tree):
    shown = rows(tree, "tables")[2][0]
    assert shown == "a<b>&\"c\"'d' </script> \ufffd\ufffd ]]> 北京 \ufffd"
    (heading,) = tree.iter(f"{SPACE}h1")
    assert heading.text == "Which window? <b>"


def test_what_failed_is_told(tree):
    assert rows(tree, "failures")[1:] == [
        ["cell/seed-3", "failed: diverged <at> step 7"]
    ]
    none = ET.fromstring(make_page(left_out=[]).partition("\n")[2])
    (section,) = (s for s in none.iter(f"{SPACE}section") if s.get("id") == "failures")
    assert "None" in "".join(section.itertext())


def test_configs_begin_with_what_differs(tree):
    found = rows(tree, "configs")
    assert found[1] == ["window", "2", "5"]
    assert found[2] == ["seed", "1, 2", "1, 2"]
    names = [row[0] for row in found]
    assert names.count("window") == names.count("seed") == 1
    assert {"objective", "dim", "learning_rate"} <= set(names)
    (section,) = (s for s in tree.iter(f"{SPACE}section") if s.get("id") == "configs")
    marked = [r for r in section.iter(f"{SPACE}tr") if r.get("class") == "differs"]
    assert len(marked) == 2


def test_the_environment_is_told_once_where_all_runs_share_it(tree):
    found = dict(rows(tree, "environment")[1:])
    assert found == {
        "jax": "0.10.2",
        "cpu": "a processor",
        "devices": '["cpu cpu", "cpu cpu"]',
    }


def test_the_question_and_the_notes_come_first(tree):
    (section,) = (s for s in tree.iter(f"{SPACE}section") if s.get("id") == "summary")
    text = "".join(section.itertext())
    assert "2 cells of 4 runs. They differ by --window. A note & more." in text
    assert ["question", "which?"] in rows(tree, "summary")
    (whole,) = section.iter(f"{SPACE}pre")
    assert '"cells": [' in whole.text


def test_a_long_table_is_folded_up(tree):
    assert not list(tree.iter(f"{SPACE}details"))[1:]  # that of sweep.json alone
    analysis = make_analysis(SCORES, SETTINGS)
    long = overview.scores(analysis)
    long = long._replace(rows=long.rows * (page.LONG // 2 + 1))
    text = page.table_html(long)
    assert text.startswith(f"<details><summary>{long.title}, {len(long.rows)} rows<")
    assert ET.fromstring(f"<p>{text}</p>").find("details/div/table") is not None


def test_what_differs_between_runs_is_told_with_how_many_have_it():
    first = make_analysis(SCORES, SETTINGS, environment={"jax": "1", "cpu": "x"})
    second = make_analysis(SCORES, SETTINGS, environment={"jax": "2", "cpu": "x"})
    cells = (first.grid.cells[0], second.grid.cells[1])
    grid = dataclasses.replace(first.grid, cells=cells)
    tree = ET.fromstring(make_page(grid=grid).partition("\n")[2])
    assert rows(tree, "environment")[1:] == [["jax", "1 (2); 2 (2)"], ["cpu", "x"]]


def test_a_page_without_pictures_says_so():
    assert "Nothing to draw." in make_page(pictures={})


@pytest.mark.slow
def test_a_real_browser_shows_all_of_it_and_asks_for_nothing(made, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(made, encoding="utf-8")
    with browser.opened() as shown:
        shown.open(file.as_uri())
        assert shown.evaluate("document.compatMode") == "CSS1Compat"
        assert shown.evaluate("document.title") == "Which window? <b>"
        assert shown.evaluate("document.querySelectorAll('section').length") == 6
        images = (
            "Promise.all([...document.images].map(i => i.decode()"
            ".then(() => i.naturalWidth > 100)))"
        )
        assert shown.evaluate(images) == [True]
        cells = "[...document.querySelectorAll('#scores td')].map(e => e.innerText)"
        assert shown.evaluate(cells)[2].split("\n")[0] == "51.0 ± 1.4"
        visible = (
            "[...document.querySelectorAll('table')]"
            ".every(e => e.getBoundingClientRect().height > 20)"
        )
        assert shown.evaluate(visible)
        width = "document.documentElement.scrollWidth"
        shown.call(
            "Emulation.setDeviceMetricsOverride",
            width=400, height=800, deviceScaleFactor=1, mobile=True,
        )  # fmt: skip
        # wide tables scroll inside the page, and pictures shrink
        assert shown.evaluate(width) == 400
        asked = [e["request"]["url"] for e in shown.named("Network.requestWillBeSent")]
        assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
        assert shown.named("Log.entryAdded") == []
        assert shown.named("Runtime.exceptionThrown") == []


@pytest.mark.slow
def test_a_page_with_a_reference_to_the_outside_would_be_found_out(made, tmp_path):
    file = tmp_path / "index.html"
    outside = '<img src="missing.png" alt=""/></body>'
    file.write_text(made.replace("</body>", outside), encoding="utf-8")
    with browser.opened() as shown:
        shown.open(file.as_uri())
        asked = [e["request"]["url"] for e in shown.named("Network.requestWillBeSent")]
        assert (tmp_path / "missing.png").as_uri() in asked
        assert shown.named("Log.entryAdded")
