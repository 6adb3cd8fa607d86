"""One chunk: decode, send the dead letters, save the rows with the offset."""

from dataclasses import dataclass, replace

from projections.engine.ids import IdOf
from projections.engine.offsets import Advance, Counts
from services.runtime.decoding import decode_records
from services.worker.agent_spec import AgentSpec
from services.worker.chunk import Chunk
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.ports import DeadLetterLimitExceeded, DeadLetters, ReadModels


@dataclass(slots=True)
class Partition:
    """What the worker remembers of a partition it owns."""

    epoch: int
    fuse: DeadLetterLimit


class ChunkHandler:
    """Does one work, chunk by chunk. Chunks of one partition must come one after the other."""

    def __init__(
        self, work: AgentSpec, id_of: IdOf, read_models: ReadModels, dead_letters: DeadLetters, fuse: DeadLetterLimit
    ) -> None:
        self._work = work
        self._id_of = id_of
        self._read_models = read_models
        self._dead_letters = dead_letters
        self._new_fuse = fuse
        self._partitions: dict[tuple[str, int], Partition] = {}

    async def handle(self, chunk: Chunk) -> Counts:
        """Fold the chunk in; what became of its records.

        Raises Fenced, OffsetMismatch, RejectedByDatabase, DeadLetterLimitExceeded.
        """
        decoded = decode_records(chunk.records, self._id_of, self._work.key_of)
        fuse = self._fuse(chunk).after(len(chunk.records), len(decoded.dead_letters))
        if fuse.blown:
            raise DeadLetterLimitExceeded(
                f"{fuse.dead} of the last {fuse.records} records of partition {chunk.partition}"
            )
        if decoded.dead_letters:
            await self._dead_letters.send(chunk.topic, chunk.partition, decoded.dead_letters)
        move = Advance(
            topic=chunk.topic,
            partition=chunk.partition,
            epoch=chunk.ownership.epoch,
            start=chunk.start,
            end=chunk.end,
            counts=Counts(duplicates=len(decoded.events), dead_letters=len(decoded.dead_letters)),
            recent_records=fuse.records,
            recent_dead=fuse.dead,
        )
        new = await self._read_models.save(self._work.fold, decoded.events, move)
        self._partitions[chunk.topic, chunk.partition].fuse = fuse
        for companion in self._work.companions:
            companion.wake()
        return Counts(new, len(decoded.events) - new, len(decoded.dead_letters))

    def _fuse(self, chunk: Chunk) -> DeadLetterLimit:
        owner = chunk.ownership
        known = self._partitions.get((chunk.topic, chunk.partition))
        if known is None or known.epoch != owner.epoch:
            fuse = replace(self._new_fuse, records=owner.recent_records, dead=owner.recent_dead)
            known = self._partitions[chunk.topic, chunk.partition] = Partition(owner.epoch, fuse)
        return known.fuse
