"""What a worker can be given to do: an agent's name, the topic it reads, and the fold of its events into tables."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer

from projections.engine.ids import IdOf
from projections.engine.projection import ContactEvent
from schemas.topics import Topic
from services.runtime.decoding import KeyOf
from services.runtime.settings import Settings

Fold = Callable[[Any, list[ContactEvent]], Awaitable[int]]  # in the caller's transaction; how many events were new
Send = Callable[[Topic, Sequence[tuple[bytes, bytes]]], Awaitable[None]]  # (key, value); returns when acknowledged
Connect = Callable[[], AbstractAsyncContextManager[Any]]


class BackgroundService(Protocol):
    """What goes on beside an agent for as long as its worker does."""

    async def run(self) -> None:
        """Go on until cancelled. Servers that are away are its own business: what it raises ends the worker."""

    def wake(self) -> None:
        """The agent has committed a chunk."""


@dataclass(frozen=True, slots=True)
class WorkerResources:
    """What the worker's process lends to the work.

    ``connect`` gives a connection beside the pool's, to the same tables. The locks of its session last as long as it
    does, which is until its holder lets go of it, or is silent for as long as a lost worker's locks are kept.
    """

    settings: Settings
    id_of: IdOf
    send: Send
    connect: Connect
    producer: AIOKafkaProducer


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent: its name, what it reads, what it does with a chunk's events, and what else goes on beside it.

    A record whose key is not ``key_of`` its event is a dead letter: it lies where another writer could fold it too.
    """

    name: str
    topic: Topic
    key_of: KeyOf
    fold: Fold
    companions: tuple[BackgroundService, ...] = ()


AgentFactory = Callable[[WorkerResources], AgentSpec]
