"""Dead letters for people who ask over HTTP: those of one tenant, or all of them for an operator.

Only the latest records of the topic are read, once at a time in a process and for a bounded time. What is older, or
more than that, is for `onefold dead-letters`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, NamedTuple

from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings
from services.verify.dead_letters import LetterFilter, RecordPlace, RefusedRecord, each_once, find, opened_value
from services.verify.retry import Retry, RetryOutcome

LATEST: Final = 5000  # records of the topic
MOST_RETRIED: Final = 500  # with one request
_WITHIN: Final = 20.0  # seconds
_KNOWN_FOR: Final = 3.0  # seconds


class NoSuchLetter(ForeseenError):
    """There is no dead letter of this record, or it is another tenant's."""


class ReadingTooLong(ForeseenError):
    """Dead letters could not be read in time. `onefold dead-letters` takes as long as it needs."""


class LetterCount(NamedTuple):
    """How many dead letters have a reason, and how many of them were sent again."""

    reason: str
    letters: int
    sent_again: int


class LetterDesk:
    """Lists, shows and retries dead letters. A tenant of None stands for the operator, who may see all.

    Every method raises ReadingTooLong, and what Kafka raises.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading = asyncio.Lock()
        self._known: list[RefusedRecord] = []
        self._known_at = -_KNOWN_FOR

    async def letters(self, tenant: str | None) -> list[RefusedRecord]:
        """The dead letters without their values, the one that was sent last first."""
        async with self._in_time():
            if time.monotonic() - self._known_at >= _KNOWN_FOR:
                self._known = await each_once(self._settings, latest=LATEST)
                self._known_at = time.monotonic()
            return [one for one in reversed(self._known) if tenant in {None, one.tenant}]

    async def letter(self, tenant: str | None, place: RecordPlace) -> RefusedRecord:
        """The dead letter of the record at this place, with its value, opened if it can be. Raises NoSuchLetter."""
        async with self._in_time():
            found = await find(self._settings, place, latest=LATEST)
        if found is None or tenant not in {None, found.tenant}:
            raise NoSuchLetter(NoSuchLetter.__doc__)
        return replace(found, value=await opened_value(self._settings, found))

    async def retry(
        self, tenant: str | None, place: RecordPlace | None = None, reason: str | None = None
    ) -> list[RetryOutcome]:
        """Send the record at this place again, or the first ``MOST_RETRIED`` of a reason that were not sent again.

        Raises NoSuchLetter if there is none, and NotPublished.
        """
        retry = Retry(self._settings, self._settings.master_key, latest=LATEST)
        most = None if place is not None else MOST_RETRIED
        async with self._in_time():
            self._known_at = -_KNOWN_FOR
            done = await retry.run(place, LetterFilter(reason=reason, tenant=tenant), most=most)
        if not done:
            raise NoSuchLetter(NoSuchLetter.__doc__)
        return done

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_WITHIN), self._reading:
                yield
        except TimeoutError:
            raise ReadingTooLong(ReadingTooLong.__doc__) from None


def counted(letters: Sequence[RefusedRecord]) -> list[LetterCount]:
    """The dead letters by reason, the most frequent first."""
    every = Counter(one.reason for one in letters)
    again = Counter(one.reason for one in letters if one.sent_again_as is not None)
    return [LetterCount(reason, number, again[reason]) for reason, number in every.most_common()]
