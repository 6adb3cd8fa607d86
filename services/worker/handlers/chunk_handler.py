"""Handles one chunk: decodes it; then sends its dead letters, and saves its events together with the offset.

An event that makes saving fail, whatever it raises, is set aside as a dead letter: it must hold up nothing behind it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

import structlog

from projections.engine.ids import IdOf
from projections.engine.offsets import Counts, OffsetCommit
from projections.engine.projection import ContactEvent
from services.runtime.decoding import DeadLetter, Decoded, decode_records
from services.worker.agent_spec import AgentSpec
from services.worker.core.chunk import Chunk
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.ports import DeadLetterLimitExceeded, DeadLetters, Fenced, OffsetMismatch, ReadModelWriter

log = structlog.get_logger(__name__)

_REASON: Final = "cannot_be_saved"


@dataclass(slots=True)
class PartitionCounts:
    """The recent counts of a partition under one ownership."""

    epoch: int
    limit: DeadLetterLimit


class ChunkHandler:
    """Handles the chunks of one agent. Chunks of one partition must come one after the other."""

    def __init__(
        self,
        agent: AgentSpec,
        id_of: IdOf,
        read_models: ReadModelWriter,
        dead_letters: DeadLetters,
        limit: DeadLetterLimit,
    ) -> None:
        self._agent = agent
        self._id_of = id_of
        self._read_models = read_models
        self._dead_letters = dead_letters
        self._initial_limit = limit
        self._partitions: dict[tuple[str, int], PartitionCounts] = {}

    def decode(self, chunk: Chunk) -> Decoded:
        """The chunk's events, and its dead letters."""
        return decode_records(chunk.records, self._id_of, self._agent.key_of)

    async def handle(self, chunk: Chunk, decoded: Decoded) -> Counts:
        """Save the decoded chunk; returns what became of its records.

        Raises Fenced, OffsetMismatch, RejectedByDatabase, DeadLetterLimitExceeded.
        """
        try:
            return await self._handle(chunk, decoded)
        except (Fenced, OffsetMismatch, DeadLetterLimitExceeded):
            raise
        except Exception as error:
            remaining = await self._without_failing(chunk, decoded)
            if len(remaining.events) == len(decoded.events):
                raise  # no event of the chunk causes it alone
            log.error(  # noqa: TRY400 - a traceback may show values of identifiers
                "events_set_aside",
                topic=chunk.topic,
                partition=chunk.partition,
                start=chunk.start,
                events=len(decoded.events) - len(remaining.events),
                error=type(error).__name__,
            )
            return await self._handle(chunk, remaining)

    async def _handle(self, chunk: Chunk, decoded: Decoded) -> Counts:
        events, dead = decoded.events, decoded.dead_letters
        limit = self._limit(chunk).after(len(chunk.records), len(dead))
        if limit.exceeded:
            raise DeadLetterLimitExceeded(
                f"{limit.dead} of the last {limit.records} records of partition {chunk.partition}"
            )
        if dead:
            await self._dead_letters.send(chunk.topic, chunk.partition, dead)
        new = await self._read_models.save(self._agent.save, events, _move(chunk, decoded, limit))
        self._partitions[chunk.topic, chunk.partition].limit = limit
        for service in self._agent.background:
            service.wake()
        return Counts(new, len(events) - new, len(dead))

    async def _without_failing(self, chunk: Chunk, decoded: Decoded) -> Decoded:
        """The chunk with the events that can't be saved among its dead letters."""
        failing = {id(one): error async for one, error in self._failing(decoded.events)}
        if not failing:
            return decoded
        letters = list(decoded.dead_letters)
        reasons = [(one, failing[id(one)]) for one in decoded.events if id(one) in failing]
        for record in chunk.records:
            for again in decode_records([record], self._id_of, self._agent.key_of).events:
                reason = next((error for one, error in reasons if one.event == again.event), None)
                if reason is not None:
                    letters.append(DeadLetter(record, _REASON, reason, ""))
        return Decoded([one for one in decoded.events if id(one) not in failing], letters)

    async def _failing(self, events: list[ContactEvent]) -> AsyncIterator[tuple[ContactEvent, str]]:
        """The events that can't be saved, each with the name of the error: halves of the chunk are tried in turn."""
        error = await self._read_models.failure(self._agent.save, events) if events else None
        if error is None:
            return
        if len(events) == 1:
            yield events[0], type(error).__name__
            return
        middle = len(events) // 2
        for half in (events[:middle], events[middle:]):
            async for found in self._failing(half):
                yield found

    def _limit(self, chunk: Chunk) -> DeadLetterLimit:
        """The partition's limit with its counts so far; a new ownership starts from the counts in the tables."""
        owner = chunk.ownership
        known = self._partitions.get((chunk.topic, chunk.partition))
        if known is None or known.epoch != owner.epoch:
            limit = replace(self._initial_limit, records=owner.recent_records, dead=owner.recent_dead)
            known = self._partitions[chunk.topic, chunk.partition] = PartitionCounts(owner.epoch, limit)
        return known.limit


def _move(chunk: Chunk, decoded: Decoded, limit: DeadLetterLimit) -> OffsetCommit:
    return OffsetCommit(
        topic=chunk.topic,
        partition=chunk.partition,
        epoch=chunk.ownership.epoch,
        start=chunk.start,
        end=chunk.end,
        counts=Counts(duplicates=len(decoded.events), dead_letters=len(decoded.dead_letters)),
        recent_records=limit.records,
        recent_dead=limit.dead,
    )
