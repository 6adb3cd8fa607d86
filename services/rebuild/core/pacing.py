"""At which pace a rebuild works, so that it gives way to the service.

The pace is the share of the time that each worker of the rebuild works. It is found as LEDBAT (RFC 6817) finds the rate
of a download in the background: while PostgreSQL answers about as fast as it did at best lately, the pace rises step by
step; when answers take longer, or the service falls behind, it is halved. While nobody uses the service, nobody has to
wait, and the rebuild works all the time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.runtime.errors import ForeseenError

FULL: Final = 1.0
FLOOR: Final = 0.05  # a rebuild always goes on
START: Final = 0.25
_LEAST_SHARE: Final = 0.01
_STEP: Final = 0.05
_SLOWER: Final = 1.5  # times as long as at best; less is chance
_BEHIND: Final = 1.0  # seconds
_LOOKS: Final = 6  # a large chunk takes seconds
_REMEMBERED: Final = 300  # seconds, or looks, from which the best is taken


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
    """The pace of the next second."""
    if not load.in_use:
        return min(FULL, pace * 2)
    if load.seconds_behind > _BEHIND or load.slowed > _SLOWER:
        return max(FLOOR, pace / 2)
    return min(FULL, pace + _STEP)


@dataclass(slots=True)
class AnswerTimes:
    """How long PostgreSQL takes to answer, in comparison with its best of the last minutes."""

    remembered: int = _REMEMBERED
    _typical: deque[float] = field(default_factory=deque)

    def note(self, times: Sequence[float]) -> float:
        """Note the times of some answers, and return how many times as long as at best they took."""
        typical = sorted(times)[len(times) * 3 // 4]
        self._typical.append(typical)
        while len(self._typical) > self.remembered:
            self._typical.popleft()
        return typical / max(min(self._typical), 1e-9)


@dataclass(slots=True)
class WorkersLag:
    """How far the service's workers are behind, from the records that they have folded and that are left."""

    looks: int = _LOOKS
    _folded: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, at: float, folded: int, left: int) -> float | None:
        """How many seconds they need for what is left. ``at`` is seconds of a clock.

        None if they have folded nothing for some looks: there is nothing to do, or nobody who does it.
        """
        self._folded.append((at, folded))
        while len(self._folded) > self.looks:
            self._folded.popleft()
        began, before = self._folded[0]
        return left * (at - began) / (folded - before) if folded > before else None
