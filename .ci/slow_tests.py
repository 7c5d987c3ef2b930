"""Lists the tests that take long, from a run of all with --durations=0 on stdin.

    make slow-list

writes tests/slow_tests.txt; tests/conftest.py marks what stands there as slow, so that
`make test-fast` leaves it out.
"""

import re
import sys
from collections import Counter
from pathlib import Path

LONGEST = 0.3  # seconds of a test with its fixtures, two workers on two cores
LIST = Path(__file__).resolve().parents[1] / "tests" / "slow_tests.txt"


def slow_tests(lines: list[str]) -> list[str]:
    """The node ids of the tests that took longer, sorted."""
    seconds: Counter[str] = Counter()
    for line in lines:
        if found := re.fullmatch(r"([\d.]+)s (?:call|setup|teardown) +(\S.*)", line):
            seconds[found[2]] += float(found[1])
    return sorted(name for name, taken in seconds.items() if taken > LONGEST)


def main() -> None:
    """Reads stdin, writes the list."""
    found = slow_tests(sys.stdin.read().splitlines())
    if not found:
        sys.exit("no durations on stdin: was the run made with --durations=0?")
    LIST.write_text("\n".join(found) + "\n", encoding="utf-8")
    print(f"{len(found)} tests take more than {LONGEST} s")


if __name__ == "__main__":
    main()
