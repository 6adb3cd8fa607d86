"""Shares the event loop: a request gives way to others after so much work, whatever the work was for."""

import asyncio
from typing import Final

# The work of a line or an event besides its bytes, as the number of bytes that take as long.
_EACH: Final = 650
# A millisecond or two of work.
_TURN: Final = 65_536


class Turns:
    """The work of one request since other requests last had their turn."""

    def __init__(self) -> None:
        self._spent = 0

    async def spend(self, size: int) -> None:
        """Count a step on ``size`` bytes; from time to time, let everything else go first."""
        self._spent += size + _EACH
        if self._spent >= _TURN:
            self._spent = 0
            await asyncio.sleep(0)
