"""Pictures as files: what is in the SVG is checked, not only that there is one."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from gensim.test.utils import datapath
from matplotlib import font_manager

from experiments import fonts, pictures, word_pictures
from w2v_jax.evaluation.similarity import SimilarityResult
from w2v_jax.vectors import Vectors

RNG = np.random.default_rng(0)
WORDS = ["man", "woman", "king", "queen", "北京", "东京", "$x^2$"]
MATRIX = RNG.normal(size=(7, 5)).astype(np.float32)
VECTORS = Vectors(WORDS, MATRIX)


def run(*flags):
    command = [sys.executable, "-m", "experiments.pictures", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.fixture
def chinese_font(tmp_path):
    """A font of one square for each of three characters, made here."""
    names = {"东": "east", "北": "north", "京": "capital"}
    order = [".notdef", *names.values()]
    pen = TTGlyphPen(None)
    for step, corner in enumerate([(0, 0), (0, 700), (700, 700), (700, 0)]):
        (pen.lineTo if step else pen.moveTo)(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(char): name for char, name in names.items()})
    builder.setupGlyf(dict.fromkeys(order, square))
    builder.setupHorizontalMetrics(dict.fromkeys(order, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable(
        {
            "familyName": "Three Squares",
            "styleName": "Regular",
            "psName": "ThreeSquares",
        }
    )
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "squares.ttf"
    builder.save(path)
    return path


@pytest.fixture
def known_fonts(monkeypatch):
    """The machine's fonts, which a test may add to; without any for Chinese."""
    manager = font_manager.fontManager
    plain = [entry for entry in manager.ttflist if "DejaVu" in entry.name]
    monkeypatch.setattr(manager, "ttflist", plain)
    return manager


def test_a_map_holds_every_word_at_its_principal_components():
    figure = word_pictures.word_map(VECTORS, {"a": WORDS[:3], "b": WORDS[2:4]})
    assert texts(figure) == WORDS[:4]
    dots = [c.get_offsets() for c in figure.axes[0].collections]
    assert [len(points) for points in dots] == [3, 1]  # "king" is drawn once
    unit = MATRIX[:4] / np.linalg.norm(MATRIX[:4], axis=1, keepdims=True)
    expected, _ = word_pictures.projection.pca(unit)
    np.testing.assert_allclose(np.concatenate(dots), expected, atol=1e-6)  # float32
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["a", "b"]


def test_a_map_by_tsne_says_so():
    figure = word_pictures.word_map(VECTORS, {"words": WORDS}, "tsne")
    assert "t-SNE" in figure.axes[0].get_xlabel()
    assert figure.axes[0].get_legend() is None


def test_the_cross_of_a_perfect_parallelogram_lies_on_the_fourth_word():
    a, b, c = np.eye(3)
    vectors = Vectors("abcd", [a, b, c, b - a + c])
    figure = word_pictures.parallelogram(vectors, [("a", "b"), ("c", "d")])
    words, cross = figure.axes[0].collections
    at = words.get_offsets()
    # drawn at length one, d is sqrt(3) - 1 short of where b - a + c is
    gap = np.linalg.norm(cross.get_offsets()[0] - at[3])
    assert gap <= np.sqrt(3) - 1 + 1e-6  # a projection brings points no further apart
    # the parallelogram itself is exact: a, b, c and the cross
    np.testing.assert_allclose(at[1] - at[0] + at[2], cross.get_offsets()[0], atol=1e-6)


def test_the_scatter_holds_known_pairs_and_their_correlation():
    human = np.arange(6.0)
    known = np.array([True] * 5 + [False])
    result = SimilarityResult(human, human / 10, known)
    figure = word_pictures.against_people(result, "a set")
    (dots,) = figure.axes[0].collections
    np.testing.assert_allclose(dots.get_offsets(), np.stack([human, human / 10], 1)[:5])
    assert "5 pairs, 1 missing, Spearman 1.000" in figure.axes[0].get_title()


def test_the_bars_are_the_overlaps():
    bands = {
        "rank 1 to 10": {"overlap": 0.8, "interval": (0.7, 0.85)},
        "rank 11 and above": {"overlap": 0.3, "interval": (0.2, 0.4)},
    }
    figure = word_pictures.stability_bars(bands, 10)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [0.8, 0.3]


def test_a_font_of_the_machine_that_draws_chinese_is_found(chinese_font, known_fonts):
    families, missing = fonts.families(WORDS)
    assert (families, missing) == (["DejaVu Sans"], "东京北")
    known_fonts.addfont(chinese_font)
    families, missing = fonts.families(WORDS)
    assert (families, missing) == (["DejaVu Sans", "Three Squares"], "")


def test_chinese_words_are_drawn_in_that_font(chinese_font, known_fonts, tmp_path):
    figure = word_pictures.word_map(VECTORS, {"words": WORDS})
    known_fonts.addfont(chinese_font)
    png, svg = pictures.save(figure, str(tmp_path / "map"))
    assert png.read_bytes().startswith(b"\x89PNG")
    drawn = svg.read_text()
    ET.fromstring(drawn)
    # glyphs are kept as paths with an id of font and number
    assert len(set(re.findall(r'id="(ThreeSquares-\w+)"', drawn))) == len("北京东")


def test_where_no_font_draws_chinese_one_line_says_what_to_do(
    known_fonts, tmp_path, capsys
):
    figure = word_pictures.word_map(VECTORS, {"words": WORDS})
    pictures.save(figure, str(tmp_path / "map"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("no font here draws 东京北; install one")


def test_a_font_file_can_be_named(chinese_font, known_fonts, tmp_path):
    families, missing = fonts.families(WORDS, str(chinese_font))
    assert families[0] == "Three Squares"
    assert missing == ""
    with pytest.raises(ValueError, match=r"/nowhere\.ttf: no such font file"):
        fonts.families(WORDS, "/nowhere.ttf")
    bad = tmp_path / "bad.ttf"
    bad.write_bytes(b"no font")
    with pytest.raises(ValueError, match=f"^{bad}: no font that can be read"):
        fonts.families(WORDS, str(bad))


def test_the_same_picture_is_the_same_file(tmp_path):
    for name in "ab":
        figure = word_pictures.word_map(VECTORS, {"words": WORDS[:4]})
        pictures.save(figure, str(tmp_path / name))
    for suffix in ("png", "svg"):
        same = [(tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab"]
        assert same[0] == same[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("map", ("--neighbours=2", "man", "king")),
        ("map", ("--method=tsne", "man", "woman", "king", "queen")),
        ("analogy", ("man", "woman", "king", "queen")),
        ("similarity", (f"--set={datapath('wordsim353.tsv')}",)),
        ("stability", ("--nearest=2",)),
    ],
)
def test_every_kind_comes_as_png_and_svg(tmp_path, kind, flags):
    words = ["man", "woman", "king", "queen", "tiger", "cat", "book", "paper"]
    files = []
    for seed in range(2 if kind == "stability" else 1):
        matrix = np.random.default_rng(seed).normal(size=(8, 5))
        Vectors(words, matrix).save(tmp_path / f"{seed}.npz")
        files.append(f"--vectors={tmp_path / f'{seed}.npz'}")
    done = run(kind, *files, f"--out={tmp_path / 'p'}", *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{tmp_path / 'p'}.png", f"{tmp_path / 'p'}.svg"]
    assert all(Path(path).stat().st_size > 1000 for path in done.stdout.split())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "no kind: name one of map, analogy"),
        (("mpa",), "mpa: name one of map"),
        (("map",), "--vectors: missing"),
        (("map", "--vectors=v.bin"), "--out: missing"),
        (("map", "--vectors=v.bin", "--out=p"), "map: no word given"),
        (("analogy", "--vectors=v.bin", "--out=p", "a", "b", "c"), "not 3"),
        (("stability", "--vectors=v.bin", "--out=p"), "two files or more"),
        (("map", "--vectors=/no.bin", "--out=p", "a"), "/no.bin: No such file"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(flags, message):
    done = run(*flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
