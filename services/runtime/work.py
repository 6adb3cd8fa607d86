"""What a worker can be given to do: an agent's name, the topic it reads, and the fold of its events into tables."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from projections.engine.projection import Happened
from schemas.events import Event
from schemas.topics import Topic
from services.runtime.settings import Settings

IdOf = Callable[[str, str], UUID]  # (tenant, contact key) -> personal id
KeyOf = Callable[[Event], bytes | None]  # the key that an event's record must have; None: any
Fold = Callable[[Any, list[Happened]], Awaitable[int]]  # in the caller's transaction; how many events were new
Send = Callable[[Topic, Sequence[tuple[bytes, bytes]]], Awaitable[None]]  # (key, value); returns when acknowledged


@dataclass(frozen=True, slots=True)
class Edge:
    """What the worker's process lends to the work."""

    settings: Settings
    id_of: IdOf
    send: Send


@dataclass(frozen=True, slots=True)
class Work:
    """An agent: its name, what it reads, and what it does with a chunk's events.

    A record whose key is not ``key_of`` its event is a dead letter: it lies where another writer could fold it too.
    """

    name: str
    topic: Topic
    key_of: KeyOf
    fold: Fold


Maker = Callable[[Edge], Work]
