"""The read models while they fill: how far they are, what became of the records, what they hold in the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Self

from projections.engine.generations import active_generation
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, Topic
from services.demo.accounts import Tally
from services.demo.errors import Stuck
from services.demo.membership import Tables
from services.demo.remembered import who_is_who
from services.demo.spoilt import TENANT
from services.runtime.broker import log_ends
from services.runtime.database import create_pool
from services.runtime.settings import Settings

_PAUSE: Final = 0.2
_STUCK_AFTER: Final = 90.0

_COUNTERS: Final = """
SELECT coalesce(sum(committed), 0), coalesce(sum(duplicates), 0), coalesce(sum(dead_letters), 0)
FROM offsets WHERE topic = $1
"""
_PLACES: Final = "SELECT partition, next_offset FROM offsets WHERE topic = $1"
_UNTOLD: Final = "SELECT count(*) FROM changes"
_KNOWN: Final = """
SELECT count(*) FROM timeline t JOIN unnest($2::text[]) AS sent(event_id) ON t.event_id = sent.event_id COLLATE "C"
WHERE t.tenant = $1
"""
_BY_CHANNEL: Final = """
SELECT channel, count(*) FILTER (WHERE subscribed) AS subscribed, count(*) FILTER (WHERE NOT subscribed) AS blocked,
    count(*) FILTER (WHERE subscribed IS NULL) AS none, count(*) AS contacts
FROM contacts WHERE tenant = $1 GROUP BY channel ORDER BY contacts DESC, channel
"""


class Watch:
    """Looks into the active generation and at the log's end. Use within ``async with``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
        self._pool: Any = None

    async def __aenter__(self) -> Self:
        async with create_pool(self._settings.database_url, size=1) as control, control.acquire() as connection:
            generation = await active_generation(connection)
        self._pool = create_pool(self._settings.database_url, schema=generation, size=2, name="onefold-demo")
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._pool.__aexit__(*error)

    @property
    def topic(self) -> str:
        """The log."""
        return self._topic

    async def tally(self) -> Tally:
        """What became of all records so far."""
        return Tally(*map(int, await self._pool.fetchrow(_COUNTERS, self._topic)))

    async def known(self, event_ids: Iterable[str]) -> int:
        """How many of these events are in the read models already."""
        return int(await self._pool.fetchval(_KNOWN, TENANT, list(event_ids)))

    async def by_channel(self) -> list[dict[str, Any]]:
        """Contacts by channel and subscription, the most first."""
        return [dict(row) for row in await self._pool.fetch(_BY_CHANNEL, TENANT)]

    async def who_is_who(self) -> Tables:
        """What the tables hold of the demo's customers, at one moment."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await who_is_who(connection, TENANT, self._settings.default_region)

    async def caught_up(self, looked: Callable[[Tally], None] = lambda _: None) -> Tally:
        """Wait until all that is in the log now is visible, who is who as well; the counters then. Raises Stuck.

        What the contacts' agent has committed, it has handed on; so evidence is complete once its events are folded.
        """
        await self._folded(CHANNEL_EVENTS, looked)
        await self._folded(IDENTITY_EVIDENCE, looked)
        await self._until_none(self._untold, "changes of customers have been waiting to be relayed", looked)
        return await self.tally()

    async def _folded(self, topic: Topic, looked: Callable[[Tally], None]) -> None:
        name = topic.full_name(self._settings.topic_prefix)
        ends = await log_ends(self._settings.kafka_servers, name)

        async def missing() -> int:
            places = {row["partition"]: row["next_offset"] for row in await self._pool.fetch(_PLACES, name)}
            return sum(max(0, end - places.get(partition, 0)) for partition, end in ends.items())

        await self._until_none(missing, f"records have been waiting in {name}", looked)

    async def _untold(self) -> int:
        return int(await self._pool.fetchval(_UNTOLD))

    async def _until_none(
        self, count: Callable[[], Awaitable[int]], waiting: str, looked: Callable[[Tally], None]
    ) -> None:
        last, moved_at = -1, time.monotonic()
        while missing := await count():
            looked(await self.tally())
            if missing != last:
                last, moved_at = missing, time.monotonic()
            if time.monotonic() - moved_at > _STUCK_AFTER:
                raise Stuck(
                    f"{missing:,} {waiting} for {_STUCK_AFTER:.0f} s; is a worker running, and has it stopped a "
                    "partition? Its /readyz and its log tell."
                )
            await asyncio.sleep(_PAUSE)
        looked(await self.tally())
