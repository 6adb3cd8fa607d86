"""Handles one chunk: decodes it; then sends its dead letters, and saves its events together with the offset."""

from dataclasses import dataclass, replace

from projections.engine.ids import IdOf
from projections.engine.offsets import Counts, OffsetCommit
from services.runtime.decoding import Decoded, decode_records
from services.worker.agent_spec import AgentSpec
from services.worker.core.chunk import Chunk
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.ports import DeadLetterLimitExceeded, DeadLetters, ReadModelWriter


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
