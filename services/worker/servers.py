"""Kafka and PostgreSQL as one worker uses them: opened once, for one generation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from aiokafka import AIOKafkaProducer

from projections.engine.generation_records import Generation, GenerationRecord
from projections.registry import schema_of
from schemas.topics import Topic
from services.runtime.database import is_transient
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.vault.records import open_log_sealing
from services.worker.adapters import kafka, postgres
from services.worker.adapters.sealing import RetriedSealing
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE
from services.worker.tasks import unless_stopped

T = TypeVar("T")
_BESIDE_AGENTS: Final = 3  # connections: for the health page, the watchdog and the generations


@dataclass(frozen=True, slots=True)
class WorkerServers:
    """The generation that a worker feeds, as its `record` was at the start, and the connections to its servers.

    ``ask`` returns what a function on PostgreSQL returns, and waits while the server is away; it raises
    StoppedWhileWaiting once the worker was told to stop.
    """

    settings: Settings
    generation: Generation
    record: GenerationRecord
    pool: postgres.Pool
    producer: AIOKafkaProducer
    sealing: RetriedSealing
    retrier: Retrier
    stop: asyncio.Event

    @property
    def digest(self) -> str:
        """The digest of the read models that this worker folds."""
        return schema_of(self.generation.read_models).digest

    def topic_name(self, topic: Topic) -> str:
        """The topic's name on the broker, in this generation."""
        return self.generation.topic_name(topic, self.settings.topic_prefix)

    async def ask(self, once: Callable[[], Awaitable[T]]) -> T:
        """See the class."""
        return await _ask(self.retrier, self.stop, once)


async def _ask(retrier: Retrier, stop: asyncio.Event, once: Callable[[], Awaitable[T]]) -> T:
    return await unless_stopped(stop, retrier.until_done("postgresql", once, is_transient))


@asynccontextmanager
async def open_servers(
    settings: Settings, name: str | None, agents: int, stop: asyncio.Event
) -> AsyncIterator[WorkerServers]:
    """Open what so many ``agents`` need to feed the generation of this name, or the active one.

    Waits while a server is away. Raises StoppedWhileWaiting, NoSuchGeneration, IncompatibleGeneration.
    """
    retrier = Retrier()
    generation = await _ask(retrier, stop, partial(postgres.current_generation, settings, name))
    async with (
        postgres.open_pool(settings, generation.name, CHUNKS_AT_ONCE * agents + _BESIDE_AGENTS) as pool,
        kafka.open_producer(settings) as producer,
        open_log_sealing(settings, name="onefold-worker") as sealing,
    ):
        await unless_stopped(stop, retrier.until_done("kafka", producer.start, kafka.is_transient))
        record = await _ask(retrier, stop, partial(postgres.record_of, pool, generation.name))
        yield WorkerServers(
            settings, generation, record, pool, producer, RetriedSealing(sealing, retrier), retrier, stop
        )
