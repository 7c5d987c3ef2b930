"""Where a run stands, and what is known of it there."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a run stands; plain integers, so that no count ever overflows.

    Attributes:
      epoch: passes finished or under way, from 0.
      chunk: chunks of this epoch done.
      raw_words: tokens read so far over all epochs.
      kept_tokens: those left after min_count and subsampling.
      step: training steps of each replica.
    """

    epoch: int = 0
    chunk: int = 0
    raw_words: int = 0
    kept_tokens: int = 0
    step: int = 0

    @classmethod
    def from_dict(cls, values: Any) -> "Position":
        """The position that `dataclasses.asdict` gave.

        Raises:
          ValueError: other names, or a value that is no count.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, dict) or sorted(values) != sorted(names):
            raise ValueError(f"a position has the fields {', '.join(names)}")
        for name, value in values.items():
            if type(value) is not int or value < 0:
                raise ValueError(f"{name} must be a whole number from 0 up")
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What is known at a settled point.

    Attributes:
      position: where the run stands.
      loss: nats per pair, mean over the fixed sample of blocks; None without pairs.
      finite: whether the loss and every number of the tables are.
      learning_rate: of the next step.
      seconds: of training in this process, compilation left out.
    """

    position: Position
    loss: float | None
    finite: bool
    learning_rate: float
    seconds: float
