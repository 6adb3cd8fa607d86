"""When a generation is near enough to the active one for the workers of that one to wait for the rest."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from services.control.activation import NotCaughtUp
from services.runtime.speed import Speed

T = TypeVar("T")

_WINDOW: Final = 5.0  # seconds over which the rate is taken
_RATE_AFTER: Final = 1.0  # seconds; before, one chunk more or less would count too much
_AT_FIRST: Final = 0.1  # of the longest stop
_AT_LAST: Final = 0.5


@dataclass(slots=True)
class Nearing:
    """Judges from looks at a generation how long the rest of its way takes.

    Writers shall wait as short as possible, so at first the rest may take a tenth of ``stopped`` seconds. Where it does
    not come so near, because the log grows or the machine is busy, it may take up to half in the course of ``within``
    seconds from ``began``. The times are those of one clock.
    """

    began: float
    within: float
    stopped: float
    _speed: Speed = field(default_factory=lambda: Speed(_WINDOW))

    @property
    def deadline(self) -> float:
        """When it must be near."""
        return self.began + self.within

    def is_near(self, at: float, done: int, left: int) -> bool:
        """Note how many records were folded and how many are left, and say whether these may be waited for."""
        self._speed.note(at, done)
        if not left:
            return True
        rest = self._speed.seconds_left(left)
        return rest is not None and self._speed.seconds >= _RATE_AFTER and rest <= self.longest(at)

    def longest(self, at: float) -> float:
        """How many seconds the rest may take."""
        passed = min(1.0, (at - self.began) / self.within) if self.within else 1.0
        return self.stopped * (_AT_FIRST + (_AT_LAST - _AT_FIRST) * passed)


async def attempts(attempt: Callable[[Nearing], Awaitable[T]], within: float, stopped: float) -> T:
    """The result of the first attempt in which the rest came in time; there is none after ``within`` seconds.

    Each attempt waits until the generation is near, and then at most ``stopped`` seconds. Raises NotCaughtUp.
    """
    began = time.monotonic()
    while True:
        nearing = Nearing(began, within, stopped)
        try:
            return await attempt(nearing)
        except NotCaughtUp:
            if time.monotonic() > nearing.deadline:
                raise
