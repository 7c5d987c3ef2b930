import time

import pytest

from w2v_jax.evaluation import readers
from w2v_jax.evaluation.readers import (
    LONGEST_LINE,
    Pair,
    Question,
    kind,
    read_analogies,
    read_pairs,
)

TIGER = [Pair("tiger", "cat", 7.35), Pair("book", "paper", 7.46)]

# the first lines as the sets' authors lay them out
LAYOUTS = {
    "wordsim353.csv": "Word 1,Word 2,Human (mean)\ntiger,cat,7.35\nbook,paper,7.46\n",
    "wordsim353.tsv": "# The Collection\n# Word 1\ntiger\tcat\t7.35\nbook\tpaper\t7.46",
    "simlex999.txt": "word1\tword2\tPOS\tSimLex999\tconc(w1)\n"
    "tiger\tcat\tN\t7.35\t4.8\nbook\tpaper\tN\t7.46\t4.9\n",
    "simverb.txt": "tiger\tcat\tV\t7.35\tSYNONYMS\nbook\tpaper\tV\t7.46\tNONE\n",
    "rw.txt": "tiger\tcat\t7.35\t8\t7\t7\nbook\tpaper\t7.46\t7\t8\t7\n",
    "men.txt": "tiger cat 7.350000\nbook paper 7.460000\n",
    "men_lemma.txt": "tiger-n cat-n 7.35\nbook-n paper-v 7.46\n",
    "windows.txt": "\ufefftiger\tcat\t7.35\r\n\r\nbook\tpaper\t7.46\r\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_of_a_similarity_set_is_read(tmp_path, name):
    path = tmp_path / name
    path.write_text(LAYOUTS[name], newline="")
    assert read_pairs(path) == TIGER
    assert kind(path) == "similarity"


def test_a_heading_may_follow_comments_but_stands_there_once(tmp_path):
    path = tmp_path / "set.csv"
    path.write_text("# a set\nfirst,second,score\ntiger,cat,7.35\nbook,paper,7.46\n")
    assert read_pairs(path) == TIGER
    path.write_text("first,second,score\nfirst,second,score\ntiger,cat,7.35\n")
    with pytest.raises(ValueError, match="line 2: expected two words and a number"):
        read_pairs(path)


def test_a_score_of_zero_is_a_score(tmp_path):
    path = tmp_path / "set.tsv"
    path.write_text("tiger\tcat\tN\t0\nbook\tpaper\tN\t1\n")
    assert kind(path) == "similarity"
    assert read_pairs(path)[0] == Pair("tiger", "cat", 0)


@pytest.mark.parametrize(
    "number", ["1" * 60_000, "1e999", "-1e999", "1" * 60_000 + "x"]
)
def test_a_score_that_is_endless_or_infinite_is_refused_at_once(tmp_path, number):
    path = tmp_path / "set.tsv"
    path.write_text(f"tiger\tcat\t1\nbook\tpaper\t{number}\n")
    begun = time.process_time()
    with pytest.raises(ValueError, match="line 2: expected two words and a number"):
        read_pairs(path)
    # Trying every way to divide 60,000 digits would take minutes; this takes 1 ms.
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("score", "value"),
    [("7", 7), ("7.", 7), (".5", 0.5), ("+1e1", 10), ("-2.5E-1", -0.25)],
)
def test_scores_are_read_in_every_way_of_writing_them(tmp_path, score, value):
    path = tmp_path / "set.tsv"
    path.write_text(f"tiger\tcat\t{score}\n")
    assert read_pairs(path) == [Pair("tiger", "cat", value)]


def test_sets_larger_than_any_known_one_are_refused_before_they_fill_memory(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(readers, "MOST_ITEMS", 100)
    path = tmp_path / "set.txt"
    path.write_text("a b 1\n" * 101)
    with pytest.raises(ValueError, match="line 101: more than 100 pairs or questions"):
        read_pairs(path)
    path.write_text("a b c d\n" * 101)
    with pytest.raises(ValueError, match="line 101: more than 100"):
        read_analogies(path)
    folder = tmp_path / "bats"
    folder.mkdir()
    (folder / "I01.txt").write_text("".join(f"a{i}\tb\n" for i in range(9)))
    assert len(read_analogies(folder)) == 9 * 8
    # 72 questions so far, and pairs of pairs: 72 + 6 x 6 is more than 100.
    (folder / "I02.txt").write_text("".join(f"a{i}\tb\n" for i in range(9)))
    with pytest.raises(ValueError, match=r"I02\.txt: line 6: more than 100"):
        read_analogies(folder)


def test_one_word_with_a_hyphen_is_not_a_lemma(tmp_path):
    path = tmp_path / "set.txt"
    path.write_text("sun-n moon 1\nsun sea-v 2\n")
    assert read_pairs(path) == [Pair("sun-n", "moon", 1), Pair("sun", "sea-v", 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tiger\tcat\t7\nbook\tpaper\n", "line 2: expected two words and a number"),
        ("a\tb\tx\na\tb\t7\na\tb\tseven\n", "line 3: expected two words and a number"),
        ("tiger cat\n", "line 1: expected two words and a number"),
        ("word1\tword2\tscore\n", "no pairs"),
        ("", "no pairs"),
        ("a\tb\tnan\na\tb\tnan\n", "line 2: expected two words and a number"),
    ],
)
def test_a_bad_similarity_set_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "set.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        read_pairs(path)


def test_analogies_are_read_with_their_sections(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(": capitals\r\nA B C D\r\n: family\r\na b  c d\r\n", newline="")
    assert read_analogies(path) == [
        Question("A", "B", "C", ("D",), "capitals"),
        Question("a", "b", "c", ("d",), "family"),
    ]
    assert kind(path) == "analogy"


def test_analogies_without_sections_have_one(tmp_path):
    path = tmp_path / "msr.txt"
    path.write_text("good better rough rougher\n")
    assert read_analogies(path) == [
        Question("good", "better", "rough", ("rougher",), "all")
    ]
    assert kind(path) == "analogy"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a b c d\na b c\n", "line 2: expected four words, not 'a b c'"),
        (": only\n", "no questions"),
    ],
)
def test_a_bad_analogy_set_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "set.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        read_analogies(path)


def test_bats_asks_every_ordered_pair_of_a_file_and_takes_any_answer(tmp_path):
    folder = tmp_path / "BATS" / "1_Inflectional"
    folder.mkdir(parents=True)
    (folder / "I01 [plural].txt").write_text("cat\tcats\nox\toxen/oxes\n")
    assert kind(tmp_path / "BATS") == "analogy"
    assert read_analogies(tmp_path / "BATS") == [
        Question("cat", "cats", "ox", ("oxen", "oxes"), "I01 [plural]"),
        Question("ox", "oxen", "cat", ("cats",), "I01 [plural]"),
    ]


def test_a_bad_bats_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no \.txt files"):
        read_analogies(tmp_path)
    (tmp_path / "I01.txt").write_text("cat cats\n")
    with pytest.raises(ValueError, match=r"I01\.txt: line 1: expected a word, a tab"):
        read_analogies(tmp_path)


@pytest.mark.parametrize("read", [read_pairs, read_analogies])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\tb\t1\n\xff\tb\t1\n", "line [12]: "),
        (b"a" * LONGEST_LINE, "line 1: longer than"),
    ],
)
def test_bytes_that_are_no_evaluation_set_are_refused(tmp_path, read, content, message):
    path = tmp_path / "set.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        read(path)


def test_the_sets_on_this_machine_have_their_known_sizes(shared_data):
    sizes = {
        "en/EN-WS-353-ALL.txt": 353,
        "en/EN-SIMLEX-999.txt": 999,
        "en/EN-RG-65.txt": 65,
        "en/EN-MC-30.txt": 30,
        "en/EN-MTurk-287.txt": 287,
        "zh/wordsim-240.txt": 240,
        "zh/wordsim-297.txt": 297,
    }
    for name, size in sizes.items():
        path = shared_data / "eval" / name
        assert (kind(path), len(read_pairs(path))) == ("similarity", size)
    for name, size in {"en/questions-words.txt": 19544, "en/msr-analogies.txt": 8000,
                       "zh/CA-translated.txt": 953}.items():  # fmt: skip
        path = shared_data / "eval" / name
        assert (kind(path), len(read_analogies(path))) == ("analogy", size)
