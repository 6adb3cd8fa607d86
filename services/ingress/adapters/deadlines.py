"""Ends the waiting of many requests, each after the same time, with a single timer."""

import asyncio
from collections import deque
from typing import Any, Final


class Deadlines:
    """What is waited for, in the order in which its time ends. It belongs to the running event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds: Final = seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: "asyncio.Future[Any]") -> None:
        """Raise TimeoutError from the future if it is not done within the time."""
        self._drop_done()
        self._waiting.append((self._loop.time() + self._seconds, waiting))
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._expire)

    def _drop_done(self) -> None:
        """Forget the first ones that are done, as nearly all are that came before those that are not."""
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()

    def _expire(self) -> None:
        now = self._loop.time()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][1].done()):
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(TimeoutError())
        self._timer = self._loop.call_at(self._waiting[0][0], self._expire) if self._waiting else None
