"""When a worker that ended is restarted: if its status says that this helps, and a limited number of times."""

import signal
import time
from collections import deque
from collections.abc import Callable, Collection

RESTART_STATUS = 75  # EX_TEMPFAIL of sysexits.h: the exit status of a worker that asks for a restart
KILLED_STATUS = 128 + signal.SIGKILL  # somebody killed it, or the kernel did, which had no memory left
_MOST = 5
_WITHIN = 120.0


class Restarts:
    """Counts the latest restarts: a worker that keeps ending is a fault that a person must look at.

    A worker is restarted that ended with one of the ``statuses``.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, statuses: Collection[int] = (RESTART_STATUS,)
    ) -> None:
        self._clock = clock
        self._statuses = statuses
        self._latest: deque[float] = deque(maxlen=_MOST)

    def allowed(self, exit_code: int | None) -> bool:
        """Whether to restart a worker that ended with this status; a restart is counted."""
        now = self._clock()
        if exit_code not in self._statuses or (len(self._latest) == _MOST and now - self._latest[0] < _WITHIN):
            return False
        self._latest.append(now)
        return True
