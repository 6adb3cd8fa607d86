"""At which pace a rebuild works, so that it gives way to the service.

The pace is the share of the time that each worker of the rebuild works. It is found as LEDBAT (RFC 6817) finds the rate
of a download in the background: it begins low, and while PostgreSQL answers about as fast as it did at best lately, it
rises step by step; while answers take longer, it is halved each second, and when the service falls behind, it is least
at once. While nobody uses the service, nobody has to wait, and the rebuild works all the time; as soon as somebody
does, it begins low again.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from services.runtime.errors import ForeseenError

T = TypeVar("T")

FULL: Final = 1.0
MOST: Final = 0.9  # while the service is in use
START: Final = 0.1
FLOOR: Final = 0.05  # a rebuild always goes on
LOOKS_A_SECOND: Final = 4
_LEAST_SHARE: Final = 0.01
_STEP: Final = 0.02 / LOOKS_A_SECOND
_DOUBLED: Final = 2 ** (1 / LOOKS_A_SECOND)  # in a second
_SLOWER: Final = 1.5  # times as long as at best; less is chance
_BEHIND: Final = 1.0  # seconds
_FOLDS_WITHIN: Final = 6.0  # seconds; a large chunk takes some
_REMEMBERED: Final = 300 * LOOKS_A_SECOND  # looks from which the best is taken
_ANSWERS: Final = 20  # that the load is taken from: those of a second


class BadShare(ForeseenError):
    """Not a percentage."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a percentage from 1% to 100%.")


def share_of(text: str | None) -> float | None:
    """The share that a person has written as a percentage, like ``25%``. Raises BadShare."""
    if text is None:
        return None
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        raise BadShare(text) from None
    if not _LEAST_SHARE <= share <= FULL:
        raise BadShare(text)
    return share


class ServiceLoad(NamedTuple):
    """What the service has to do, as seen in the last second.

    ``seconds_behind`` is how long its workers need for the records that are left, ``slowed`` how many times as long
    PostgreSQL took to answer as at best.
    """

    in_use: bool
    seconds_behind: float = 0.0
    slowed: float = 1.0


def next_pace(pace: float, load: ServiceLoad) -> float:
    """The pace until the next look. It is above MOST only while nobody uses the service."""
    if not load.in_use:
        return min(FULL, pace * _DOUBLED)
    if load.seconds_behind > _BEHIND:
        return FLOOR
    before = START if pace > MOST else pace
    return max(FLOOR, before / _DOUBLED) if load.slowed > _SLOWER else min(MOST, before + _STEP)


def rest_after(worked: float, share: float, most: float) -> float:
    """How many seconds to rest after so many of work, ``most`` at most, so that work takes this share of the time."""
    return min(worked * (FULL - share) / share, most)


@dataclass(slots=True)
class AnswerTimes:
    """How long PostgreSQL takes to answer, in comparison with its best of the last minutes."""

    remembered: int = _REMEMBERED
    answers: int = _ANSWERS
    _latest: deque[float] = field(default_factory=deque)
    _typical: deque[float] = field(default_factory=deque)

    def note(self, times: Sequence[float]) -> float:
        """Note the times of some answers, and return how many times as long as at best the latest ones took."""
        _append(self._latest, times, self.answers)
        typical = sorted(self._latest)[len(self._latest) * 3 // 4]
        _append(self._typical, [typical], self.remembered)
        return typical / max(min(self._typical), 1e-9)


@dataclass(slots=True)
class ReadsSeen:
    """Whether the service is read, from looks that saw it read or not. A health check now and then is no use of it."""

    looks: int = _ANSWERS
    few: int = 1
    _seen: deque[bool] = field(default_factory=deque)

    def note(self, seen: Sequence[bool]) -> bool:
        """Note some looks, and return whether more than a few of the latest saw the service read."""
        _append(self._seen, seen, self.looks)
        return sum(self._seen) > self.few


@dataclass(slots=True)
class WorkersLag:
    """How far the service's workers are behind, from the records that they have folded and that are left."""

    within: float = _FOLDS_WITHIN
    _folded: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, at: float, folded: int, left: int) -> float | None:
        """How many seconds they need for what is left. ``at`` is seconds of a clock.

        None if they have folded nothing for some seconds: there is nothing to do, or nobody who does it.
        """
        self._folded.append((at, folded))
        while at - self._folded[0][0] > self.within:
            self._folded.popleft()
        began, before = self._folded[0]
        return left * (at - began) / (folded - before) if folded > before else None


def _append(kept: deque[T], new: Sequence[T], most: int) -> None:
    """Append the new ones, and keep the latest."""
    kept.extend(new)
    while len(kept) > most:
        kept.popleft()
