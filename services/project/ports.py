"""What the handler needs of the world, and the ways in which a chunk can fail, named by the reaction."""

from typing import Protocol

from projections.engine.offsets import Advance, Ownership
from projections.engine.projection import Happened
from services.project.core.decoding import DeadLetter
from services.runtime.work import Fold


class Fenced(Exception):  # noqa: N818 - named by what happened
    """The partition is another worker's by now: drop the chunk, its new owner reads it."""


class LostPlace(Exception):  # noqa: N818 - named by what happened
    """The chunk does not start where the rows end: exit, and read again from the rows' offset."""


class Unstorable(Exception):  # noqa: N818 - named by what it is
    """The database refuses the chunk's rows as they are: stop the partition, a person must look."""


class FuseBlown(Exception):  # noqa: N818 - named by what happened
    """Too many of the partition's records are dead letters: stop the partition, a person must look."""


class ReadModels(Protocol):
    """The tables, with the offsets in them."""

    async def save(self, fold: Fold, happened: list[Happened], move: Advance) -> int:
        """Fold the events in and move the offset, in one transaction; how many events were new.

        ``move.counts`` is filled in from that. Waits while the database is away. Raises Fenced, LostPlace, Unstorable.
        """


class DeadLetters(Protocol):
    """Where records go that are no events."""

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        """Returns once all are acknowledged, however long that takes."""


__all__ = ["DeadLetters", "Fenced", "FuseBlown", "LostPlace", "Ownership", "ReadModels", "Unstorable"]
