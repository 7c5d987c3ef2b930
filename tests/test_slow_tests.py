"""The list of slow tests: made from a run's durations, and of tests that exist."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location(
        "slow_tests", ROOT / ".ci" / "slow_tests.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_tests_seconds_are_those_of_all_its_parts(tool):
    part = tool.LONGEST / 10
    run = f"""
======= slowest durations =======
{7 * part:.2f}s setup    tests/test_a.py::test_one[x-1]
{4 * part:.2f}s call     tests/test_a.py::test_one[x-1]
{9 * part:.2f}s call     tests/test_a.py::test_two
{30 * part:.2f}s call     tests/test_b.py::test_of[two words]
(8 durations < 0.005s hidden.)
=== 3 passed in 1:02 ===
"""
    one, of = "tests/test_a.py::test_one[x-1]", "tests/test_b.py::test_of[two words]"
    assert tool.slow_tests(run.splitlines()) == [one, of]


def test_what_the_list_names_is_there(tool):
    listed = tool.LIST.read_text(encoding="utf-8").splitlines()
    assert listed == sorted(set(listed))
    for name in listed:
        path, function = name.partition("[")[0].split("::")
        assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_what_the_list_names_is_marked(request):
    """This test is in no list; one of those collected with it may be."""
    listed = (ROOT / "tests" / "slow_tests.txt").read_text().splitlines()
    for item in request.session.items:
        if item.nodeid in listed:
            assert item.get_closest_marker("slow"), item.nodeid
