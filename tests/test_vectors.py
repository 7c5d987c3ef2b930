import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import w2v_jax
from w2v_jax.vectors import UnknownWordError, Vectors

# words on the unit circle: the cosine of two is the cosine of the angle between them
ANGLES = {"east": 0, "north-east": 45, "north": 90, "west": 180, "west by north": 169}
ROUNDING = 1e-6  # float32 cosines: a few units in the last place


@pytest.fixture
def compass() -> Vectors:
    angles = np.radians(list(ANGLES.values()))
    return Vectors(ANGLES, np.stack([np.cos(angles), np.sin(angles)], axis=1))


@pytest.fixture
def capitals() -> Vectors:
    """country i = e_i and capital i = e_i + e_0: the offset is the same for all."""
    countries = np.eye(5, dtype=np.float32)[1:]
    capital = countries + np.eye(5, dtype=np.float32)[0]
    words = ["france", "italy", "spain", "china", "paris", "rome", "madrid", "beijing"]
    return Vectors(words, np.concatenate([countries, capital]))


def test_nearest_words_come_by_angle_and_leave_the_word_out(compass):
    answers = compass.nearest("east", 10)
    assert [word for word, _ in answers] == sorted(
        set(ANGLES) - {"east"}, key=lambda word: ANGLES[word]
    )
    for word, cosine in answers:
        assert cosine == pytest.approx(np.cos(np.radians(ANGLES[word])), abs=ROUNDING)


def test_nearest_gives_as_many_words_as_asked(compass):
    assert [len(compass.nearest("east", k)) for k in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="k=0: must be at least 1"):
        compass.nearest("east", 0)


def test_nearest_to_a_vector_may_answer_any_word(compass):
    word, cosine = compass.nearest_to([0, 2], 1)[0]
    assert (word, cosine) == ("north", pytest.approx(1, abs=ROUNDING))


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_an_analogy_with_a_common_offset_is_answered(capitals, method):
    best = capitals.analogy("france", "paris", "china", 1, method)
    assert best[0][0] == "beijing"
    answers = [word for word, _ in capitals.analogy("france", "paris", "china", 8)]
    assert len(answers) == 5  # eight words less the question's own three
    assert not {"france", "paris", "china"} & set(answers)


def test_the_score_of_an_analogy_is_the_cosine_with_b_minus_a_plus_c(capitals):
    a, b, c, d = (capitals[w] for w in ("france", "paris", "china", "beijing"))
    a, b, c, d = (v / np.linalg.norm(v) for v in (a, b, c, d))
    query = b - a + c
    expected = d @ query / np.linalg.norm(query)
    score = capitals.analogy("france", "paris", "china", 1)[0][1]
    assert score == pytest.approx(expected, abs=ROUNDING)


def test_an_unknown_method_is_refused(capitals):
    with pytest.raises(ValueError, match="must be one of 3cosadd, 3cosmul"):
        capitals.analogy("france", "paris", "china", 1, "addition")


def test_similarity_is_the_cosine_and_distance_the_length_of_the_difference(compass):
    assert compass.similarity("east", "north-east") == pytest.approx(
        np.sqrt(0.5), abs=ROUNDING
    )
    assert compass.distance("east", "north") == pytest.approx(np.sqrt(2), abs=ROUNDING)
    assert compass.distance("east", "west") == pytest.approx(2, abs=ROUNDING)


def test_the_centroid_is_the_mean_direction_whatever_the_lengths():
    vectors = Vectors(["right", "up"], [[10.0, 0.0], [0.0, 0.1]])
    np.testing.assert_allclose(
        vectors.centroid(["right", "up"]), [0.5, 0.5], atol=ROUNDING
    )
    with pytest.raises(ValueError, match="at least one word"):
        vectors.centroid([])


def test_the_odd_one_out_is_the_word_that_points_elsewhere(compass):
    assert compass.odd_one_out(["east", "north-east", "north", "west"]) == "west"


def test_an_unknown_word_is_a_value_error_and_a_key_error_with_a_hint(capitals):
    with pytest.raises(UnknownWordError) as caught:
        capitals.nearest("Frence", 3)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, KeyError)
    message = "Frence: not among the 8 words. Did you mean france?"
    assert str(caught.value) == message


def test_a_word_like_no_other_gets_no_hint(capitals):
    with pytest.raises(UnknownWordError, match=r"8 words\.$"):
        capitals["qqqqqq"]


def test_membership_length_rows_and_repr(capitals):
    assert "rome" in capitals
    assert "Rome" not in capitals
    assert len(capitals) == 8
    assert capitals.dim == 5
    assert capitals.row("rome") == 5
    np.testing.assert_array_equal(capitals["rome"], [1, 0, 1, 0, 0])
    assert repr(capitals) == "Vectors(8 words, dim=5)"


def test_vectors_do_not_change():
    mine = np.ones((1, 2), np.float32)
    vectors = Vectors(["a"], mine)
    mine[:] = 7
    np.testing.assert_array_equal(vectors.matrix, [[1, 1]])
    with pytest.raises(ValueError, match="read-only"):
        vectors.matrix[0, 0] = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        vectors.words = ("b",)


def test_a_matrix_that_nobody_can_write_to_is_not_copied():
    matrix = np.ones((1, 2), np.float32)
    matrix.flags.writeable = False
    assert Vectors(["a"], matrix).matrix is matrix


def test_restricted_vectors_are_the_first_words(capitals):
    first = capitals.restricted(3)
    assert first.words == ("france", "italy", "spain")
    np.testing.assert_array_equal(first.matrix, capitals.matrix[:3])
    assert capitals.restricted(0) is capitals
    assert capitals.restricted(99) is capitals


@pytest.mark.parametrize(
    ("words", "matrix", "message"),
    [
        (["a", "b"], [[1.0]], r"2 words need a matrix of as many rows.*\[1, 1\]"),
        (["a"], [1.0], "1 words need a matrix"),
        ([], np.zeros((0, 3)), "no vectors"),
        (["a"], np.zeros((1, 0)), "no vectors"),
        (["a", ""], np.ones((2, 1)), "word 2 is empty"),
        (["a", "b", "a"], np.ones((3, 1)), "'a' stands there twice"),
        (["a", "b"], [[1.0], [np.nan]], r"'b' \(row 1\).*not finite"),
        (["a", "b"], [[-np.inf], [1.0]], r"'a' \(row 0\).*not finite"),
    ],
)
def test_what_makes_no_table_of_vectors_is_refused(words, matrix, message):
    with pytest.raises(ValueError, match=message):
        Vectors(words, matrix)


def test_the_package_offers_vectors_without_importing_jax_for_it():
    assert w2v_jax.Vectors is Vectors
    code = (
        "import sys, w2v_jax; assert 'numpy' not in sys.modules; "
        "w2v_jax.Vectors(['a'], [[1.0]])['a']; assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_knows_no_other_name():
    with pytest.raises(AttributeError, match="no attribute 'Vector'"):
        w2v_jax.Vector  # noqa: B018
