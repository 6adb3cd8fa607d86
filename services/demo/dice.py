"""Every random choice of the demo, and when things happen. Times are in milliseconds UTC."""

from collections.abc import Mapping
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY
_TAIPEI: Final = 8 * HOUR

# By the hour from midnight: asleep, commuting, the lunch break, and the sofa after nine.
_HOURS: Final = (30, 16, 8, 5, 4, 6, 14, 34, 52, 56, 58, 66, 92, 74, 58, 54, 56, 60, 66, 76, 92, 100, 96, 64)
_WEEKDAYS: Final = (78, 74, 76, 82, 96, 100, 98)  # from Monday
_FIRST_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday
_TRIES: Final = 12


def activity(at: int) -> float:
    """Return how likely something happens at this time in Taiwan, from 0 to 1."""
    local = at + _TAIPEI
    weekday = (local // DAY + _FIRST_WEEKDAY) % 7
    return _HOURS[local % DAY // HOUR] * _WEEKDAYS[weekday] / 10_000


class Dice(Random):
    """Random choices by percent and weight, and times at which people are awake."""

    def chance(self, percent: float) -> bool:
        """Return True in ``percent`` of a hundred calls."""
        return self.random() * 100 < percent

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Choose a key; its value is its weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def time_between(self, earliest: int, latest: int) -> int:
        """Return a time in the span, more often one when people are awake."""
        latest = max(earliest, latest)
        at = earliest
        for _ in range(_TRIES):
            at = self.randint(earliest, latest)
            if self.random() < activity(at):
                break
        return at

    def time_after(self, at: int, mean: int) -> int:
        """Return a time at least a second after ``at``; the delay is exponential with this mean."""
        return at + 1000 + int(self.expovariate(1.0) * mean)

    def hex(self, digits: int) -> str:
        """Return so many hexadecimal digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"
