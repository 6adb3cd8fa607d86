"""A cache of lookups, so that a hot path needs no database and still sees a change within two seconds."""

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
_STALE_IF_ERROR: Final = 600.0
LOOKUP_WITHIN: Final = 1.0  # seconds
_SHARE_WITH_ANSWER: Final = 0.3
_MAX_ENTRIES: Final = 10_000


@dataclass(slots=True)
class _Answer(Generic[V]):
    value: V
    loaded_at: float
    tried_at: float


class LookupCache(Generic[K, V]):
    """Calls ``load`` at most once in ``fresh`` seconds a key, however many callers wait; None means "not found".

    While ``load`` fails, or takes longer than ``timeout`` seconds, a cached answer up to ``stale_if_error`` seconds old
    is returned; with such an answer at hand the wait is only ``timeout_with_answer``, by default three tenths of it.
    Without one, the error is raised.
    Keys that were not found are cached apart from the others, so a flood of guesses evicts only guesses.
    """

    def __init__(  # noqa: PLR0913 - the parameters of a cache
        self,
        load: Callable[[K], Awaitable[V | None]],
        *,
        fresh: float = _FRESH,
        stale_if_error: float = _STALE_IF_ERROR,
        timeout: float = LOOKUP_WITHIN,
        timeout_with_answer: float | None = None,
        max_entries: int = _MAX_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._clock = load, clock
        self._fresh, self._stale_if_error, self._max_entries = fresh, stale_if_error, max_entries
        self._timeout = timeout
        self._timeout_with_answer = timeout * _SHARE_WITH_ANSWER if timeout_with_answer is None else timeout_with_answer
        self._found: OrderedDict[K, _Answer[V]] = OrderedDict()
        self._missing: OrderedDict[K, float] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K) -> V | None:
        """The answer, cached or loaded. Raises what ``load`` raises, and TimeoutError."""
        now = self._clock()
        found = self._found.get(key)
        if found is not None and now - found.tried_at < self._fresh:
            return found.value
        if now - self._missing.get(key, -self._fresh) < self._fresh:
            return None
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._refresh(key, found))
            task.add_done_callback(lambda done: self._loaded(key, done))
        # Shielded: a caller that is cancelled must not cancel the lookup of the others.
        return await asyncio.shield(task)

    def _loaded(self, key: K, task: asyncio.Task[V | None]) -> None:
        self._loading.pop(key, None)
        if not task.cancelled():
            task.exception()  # retrieved here, because every caller may have been cancelled

    async def _refresh(self, key: K, found: _Answer[V] | None) -> V | None:
        started_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout if found is None else self._timeout_with_answer):
                value = await self._load(key)
        except Exception as error:
            if found is None or started_at - found.loaded_at > self._stale_if_error:
                raise
            log.warning("answer_reused", error=type(error).__name__)
            found.tried_at = self._clock()
            return found.value
        if value is None:
            self._found.pop(key, None)
            _put(self._missing, key, started_at, self._max_entries)
        else:
            self._missing.pop(key, None)
            _put(self._found, key, _Answer(value, started_at, started_at), self._max_entries)
        return value


_A = TypeVar("_A")


def _put(answers: OrderedDict[K, _A], key: K, answer: _A, max_entries: int) -> None:
    answers[key] = answer
    answers.move_to_end(key)
    if len(answers) > max_entries:
        answers.popitem(last=False)
