"""Random draws of a hyper-parameter: log(0.005,0.1):20, uniform(0,1):20, int(1,20):20.

A value is a function of the seed of the draws, the field's name and its number alone,
so that the first ten of twenty draws are the ten of ten, and another field beside it
changes nothing.
"""

import dataclasses
import math
import re
import zlib

import numpy as np

KINDS = ("log", "uniform", "int")
DIGITS = 4  # significant ones kept, so that a name says all of a value
_DRAW = re.compile(r"([A-Za-z_]+)\(([^()]*)\)(?::(.*))?")


@dataclasses.dataclass(frozen=True)
class Draw:
    """Values between two bounds.

    Attributes:
      kind: "uniform": evenly over [low, high]; "log": the logarithm evenly; "int":
        whole numbers from low to high, both included, all alike.
      low: the least value.
      high: the greatest value.
      count: values drawn.
    """

    kind: str
    low: float
    high: float
    count: int

    def values(self, field: str, seed: int) -> list[float | int]:
        """`count` values for a field, rounded to four significant digits.

        Args:
          field: its name, so that two fields do not get the same numbers.
          seed: of the draws.
        """
        key = [seed, zlib.crc32(field.encode())]
        part = np.random.default_rng(key).random(self.count)
        if self.kind == "int":
            low, high = int(self.low), int(self.high)
            return [low + math.floor(u * (high - low + 1)) for u in part.tolist()]
        if self.kind == "log":
            ratio = self.high / self.low
            return [self._rounded(self.low * ratio**u) for u in part.tolist()]
        width = self.high - self.low
        return [self._rounded(self.low + width * u) for u in part.tolist()]

    def _rounded(self, value: float) -> float:
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


def parse_draw(text: str) -> Draw | None:
    """The draw that a text describes; None where it is no draw but a list of values.

    Raises:
      ValueError: an unknown kind, bounds that are none, or no count.
    """
    match = _DRAW.fullmatch(text.strip())
    if match is None:
        return None
    kind, inside, count = match.groups()
    if kind not in KINDS:
        raise ValueError(f"{text}: draws are {', '.join(KINDS)}, as in log(0.01,0.1):9")
    try:
        low, high = (float(part) for part in inside.split(","))
    except ValueError:
        raise ValueError(f"{text}: two numbers are needed, {kind}(LOW,HIGH)") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{text}: LOW must be below HIGH, both finite")
    if kind == "log" and low <= 0:
        raise ValueError(f"{text}: LOW must be above 0 for log")
    if kind == "int" and not (low.is_integer() and high.is_integer()):
        raise ValueError(f"{text}: LOW and HIGH must be whole for int")
    if count is None or not count.strip().isdecimal() or int(count) < 1:
        raise ValueError(f"{text}: how many? Say {kind}({inside}):20")
    return Draw(kind, low, high, int(count))
