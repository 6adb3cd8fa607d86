"""What the handlers need from outside, and the ways in which a chunk can fail, each named by the reaction to it."""

from collections.abc import Sequence
from typing import Protocol

from projections.engine.offsets import OffsetCommit
from projections.engine.projection import ContactEvent
from services.runtime.decoding import DeadLetter
from services.worker.agent_spec import SaveEvents, SaveTogether


class LogTruncated(Exception):
    """The rows end at an offset that the log does not hold: records were lost, or it is another log."""


class LogReplaced(LogTruncated):
    """A topic is not the one that was folded, or its records are spread otherwise. The message says what to do."""


class Fenced(Exception):
    """Another worker owns the partition now: drop the chunk, the new owner reads it."""


class OffsetMismatch(Exception):
    """The chunk does not start where the rows end: exit, and read again from the rows' offset."""


class RejectedByDatabase(Exception):
    """The database refuses rows as they are: set the events aside that cause it, or else stop the partition."""


class FailsRepeatedly(Exception):
    """Saving these events fails again and again though the database answers: set aside the contact that causes it."""


class DeadLetterLimitExceeded(Exception):
    """Too many of the partition's records are dead letters: stop the partition, a person must look."""


class ReadModelWriter(Protocol):
    """Saves chunks into the tables, which also hold the offsets."""

    async def save(self, save_events: SaveEvents, events: list[ContactEvent], move: OffsetCommit) -> int:
        """Save the events and move the offset in one transaction; returns how many events were new.

        ``move.counts`` is completed with that number. Waits while the database is away.
        Raises Fenced, OffsetMismatch, RejectedByDatabase, FailsRepeatedly, and whatever ``save_events`` raises.
        """

    async def save_together(
        self, save_events: SaveTogether, partitions: Sequence[list[ContactEvent]], moves: Sequence[OffsetCommit]
    ) -> list[int]:
        """Save the events of several partitions and move their offsets in one transaction; how many were new of each.

        One attempt: waits while the database is away, and raises whatever else ends the transaction.
        """

    async def failure(self, save_events: SaveEvents, events: list[ContactEvent], attempts: int) -> Exception | None:
        """Why these events can't be saved, None if they can. Nothing stays saved. Waits while the database is away.

        It is FailsRepeatedly if the database answers and ends the transaction in each of so many ``attempts``.
        """


class DeadLetters(Protocol):
    """Where records go that are not events."""

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        """Returns once Kafka has acknowledged all of them, however long that takes."""


class PartitionReader(Protocol):
    """Reads the partitions that are assigned to this worker."""

    def pause(self, topic: str, partition: int) -> None:
        """Read no more of the partition until it is assigned again."""

    def rejoin_if_owned(self, topic: str, partition: int, epoch: int) -> None:
        """A chunk of this epoch was fenced: join the group again if the partition still seems to be ours."""
