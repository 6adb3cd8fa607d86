"""Waits for what workers of either generation have still to do, as long as they get on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

_LOOK_EVERY: Final = 0.2  # seconds
_MOVES_WITHIN: Final = 60.0  # seconds for which nothing may change
_SAY_EVERY: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Waiting:
    """``check`` is called meanwhile; whatever it raises ends the waiting."""

    check: Callable[[], None]

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it holds."""
        while not await holds():
            self.check()
            await asyncio.sleep(_LOOK_EVERY)

    async def left_of(self, left_now: Callable[[], Awaitable[T]], say: Callable[[T], None] = lambda _: None) -> T:
        """Wait until what is left is falsy; or return it when it has not changed for long. ``say`` shows it."""
        moved_at = shown_at = time.monotonic()
        before: T | None = None
        while left := await left_now():
            now = time.monotonic()
            if left != before:
                before, moved_at = left, now
            if now - moved_at > _MOVES_WITHIN:
                break
            if now - shown_at > _SAY_EVERY:
                shown_at = now
                say(left)
            self.check()
            await asyncio.sleep(_LOOK_EVERY)
        return left
