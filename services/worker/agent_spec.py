"""What an agent is made of: a name, the topic it reads, how its events are saved, and its background services."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import AIOKafkaProducer

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.projection import ContactEvent
from schemas.topics import Topic
from services.runtime.decoding import KeyOf
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent, LogSealing, PlainLog

# Saves events of a partition, whose number comes last, in the caller's transaction; returns how many were new.
SaveEvents = Callable[[Connection, list[ContactEvent], int], Awaitable[int]]
# The same for events of several partitions, in the order of their numbers; how many were new of each partition.
SaveTogether = Callable[[Connection, Sequence[list[ContactEvent]], Sequence[int]], Awaitable[list[int]]]
# Sends events to one of the topics that agents read; returns once all are acknowledged.
SendEvents = Callable[[Topic, Sequence[EncodedEvent]], Awaitable[None]]
# A topic's name on the broker, in the worker's generation.
TopicName = Callable[[Topic], str]
Connect = Callable[[], AbstractAsyncContextManager[Connection]]


class BackgroundService(Protocol):
    """Runs beside an agent for as long as the worker runs."""

    async def run(self) -> None:
        """Run until cancelled. Waits by itself while a server is away; any exception ends the worker."""

    def wake(self) -> None:
        """The agent has committed a chunk: there may be something to do."""


@dataclass(frozen=True, slots=True)
class WorkerResources:
    """What an agent may use of its process.

    ``connect`` opens a connection outside the pool, to the same tables. Locks of its session last until the holder
    closes it, or until it was silent for as long as the locks of a lost worker are kept. ``bulk`` is whether the
    generation is being built, so that chunks are large and most rows are new.
    ``read_models`` are the only ones that the process folds; None: all. ``seconds_behind`` is the age of the oldest
    record that it has still to fold, 0 if none is left. ``sealing`` opens what comes from topics; ``send`` seals.
    """

    settings: Settings
    topic_name: TopicName
    id_of: IdOf
    send: SendEvents
    connect: Connect
    producer: AIOKafkaProducer
    bulk: bool = False
    read_models: Collection[str] | None = None
    seconds_behind: Callable[[], float] = lambda: 0.0
    sealing: LogSealing = field(default_factory=PlainLog)


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent.

    A record whose key is not ``key_of`` its event becomes a dead letter: another partition's writer could fold the
    same contact or tenant at the same time. With ``save_together``, chunks of several partitions that wait are saved in
    one transaction. After a transaction the agent rests for ``rest`` times what that took, while little waits.
    """

    name: str
    topic: Topic
    key_of: KeyOf
    save: SaveEvents
    background: tuple[BackgroundService, ...] = ()
    save_together: SaveTogether | None = None
    rest: float = 0


# None where the process folds no read model that the agent feeds.
AgentFactory = Callable[[WorkerResources], AgentSpec | None]
