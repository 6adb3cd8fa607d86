"""Work of the rebuild itself that is done piece by piece, with rests, as its workers do theirs."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from services.rebuild.core.pacing import FULL, rest_after

_LOOK_EVERY: Final = 0.2  # seconds; the share may rise during a rest


class Resting:
    """Call it after each piece of work: it returns after a rest, ``most`` seconds at most.

    ``share`` says which part of the time may be worked; whatever it raises ends the work.
    """

    def __init__(self, share: Callable[[], float], most: float) -> None:
        self._share = share
        self._most = most
        self._began = time.monotonic()

    @property
    def paced(self) -> bool:
        """Whether there are rests at present."""
        return self._share() < FULL

    async def __call__(self) -> None:
        """Rest."""
        ended = time.monotonic()
        worked = ended - self._began
        while True:
            left = rest_after(worked, self._share(), self._most) - (time.monotonic() - ended)
            if left <= 0:
                break
            await asyncio.sleep(min(left, _LOOK_EVERY))
        self._began = time.monotonic()
