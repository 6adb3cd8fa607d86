"""Counts what comes from each source, in memory, and saves the counts every few seconds."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from services.control.source_activity import SourceCounts, SourceHour, SourceOrigin, hour_of
from services.ingress.ports import Record
from services.runtime.database import DATABASE_ERRORS

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
Save = Callable[[Mapping[SourceHour, SourceCounts]], Awaitable[None]]
MOST_OF_A_TENANT: Final = 200  # origins between two saves; what is beyond them is counted together
_MOST_WAITING: Final = 20_000  # rows that could not be saved, of all tenants
_MOST_TALLIES: Final = 1_000
_EVERY: Final = 5.0  # seconds
_SAVED_BETWEEN: Final = 720  # two prunings: an hour
_LAST_WITHIN: Final = 3.0


class _Tally:
    """The counts of one origin in one hour; adding to them makes no object."""

    __slots__ = ("events", "last_at", "refused", "requests", "unproven")

    def __init__(self) -> None:
        self.requests = self.events = self.unproven = self.refused = 0
        self.last_at: datetime | None = None

    def heard(self, now: datetime) -> None:
        """Something was accepted now."""
        if self.last_at is None or now > self.last_at:
            self.last_at = now

    def counts(self) -> SourceCounts:
        """The counts until now."""
        return SourceCounts(self.requests, self.events, self.unproven, self.refused, self.last_at)


class SourceActivity:
    """The counts of this process that are not in the database yet. No count is worth failing a request for."""

    def __init__(
        self, save: Save, prune: Callable[[], Awaitable[object]], now: Clock = lambda: datetime.now(UTC)
    ) -> None:
        """``save`` adds counts to those that are stored, of which ``prune`` deletes the old ones."""
        self._save, self._prune, self._now = save, prune, now
        self._waiting: dict[SourceHour, SourceCounts] = {}
        self._origins: Counter[str] = Counter()
        self._hour = self._hour_ends = datetime.min.replace(tzinfo=UTC)
        self._tallies: dict[SourceOrigin, _Tally] = {}  # of this hour, since the last saving

    def acknowledged(self, records: Sequence[Record]) -> None:
        """Events that the log has."""
        if len(records) == 1:
            self._appended(records[0].origin, 1)
            return
        for origin, number in Counter(record.origin for record in records).items():
            self._appended(origin, number)

    def _appended(self, origin: SourceOrigin | None, number: int) -> None:
        if origin is not None:
            tally, now = self._tally_of(origin)
            tally.events += number
            tally.heard(now)

    def accepted(self, origin: SourceOrigin) -> None:
        """A request of the source was accepted, with or without events in it."""
        tally, now = self._tally_of(origin)
        tally.requests += 1
        tally.heard(now)

    def unproven(self, origin: SourceOrigin) -> None:
        """A request in the source's name had a wrong signature or token."""
        self._tally_of(origin)[0].unproven += 1

    def refused(self, origin: SourceOrigin) -> None:
        """A request of the source was not accepted, such as one beyond its rate."""
        self._tally_of(origin)[0].refused += 1

    def _tally_of(self, origin: SourceOrigin) -> "tuple[_Tally, datetime]":
        """Where this hour's counts of the origin are added up, and the time."""
        now = self._now()
        if not self._hour <= now < self._hour_ends:
            self._put_aside()
            self._hour = hour_of(now)
            self._hour_ends = self._hour + timedelta(hours=1)
        tally = self._tallies.get(origin)
        if tally is None:
            tally = self._tallies[origin] = _Tally()
            if len(self._tallies) > _MOST_TALLIES:
                self._put_aside()
        return tally, now

    def _put_aside(self) -> None:
        """Move the tallies to what waits to be saved."""
        for origin, tally in self._tallies.items():
            self._add(SourceHour(origin, self._hour), tally.counts())
        self._tallies.clear()

    def _add(self, hour: SourceHour, counts: SourceCounts) -> None:
        origin = hour.origin
        if hour not in self._waiting:
            if self._origins[origin.tenant] >= MOST_OF_A_TENANT:
                hour = hour._replace(origin=SourceOrigin(origin.tenant, "", "", ""))
            if hour not in self._waiting and len(self._waiting) >= _MOST_WAITING:
                return
            self._origins[origin.tenant] += 1
        self._waiting[hour] = self._waiting.get(hour, SourceCounts()) + counts

    async def flush(self) -> None:
        """Save what waits. What can't be saved goes on waiting."""
        self._put_aside()
        taken, self._waiting = self._waiting, {}
        self._origins.clear()
        if not taken:
            return
        try:
            await self._save(taken)
        except asyncio.CancelledError:
            self._put_back(taken)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the counts are kept and tried again
            log.warning("source_activity_not_saved", error=type(error).__name__, rows=len(taken))
            self._put_back(taken)

    def _put_back(self, taken: Mapping[SourceHour, SourceCounts]) -> None:
        for hour, counts in taken.items():
            if hour in self._waiting or len(self._waiting) < _MOST_WAITING:
                self._waiting[hour] = self._waiting.get(hour, SourceCounts()) + counts

    async def run(self) -> None:
        """Save every few seconds, and delete what is old every hour, until cancelled."""
        while True:
            with suppress(*DATABASE_ERRORS):
                await self._prune()
            for _ in range(_SAVED_BETWEEN):
                await asyncio.sleep(_EVERY)
                await self.flush()

    async def close(self) -> None:
        """Save what is left, if the database takes it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WITHIN):
                await self.flush()
