"""How far the read models are, and what became of the log's records."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from projections.engine.generation_records import Generation
from projections.engine.generations import active_generation
from projections.engine.offsets import all_offsets
from projections.identity.outbox import waiting
from projections.registry import SCHEMA
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, Topic
from services.demo.accounts import LogCounts
from services.demo.errors import DemoError
from services.runtime.broker import log_ends
from services.runtime.cancelling import cancel_all
from services.runtime.database import create_pool
from services.runtime.settings import Settings

_PAUSE: Final = 0.2
_STUCK_AFTER: Final = 90.0


@asynccontextmanager
async def active_tables(settings: Settings) -> AsyncIterator[tuple[Any, Generation]]:
    """A pool on the tables of the active generation, and the generation."""
    async with create_pool(settings.database_url, max_size=1) as control, control.acquire() as connection:
        generation = await active_generation(connection, SCHEMA)
    async with create_pool(settings.database_url, schema=generation.name, max_size=2, name="onefold-demo") as pool:
        yield pool, generation


class Progress:
    """Follows one log into one generation, by `active_tables`."""

    def __init__(self, settings: Settings, pool: Any, generation: Generation) -> None:
        self._settings = settings
        self._pool = pool
        self._generation = generation

    async def counts(self) -> LogCounts:
        """What became of all records so far."""
        offsets = await self._offsets(CHANNEL_EVENTS.full_name(self._settings.topic_prefix))
        columns = ("committed", "duplicates", "dead_letters")
        return LogCounts(*(sum(row[name] for row in offsets) for name in columns))

    async def shown(self, show: Callable[[LogCounts], None], work: Awaitable[None]) -> LogCounts:
        """Do the work and wait until all of the log is in the read models; show the counts meanwhile, and return them.

        Raises DemoError.
        """
        showing = asyncio.create_task(self._show_for_ever(show))
        try:
            await work
            counts = await self.wait_until_folded()
        finally:
            await cancel_all(showing)
        show(counts)
        return counts

    async def wait_until_folded(self) -> LogCounts:
        """Wait until all of the log is in the read models, identity included; return the counts. Raises DemoError.

        The contacts agent passes evidence on before it commits, so the evidence topic is complete once it is through.
        """
        await self._wait_for_topic(CHANNEL_EVENTS)
        await self._wait_for_topic(IDENTITY_EVIDENCE)
        await self._wait_for_none(self._in_outbox, "changes of customers have been waiting in the outbox")
        return await self.counts()

    async def _show_for_ever(self, show: Callable[[LogCounts], None]) -> None:
        while True:
            show(await self.counts())
            await asyncio.sleep(_PAUSE)

    async def _offsets(self, topic: str) -> list[Any]:
        return [row for row in await all_offsets(self._pool) if row["topic"] == topic]

    async def _in_outbox(self) -> int:
        return await waiting(self._pool)

    async def _wait_for_topic(self, topic: Topic) -> None:
        name = self._generation.topic_name(topic, self._settings.topic_prefix)
        ends = await log_ends(self._settings.kafka_servers, name)

        async def missing() -> int:
            offsets = {row["partition"]: row["next_offset"] for row in await self._offsets(name)}
            return sum(max(0, end - offsets.get(partition, 0)) for partition, end in ends.items())

        await self._wait_for_none(missing, f"records have been waiting in {name}")

    async def _wait_for_none(self, count: Callable[[], Awaitable[int]], waiting: str) -> None:
        last, moved_at = -1, time.monotonic()
        while missing := await count():
            if missing != last:
                last, moved_at = missing, time.monotonic()
            if time.monotonic() - moved_at > _STUCK_AFTER:
                raise DemoError(
                    f"{missing:,} {waiting} for {_STUCK_AFTER:.0f} s. Is a worker running, or did it stop a partition? "
                    "See its /readyz and its log."
                )
            await asyncio.sleep(_PAUSE)
