"""Answers remembered for a moment, so that a hot path needs no database and a change is seen within that moment."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
log = structlog.get_logger(__name__)

_FRESH: Final = 2.0
_USABLE: Final = 600.0
_PATIENCE: Final = 1.0
_SOON: Final = 0.3  # of patience, where there is an answer to fall back on
_MOST: Final = 10_000


@dataclass(slots=True)
class _Answer(Generic[V]):
    value: V
    asked_at: float
    tried_at: float


class Remembered(Generic[K, V]):
    """Asks at most once in ``fresh`` seconds for a key, however many want to know; None means that there is none.

    While the one who is asked can't answer, within ``patience`` seconds, an answer no older than ``usable`` is given
    again: what was known stays known, and nobody could have changed it. For its sake the wait is shorter. Without one,
    the error is raised.
    What is not there is remembered apart from what is, so a flood of guesses pushes out guesses only.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V | None]],
        *,
        fresh: float = _FRESH,
        usable: float = _USABLE,
        patience: float = _PATIENCE,
        most: int = _MOST,
    ) -> None:
        self._ask, self._fresh, self._usable, self._patience, self._most = ask, fresh, usable, patience, most
        self._known: OrderedDict[K, _Answer[V]] = OrderedDict()
        self._absent: OrderedDict[K, float] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K) -> V | None:
        """The answer. Raises what asking raises."""
        now = time.monotonic()
        known = self._known.get(key)
        if known is not None and now - known.tried_at < self._fresh:
            return known.value
        if now - self._absent.get(key, -self._fresh) < self._fresh:
            return None
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._renew(key, known))
            task.add_done_callback(lambda done: self._asked(key, done))
        # Shielded: one caller that goes away must not take the answer from the others.
        return await asyncio.shield(task)

    def _asked(self, key: K, task: asyncio.Task[V | None]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at here, because every caller may have gone away

    async def _renew(self, key: K, known: _Answer[V] | None) -> V | None:
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._patience if known is None else min(self._patience, _SOON)):
                value = await self._ask(key)
        except Exception as error:
            if known is None or asked_at - known.asked_at > self._usable:
                raise
            log.warning("answer_reused", error=type(error).__name__)
            known.tried_at = time.monotonic()
            return known.value
        if value is None:
            self._known.pop(key, None)
            _put(self._absent, key, asked_at, self._most)
        else:
            self._absent.pop(key, None)
            _put(self._known, key, _Answer(value, asked_at, asked_at), self._most)
        return value


_A = TypeVar("_A")


def _put(answers: OrderedDict[K, _A], key: K, answer: _A, most: int) -> None:
    answers[key] = answer
    answers.move_to_end(key)
    if len(answers) > most:
        answers.popitem(last=False)
