"""When a worker that ended is restarted: if it asked for it, and a limited number of times."""

import time
from collections import deque
from collections.abc import Callable

RESTART_STATUS = 75  # EX_TEMPFAIL of sysexits.h: the exit status of a worker that asks for a restart
_MOST = 5
_WITHIN = 120.0


class Restarts:
    """Counts the latest restarts: a worker that keeps ending is a fault that a person must look at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: deque[float] = deque(maxlen=_MOST)

    def allowed(self, exit_code: int | None) -> bool:
        """Whether to restart a worker that ended with this status; a restart is counted."""
        now = self._clock()
        if exit_code != RESTART_STATUS or (len(self._latest) == _MOST and now - self._latest[0] < _WITHIN):
            return False
        self._latest.append(now)
        return True
