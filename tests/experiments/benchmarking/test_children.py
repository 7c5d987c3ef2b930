"""Parts in processes of their own: what they print, and how they fail."""

import pytest

from experiments.benchmarking import children


def test_what_a_child_prints_comes_back():
    assert children.call("-c", "print('one'); print('two')") == "one\ntwo\n"


def test_a_child_that_fails_gives_its_last_line():
    code = "import sys; print('first\\nlast', file=sys.stderr); sys.exit(2)"
    with pytest.raises(ValueError, match=r"a program failed: last$"):
        children.call("-c", code)


def test_a_child_that_fails_in_silence_is_told_too():
    with pytest.raises(ValueError, match="no message"):
        children.call("-c", "import sys; sys.exit(1)")


def test_a_module_that_fails_is_named():
    with pytest.raises(ValueError, match=r"json\.nothing failed: "):
        children.call("-m", "json.nothing")


def test_the_answer_is_the_last_line():
    code = "print('noise'); print('[1, {\"a\": 2.5}]')"
    answer = children.call("-c", code).splitlines()[-1]
    assert answer == '[1, {"a": 2.5}]'


def test_lists_become_flags_with_commas():
    given = {"models": ["a", "b"], "dim": 3, "empty": [], "pair": (1, 2)}
    flags = ["--models=a,b", "--dim=3", "--empty=", "--pair=1,2"]
    assert children.as_flags(given) == flags
