"""What the handler needs of the world, and the ways in which a chunk can fail, named by the reaction."""

from typing import Protocol

from projections.engine.offsets import Advance, Ownership
from projections.engine.projection import ContactEvent
from services.runtime.decoding import DeadLetter
from services.worker.agent_spec import Fold


class Fenced(Exception):
    """The partition is another worker's by now: drop the chunk, its new owner reads it."""


class OffsetMismatch(Exception):
    """The chunk does not start where the rows end: exit, and read again from the rows' offset."""


class RejectedByDatabase(Exception):
    """The database refuses the chunk's rows as they are: stop the partition, a person must look."""


class DeadLetterLimitExceeded(Exception):
    """Too many of the partition's records are dead letters: stop the partition, a person must look."""


class ReadModels(Protocol):
    """The tables, with the offsets in them."""

    async def save(self, fold: Fold, happened: list[ContactEvent], move: Advance) -> int:
        """Fold the events in and move the offset, in one transaction; how many events were new.

        ``move.counts`` is filled in from that. Waits while the database is away.
        Raises Fenced, OffsetMismatch, RejectedByDatabase.
        """


class DeadLetters(Protocol):
    """Where records go that are no events."""

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        """Returns once all are acknowledged, however long that takes."""


__all__ = [
    "DeadLetterLimitExceeded",
    "DeadLetters",
    "Fenced",
    "OffsetMismatch",
    "Ownership",
    "ReadModels",
    "RejectedByDatabase",
]
