"""Runs the handler on chunks and reacts to its errors: counts, stops a partition, or leaves it to its new owner."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from projections.engine.offsets import Counts
from projections.engine.stages import Stage, StageClock, timed_stages
from services.runtime import metrics
from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.lag import PartitionAges, PartitionKey
from services.worker.handlers.chunk_handler import ChunkHandler
from services.worker.ports import DeadLetterLimitExceeded, Fenced, PartitionReader, RejectedByDatabase

log = structlog.get_logger(__name__)

_DECODED_AT_ONCE: Final = 100  # records; some milliseconds of work


@dataclass(slots=True)
class WorkerProgress:
    """What has become of the chunks; times are seconds of ``clock``.

    ``moved_at`` is when a chunk was last dealt with, or a step was made towards it; ``committed_at`` is when one was
    last committed, or nothing was left to commit. ``committed`` is the offset after each partition's last commit,
    ``stopped`` the epoch and the reason of each partition that stopped, ``ages`` how old the records are.
    """

    clock: Callable[[], float] = time.monotonic
    moved_at: float = field(init=False)
    committed_at: float = field(init=False)
    committed: dict[PartitionKey, int] = field(default_factory=dict)
    stopped: dict[PartitionKey, tuple[int, str]] = field(default_factory=dict)
    ages: PartitionAges = field(default_factory=lambda: PartitionAges(time.time))

    def __post_init__(self) -> None:
        self.caught_up()

    def moved(self) -> None:
        """Note that a chunk was dealt with, or a step was made towards it."""
        self.moved_at = self.clock()

    def caught_up(self) -> None:
        """Note that a chunk was committed, or that there is nothing to commit."""
        self.moved_at = self.committed_at = self.clock()


class PartitionRunner:
    """Handles chunk after chunk of one agent. An error that concerns one partition stops only that partition."""

    def __init__(self, handler: ChunkHandler, progress: WorkerProgress, reader: PartitionReader) -> None:
        self._handler = handler
        self._progress = progress
        self._reader = reader

    async def decode(self, chunk: Chunk) -> Decoded:
        """The chunk's events and dead letters; notes how old its records are.

        Some records are decoded at a time, so that a chunk which PostgreSQL has answered need not wait for the others.
        """
        first, last = chunk.records[0].timestamp, chunk.records[-1].timestamp
        self._progress.ages.fetched((chunk.topic, chunk.partition), chunk.end, first / 1000, last / 1000)
        records, erased = await self._handler.opened(chunk.records)
        decoded, seconds = Decoded([], [], erased), 0.0
        for start in range(0, len(records), _DECODED_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            began = time.perf_counter()
            part = self._handler.decode(records[start : start + _DECODED_AT_ONCE])
            decoded.events.extend(part.events)
            decoded.dead_letters.extend(part.dead_letters)
            seconds += time.perf_counter() - began
        metrics.CHUNK_STAGE_SECONDS.labels(chunk.topic, "decode").observe(seconds)
        return decoded

    async def handle(self, work: Sequence[DecodedChunk]) -> Sequence[DecodedChunk]:
        """Handle the decoded chunks, one a partition; returns those that can't be handled together with others.

        Raises OffsetMismatch or an unexpected error; either ends the worker.
        """
        work = [one for one in work if not self._is_stopped(one.chunk.place, one.chunk.ownership.epoch)]
        if len(work) > 1:
            return [] if await self._handled_together(work) else work
        for one in work:
            await self._handle_alone(one)
        return []

    async def _handled_together(self, work: Sequence[DecodedChunk]) -> bool:
        """Whether all chunks were committed. Otherwise none was; by itself, the one that causes it shows."""
        clock = StageClock()
        try:
            with timed_stages(clock):
                counts = await self._handler.handle_together(work)
        except Exception as error:  # noqa: BLE001 - each chunk is handled by itself then
            log.info("chunks_not_saved_together", chunks=len(work), error=type(error).__name__)
            return False
        if counts is None:
            return False
        self._committed(work, counts, clock)
        return True

    async def _handle_alone(self, one: DecodedChunk) -> None:
        chunk = one.chunk
        place, epoch = chunk.place, chunk.ownership.epoch
        clock = StageClock()
        try:
            with timed_stages(clock):
                counts = await self._handler.handle(chunk, one.decoded)
        except Fenced:
            metrics.CHUNKS_FENCED.inc()
            log.info("chunk_fenced", topic=chunk.topic, partition=chunk.partition, start=chunk.start)
            self._reader.rejoin_if_owned(chunk.topic, chunk.partition, epoch)
        except (DeadLetterLimitExceeded, RejectedByDatabase) as error:
            self._stop(place, epoch, error)
        else:
            self._committed([one], [counts], clock)
        self._progress.moved()

    def _committed(self, work: Sequence[DecodedChunk], counts: Sequence[Counts], clock: StageClock) -> None:
        for one, of_one in zip(work, counts, strict=True):
            _count(one.chunk.topic, of_one)
            self._progress.committed[one.chunk.place] = one.chunk.end
            self._progress.ages.committed(one.chunk.place, one.chunk.end)
        _time(work[0].chunk.topic, sum(one.records for one in counts), clock.read())
        self._progress.caught_up()

    def _is_stopped(self, place: PartitionKey, epoch: int) -> bool:
        """Whether the partition stopped under this ownership. A newer ownership tries again."""
        stopped = self._progress.stopped.get(place)
        if stopped is not None and stopped[0] < epoch:
            del self._progress.stopped[place]
            metrics.PARTITIONS_STOPPED.set(len(self._progress.stopped))
            return False
        return stopped is not None

    def _stop(self, place: PartitionKey, epoch: int, error: Exception) -> None:
        topic, partition = place
        self._progress.stopped[place] = (epoch, type(error).__name__)
        metrics.PARTITIONS_STOPPED.set(len(self._progress.stopped))
        self._reader.pause(topic, partition)
        log.error("partition_stopped", topic=topic, partition=partition, reason=type(error).__name__, detail=str(error))


def _count(topic: str, counts: Counts) -> None:
    metrics.EVENTS_COMMITTED.labels(topic).inc(counts.committed)
    metrics.EVENTS_DUPLICATE.labels(topic).inc(counts.duplicates)


def _time(topic: str, records: int, seconds: Mapping[Stage, float]) -> None:
    metrics.CHUNK_RECORDS.labels(topic).observe(records)
    metrics.CHUNK_SECONDS.labels(topic).observe(sum(seconds.values()))
    for stage, spent in seconds.items():
        metrics.CHUNK_STAGE_SECONDS.labels(topic, stage).observe(spent)
