"""How far a rebuild is, how fast it goes, and how long it will take."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_WINDOW: Final = 15.0  # seconds over which the rate is taken

TopicPart = tuple[str, int]  # topic, number


class Reached(NamedTuple):
    """How many records of a partition are folded, of how many that are to be."""

    done: int
    total: int


RebuildPositions = Mapping[TopicPart, Reached]


def reached(positions: RebuildPositions) -> Reached:
    """The sum over all partitions."""
    return Reached(sum(one.done for one in positions.values()), sum(one.total for one in positions.values()))


@dataclass(slots=True)
class Speed:
    """The rate of the last seconds, from positions that were noted with the seconds of a clock."""

    window: float = _WINDOW
    _noted: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, at: float, done: int) -> None:
        """Note that so many records were done at this time."""
        self._noted.append((at, done))
        while self._noted[-1][0] - self._noted[0][0] > self.window:
            self._noted.popleft()

    @property
    def rate(self) -> float:
        """Records a second; 0 while too little is known."""
        (began, first), (ended, last) = self._noted[0], self._noted[-1]
        return (last - first) / (ended - began) if ended > began else 0.0

    def seconds_left(self, left: int) -> float | None:
        """How many seconds ``left`` more records will take; None while nothing moves."""
        return left / self.rate if self.rate > 0 else None


def in_words(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "time left unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min left" if hours else f"{minutes} min {rest} s left" if minutes else f"{rest} s left"


def gives_way(pace: float) -> str:
    """What is added to the progress while workers work only this share of the time."""
    return f" (gives way to the service, pace {pace:.0%})" if pace < 1 else ""
