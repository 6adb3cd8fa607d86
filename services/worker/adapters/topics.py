"""Whether the topics on the broker are those that the generation folds."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final, NoReturn

from projections.engine.followed_topics import note_followed, replaced
from services.runtime.broker import BROKER_ERRORS
from services.runtime.database import DATABASE_ERRORS, is_transient
from services.runtime.retrying import Retrier
from services.runtime.topic_ids import topic_identities
from services.worker.adapters.kafka import is_transient as is_transient_of_kafka
from services.worker.adapters.postgres import Pool
from services.worker.ports import LogReplaced

_EVERY: Final = 5.0  # seconds


class FollowedTopics:
    """Compares topics with what the generation noted of them when it first folded them."""

    def __init__(self, kafka: str, pool: Pool, generation: str, names: Collection[str], retrier: Retrier) -> None:
        self._kafka, self._pool, self._generation, self._names = kafka, pool, generation, names
        self._retrier = retrier

    async def require(self) -> None:
        """Raises LogReplaced if a topic was made again, or got partitions. Waits while a server is away."""

        async def seen() -> None:
            self._now = await topic_identities(self._kafka, self._names)

        await self._retrier.until_done("kafka", seen, is_transient_of_kafka)
        await self._retrier.until_done("postgresql", self._compare, is_transient)

    async def watch(self) -> NoReturn:
        """Do so every few seconds: a topic may be made again while workers read it."""
        while True:
            await asyncio.sleep(_EVERY)
            with suppress(*DATABASE_ERRORS, *BROKER_ERRORS):  # the next round will do
                self._now = await topic_identities(self._kafka, self._names)
                await self._compare()

    async def _compare(self) -> None:
        async with self._pool.acquire() as connection:
            known = await note_followed(connection, self._generation, self._now)
        for name, now in self._now.items():
            if reason := replaced(name, known[name], now):
                raise LogReplaced(reason)
