"""PostgreSQL and Kafka behind the handler's ports. Both wait, with growing pauses, while their server is away."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from projections.engine.offsets import Advance, Counts, Ownership, advance, take
from projections.engine.projection import ContactEvent
from schemas.topics import Topic
from services.runtime import metrics
from services.runtime.database import REJECTIONS, is_transient
from services.runtime.decoding import DeadLetter
from services.runtime.retrying import Retrier
from services.worker.agent_spec import Fold
from services.worker.ports import Fenced, OffsetMismatch, RejectedByDatabase

log = structlog.get_logger(__name__)


# While a statement is being prepared a session counts as active, and the server's own limits on idle transactions
# and on statements do not apply to it even if its client never sends another byte.
_END_STALLED: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = current_setting('application_name') AND usename = current_user
    AND datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => $1)
"""


class PostgresReadModels:
    """The tables of one generation. Also the keeper of offsets for the chunked transport."""

    def __init__(self, pool: asyncpg.Pool, retrier: Retrier) -> None:
        self._pool = pool
        self._retrier = retrier
        self._owned: dict[str, int] = {}

    async def take(self, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
        """Become the partitions' owner."""
        wanted = list(partitions)

        async def once() -> dict[int, Ownership]:
            async with self._pool.acquire() as connection:
                return await take(connection, topic, wanted)

        owned = await self._retrier.until_done("postgresql", once, is_transient)
        self._owned[topic] = len(owned)
        metrics.PARTITIONS_OWNED.set(sum(self._owned.values()))
        return owned

    async def end_stalled(self, after: float) -> None:
        """End transactions that have waited for their worker so many seconds: others wait for their locks."""
        ended = await self._pool.fetch(_END_STALLED, after)
        if ended:
            log.warning("stalled_transactions_ended", number=len(ended))

    async def save(self, fold: Fold, happened: list[ContactEvent], move: Advance) -> int:
        """Fold the events in and move the offset, in one transaction; see ReadModels."""

        async def once() -> int:
            async with self._pool.acquire() as connection, connection.transaction():
                return await self._save(connection, fold, happened, move)

        try:
            return await self._retrier.until_done("postgresql", once, is_transient)
        except REJECTIONS as error:
            raise RejectedByDatabase(type(error).__name__) from error

    async def _save(self, connection: Any, fold: Fold, happened: list[ContactEvent], move: Advance) -> int:
        new = await fold(connection, happened)
        counts = Counts(new, len(happened) - new, move.counts.dead_letters)
        if await advance(connection, replace(move, counts=counts)):
            return new
        row = await connection.fetchrow(
            "SELECT epoch, next_offset FROM offsets WHERE topic = $1 AND partition = $2", move.topic, move.partition
        )
        if row is None or row["epoch"] != move.epoch:
            raise Fenced
        if row["next_offset"] != move.end:
            raise OffsetMismatch(f"partition {move.partition}: rows end at {row['next_offset']}, chunk at {move.start}")
        return new  # our own commit, whose answer was lost with the connection


class KafkaNextAgents:
    """What goes from one agent to the next."""

    def __init__(self, producer: AIOKafkaProducer, topic_prefix: str, retrier: Retrier) -> None:
        self._producer = producer
        self._topic_prefix = topic_prefix
        self._retrier = retrier

    async def send(self, topic: Topic, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Returns once all are acknowledged, however long that takes."""
        name = topic.full_name(self._topic_prefix)

        async def once() -> None:
            await asyncio.gather(*[await self._producer.send(name, key=key, value=value) for key, value in records])

        await self._retrier.until_done("kafka", once, kafka_heals)


def kafka_heals(error: BaseException) -> bool:
    """Whether time helps."""
    return isinstance(error, KafkaError | OSError)


class KafkaDeadLetters:
    """The dead-letter topic: the bytes as they came, the reason and the place in the headers."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, retrier: Retrier) -> None:
        self._producer = producer
        self._topic = topic
        self._retrier = retrier

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        """Returns once all are acknowledged, however long that takes."""

        async def once() -> None:
            sent = [await self._send_one(topic, partition, letter) for letter in letters]
            await asyncio.gather(*sent)

        await self._retrier.until_done("kafka", once, kafka_heals)

    async def _send_one(self, topic: str, partition: int, letter: DeadLetter) -> Any:
        headers = {
            "reason": letter.reason,
            "detail": letter.detail,
            "field": letter.field,
            "topic": topic,
            "partition": str(partition),
            "offset": str(letter.record.offset),
        }
        return await self._producer.send(
            self._topic,
            value=letter.record.value,
            key=letter.record.key,
            headers=[(name, value.encode("utf-8", "backslashreplace")[:1000]) for name, value in headers.items()],
        )
