"""Says when what is shown may have changed, for pages that are open. What has changed is asked for by itself.

Each watcher looks at one row a second, and only when that has changed at the rows of the customer that it watches; or
at the newest events of a customer, of which many change no row.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from projections.customers.queries import contacts_of, customer_mark, tenant_mark
from projections.timeline.queries import newest_mark
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

_MOST_WATCHERS: Final = 100  # of a tenant, in one process
_EVERY: Final = 1.0  # seconds between looks


class TooManyWatchers(Exception):
    """Many pages of this tenant are told of changes already."""


class ChangeWatch:
    """Watches tenants, and single customers of theirs, for those who have them on screen."""

    def __init__(self, read_models: ReadModels, *, every: float = _EVERY, most: int = _MOST_WATCHERS) -> None:
        """``every`` so many seconds it looks; ``most`` is how many of a tenant may watch."""
        self._read_models, self._every, self._most = read_models, every, most
        self._watchers: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have all watching end."""
        self._stopping.set()

    async def changes(self, tenant: str, customer: UUID | None, *, conversation: bool = False) -> AsyncGenerator[bool]:
        """At each look, whether there was a change since the one before; it ends when the process stops.

        With ``conversation``, of the customer's newest events. Raises TooManyWatchers at once, and
        ReadModelsUnavailable.
        """
        look = self._conversation if conversation else self._marks
        with self._watching(tenant):
            seen = await look(tenant, customer, None)
            yield False
            while not await self._stopped():
                found = await look(tenant, customer, seen)
                yield found[1] != seen[1]
                seen = found

    async def _stopped(self) -> bool:
        """Whether the process stops, after the time between two looks at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _marks(self, tenant: str, customer: UUID | None, seen: tuple[str, str] | None) -> tuple[str, str]:
        """The mark of the tenant, and of what is watched."""
        async with snapshot(self._read_models, tenant) as moment:
            mark = await tenant_mark(moment.connection, tenant)
            if customer is None:
                return mark, mark
            if seen is not None and seen[0] == mark:
                return seen
            return mark, await customer_mark(moment.connection, moment.resolution, customer)

    async def _conversation(self, tenant: str, customer: UUID | None, _: tuple[str, str] | None) -> tuple[str, str]:
        """The mark of the customer's newest events; none where no customer is named."""
        if customer is None:
            return "", ""
        async with snapshot(self._read_models, tenant) as moment:
            contacts = await contacts_of(moment.connection, moment.resolution, customer)
            mark = await newest_mark(moment.connection, tenant, contacts)
            return mark, mark

    @contextmanager
    def _watching(self, tenant: str) -> Iterator[None]:
        if self._watchers[tenant] >= self._most:
            raise TooManyWatchers(TooManyWatchers.__doc__)
        self._watchers[tenant] += 1
        try:
            yield
        finally:
            self._watchers[tenant] -= 1
