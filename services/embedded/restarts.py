"""When a worker that ended is started again: if it asked for it, and not for ever."""

import time
from collections import deque
from collections.abc import Callable

START_ME_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: what a worker ends with that lost its way
_MOST = 5
_WITHIN = 120.0


class Restarts:
    """Counts the latest restarts: a worker that can't stay up is a fault that somebody has to look at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: deque[float] = deque(maxlen=_MOST)

    def allowed(self, exit_code: int | None) -> bool:
        """Whether to start it once more; a yes is counted."""
        now = self._clock()
        if exit_code != START_ME_AGAIN or (len(self._latest) == _MOST and now - self._latest[0] < _WITHIN):
            return False
        self._latest.append(now)
        return True
