import pytest

from w2v_jax.json_file import json_object, read_json


def test_an_object_comes_back_with_its_numbers_whole(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text('{"raw_words": 4611686018427387905, "loss": null, "名": "词"}')
    assert read_json(path) == {"raw_words": 2**62 + 1, "loss": None, "名": "词"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "no valid JSON"),
        (b'{"a": 1', "no valid JSON"),
        (b'{"a": 1}{', "no valid JSON"),
        (b'{"a": "\xff"}', "no valid JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "no valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b'{"a":' * 100_000, "no valid JSON"),
        (b"[1]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"text"', "no JSON object"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_object_is_refused_with_the_file_and_the_remedy(
    tmp_path, text, says
):
    path = tmp_path / "config.json"
    path.write_bytes(text)
    with pytest.raises(
        ValueError, match=f"^{path}: {says}.*restore or delete the file"
    ):
        read_json(path)
    with pytest.raises(ValueError, match=f"^{path}: {says}"):
        json_object(path, text)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent.json")
