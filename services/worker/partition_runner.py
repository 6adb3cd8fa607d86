"""What a worker does with chunks: fold them, count them, stop a partition that can't go on, leave when lost."""

import time
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from services.runtime import metrics
from services.worker.chunk import Chunk
from services.worker.handlers import ChunkHandler
from services.worker.ports import DeadLetterLimitExceeded, Fenced, RejectedByDatabase

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Progress:
    """When something last moved (monotonic seconds), for the watchdog and the health page."""

    moved_at: float = field(default_factory=time.monotonic)
    stopped: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)  # partition -> (epoch, why)

    def moved(self) -> None:
        """Note that a chunk was dealt with."""
        self.moved_at = time.monotonic()


class Reading(Protocol):
    """Who reads the partitions."""

    def pause(self, topic: str, partition: int) -> None:
        """Read no more of it until it is assigned anew."""

    def fenced(self, topic: str, partition: int, epoch: int) -> None:
        """The partition was taken by another: see to it that somebody goes on with it."""


class Worker:
    """Folds chunk after chunk; errors that concern one partition stop that partition alone."""

    def __init__(self, projector: ChunkHandler, progress: Progress, reader: Reading) -> None:
        self._projector = projector
        self._progress = progress
        self._reader = reader

    async def handle(self, chunk: Chunk) -> None:
        """Fold the chunk. Raises OffsetMismatch, or what nobody foresaw: either ends the worker."""
        place = (chunk.topic, chunk.partition)
        if self._stopped(place, chunk.ownership.epoch):
            return
        began = time.monotonic()
        try:
            counts = await self._projector.handle(chunk)
        except Fenced:
            metrics.CHUNKS_FENCED.inc()
            log.info("chunk_fenced", topic=chunk.topic, partition=chunk.partition, start=chunk.start)
            self._reader.fenced(chunk.topic, chunk.partition, chunk.ownership.epoch)
        except (DeadLetterLimitExceeded, RejectedByDatabase) as error:
            self._stop(place, chunk.ownership.epoch, error)
        else:
            metrics.EVENTS_COMMITTED.inc(counts.committed)
            metrics.EVENTS_DUPLICATE.inc(counts.duplicates)
            metrics.EVENTS_DEAD.inc(counts.dead_letters)
            metrics.CHUNK_RECORDS.observe(counts.records)
            metrics.CHUNK_SECONDS.observe(time.monotonic() - began)
        self._progress.moved()

    def _stopped(self, place: tuple[str, int], epoch: int) -> bool:
        """Whether the partition was stopped under this ownership or a later one; a new one tries again."""
        stopped = self._progress.stopped.get(place)
        if stopped is not None and stopped[0] < epoch:
            del self._progress.stopped[place]
            metrics.PARTITIONS_STOPPED.set(len(self._progress.stopped))
            return False
        return stopped is not None

    def _stop(self, place: tuple[str, int], epoch: int, error: Exception) -> None:
        topic, partition = place
        self._progress.stopped[place] = (epoch, type(error).__name__)
        metrics.PARTITIONS_STOPPED.set(len(self._progress.stopped))
        self._reader.pause(topic, partition)
        log.error("partition_stopped", topic=topic, partition=partition, reason=type(error).__name__, detail=str(error))
