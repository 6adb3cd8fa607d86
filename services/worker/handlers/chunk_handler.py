"""Handles one chunk: decodes it; then sends its dead letters, and saves its events together with the offset.

An event that makes saving fail, whatever it raises, is set aside as a dead letter: it must hold up nothing behind it.
Where the database ends the transaction again and again, though it answers, it is the events of one contact, since what
they cost may depend on the contact's history.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.engine.ids import IdOf
from projections.engine.offsets import Counts, OffsetCommit
from projections.engine.projection import ContactEvent
from projections.engine.stages import enter
from services.runtime import metrics
from services.runtime.decoding import CANNOT_BE_SAVED, DeadLetter, Decoded, KafkaRecord, as_it_came, decode_records
from services.vault.records import LogSealing, OpenedRecords, PlainLog
from services.worker.agent_spec import AgentSpec
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.ports import (
    DeadLetterLimitExceeded,
    DeadLetters,
    FailsRepeatedly,
    Fenced,
    OffsetMismatch,
    ReadModelWriter,
)

log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 3  # before the events of one contact are found to fail repeatedly


@dataclass(slots=True)
class PartitionCounts:
    """The recent counts of a partition under one ownership."""

    epoch: int
    limit: DeadLetterLimit


class ChunkHandler:
    """Handles the chunks of one agent. Chunks of one partition must come one after the other.

    Events that ``cutoff`` leaves out are passed over, and so are records of erased contacts, as ``sealing`` finds.
    """

    def __init__(  # noqa: PLR0913 - what a chunk meets on its way
        self,
        agent: AgentSpec,
        id_of: IdOf,
        read_models: ReadModelWriter,
        dead_letters: DeadLetters,
        limit: DeadLetterLimit,
        *,
        cutoff: Cutoff = NO_CUTOFF,
        sealing: LogSealing | None = None,
    ) -> None:
        self._agent = agent
        self._id_of = id_of
        self._read_models = read_models
        self._dead_letters = dead_letters
        self._initial_limit = limit
        self._cutoff = cutoff
        self._sealing = sealing or PlainLog()
        self._partitions: dict[tuple[str, int], PartitionCounts] = {}

    async def opened(self, records: Sequence[KafkaRecord]) -> OpenedRecords:
        """The records that can be read, opened, and how many can't: the keys of their contacts were destroyed."""
        return await self._sealing.opened(records)

    def decode(self, records: Sequence[KafkaRecord]) -> Decoded:
        """The events of opened records that the generation folds, and their dead letters."""
        decoded = decode_records(records, self._id_of, self._agent.key_of)
        if not self._cutoff:
            return decoded
        return Decoded(
            [one for one in decoded.events if self._cutoff.counts_for_identity(one.event)], decoded.dead_letters
        )

    async def handle(self, chunk: Chunk, decoded: Decoded) -> Counts:
        """Save the decoded chunk; returns what became of its records.

        Raises Fenced, OffsetMismatch, RejectedByDatabase, DeadLetterLimitExceeded.
        """
        while True:
            try:
                return await self._handle_what_can_be_saved(chunk, decoded)
            except FailsRepeatedly as error:  # with each of its contacts: it is the database after all
                log.warning("chunk_not_saved", topic=chunk.topic, partition=chunk.partition, error=str(error))

    async def handle_together(self, work: Sequence[DecodedChunk]) -> list[Counts] | None:
        """Save decoded chunks of several partitions in one transaction; what became of the records of each.

        None if that is not possible: chunks with dead letters are handled one by one. Raises what saving raises, after
        a single attempt; then nothing of any chunk is saved.
        """
        save = self._agent.save_together
        if save is None or any(one.decoded.dead_letters for one in work):
            return None
        limits = [self._limit(one.chunk).after(len(one.chunk.records), 0) for one in work]
        if any(limit.exceeded for limit in limits):
            return None
        moves = [_move(one.chunk, one.decoded, limit) for one, limit in zip(work, limits, strict=True)]
        news = await self._read_models.save_together(save, [one.decoded.events for one in work], moves)
        for one, limit in zip(work, limits, strict=True):
            self._partitions[one.chunk.place].limit = limit
        for service in self._agent.background:
            service.wake()
        return [Counts(new, _known(one.decoded) - new) for one, new in zip(work, news, strict=True)]

    async def _handle_what_can_be_saved(self, chunk: Chunk, decoded: Decoded) -> Counts:
        try:
            return await self._handle(chunk, decoded)
        except (Fenced, OffsetMismatch, DeadLetterLimitExceeded):
            raise
        except Exception as error:
            remaining = await self._without_failing(chunk, decoded)
            if len(remaining.events) == len(decoded.events):
                raise  # no event of the chunk causes it alone
            if isinstance(error, FailsRepeatedly) and not remaining.events and len(_by_contact(decoded.events)) > 1:
                raise
            log.error(  # noqa: TRY400 - a traceback may show values of identifiers
                "events_set_aside",
                topic=chunk.topic,
                partition=chunk.partition,
                start=chunk.start,
                events=len(decoded.events) - len(remaining.events),
                error=_name(error),
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
            enter("send")
            await self._dead_letters.send(chunk.topic, chunk.partition, dead)
        new = await self._read_models.save(self._agent.save, events, _move(chunk, decoded, limit))
        self._partitions[chunk.place].limit = limit
        for letter in dead:
            metrics.EVENTS_DEAD.labels(chunk.topic, letter.reason).inc()
        for service in self._agent.background:
            service.wake()
        return Counts(new, _known(decoded) - new, len(dead))

    async def _without_failing(self, chunk: Chunk, decoded: Decoded) -> Decoded:
        """The chunk with the events that can't be saved among its dead letters."""
        groups = _by_contact(decoded.events)
        failing = {id(one): error async for one, error in self._failing(groups)}
        if not failing:
            return decoded
        letters = list(decoded.dead_letters)
        reasons = [(one, failing[id(one)]) for one in decoded.events if id(one) in failing]
        for record in (await self.opened(chunk.records)).records:
            for again in decode_records([record], self._id_of, self._agent.key_of).events:
                reason = next((error for one, error in reasons if one.event == again.event), None)
                if reason is not None:
                    letters.append(DeadLetter(as_it_came(record), CANNOT_BE_SAVED, reason, ""))
        return Decoded([one for one in decoded.events if id(one) not in failing], letters, decoded.erased)

    async def _failing(self, groups: list[list[ContactEvent]]) -> AsyncIterator[tuple[ContactEvent, str]]:
        """The events that can't be saved, each with the name of the error: halves of the groups are tried in turn.

        A group, which is of one contact, is taken apart unless saving it fails repeatedly.
        """
        events = [one for group in groups for one in group]
        attempts = _ATTEMPTS if len(groups) == 1 else 1
        error = await self._read_models.failure(self._agent.save, events, attempts) if events else None
        if error is None:
            return
        if len(groups) == 1 and (len(events) == 1 or isinstance(error, FailsRepeatedly)):
            for one in events:
                yield one, _name(error)
            return
        if len(groups) == 1:
            groups = [[one] for one in events]
        middle = len(groups) // 2
        for half in (groups[:middle], groups[middle:]):
            async for found in self._failing(half):
                yield found

    def _limit(self, chunk: Chunk) -> DeadLetterLimit:
        """The partition's limit with its counts so far; a new ownership starts from the counts in the tables."""
        owner = chunk.ownership
        known = self._partitions.get(chunk.place)
        if known is None or known.epoch != owner.epoch:
            limit = replace(self._initial_limit, records=owner.recent_records, dead=owner.recent_dead)
            known = self._partitions[chunk.place] = PartitionCounts(owner.epoch, limit)
        return known.limit


def _by_contact(events: Iterable[ContactEvent]) -> list[list[ContactEvent]]:
    """The events of each contact; an event without one is alone."""
    groups: dict[object, list[ContactEvent]] = {}
    for one in events:
        key = id(one) if one.event.contact is None else (one.event.tenant, one.contact_id)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _name(error: Exception) -> str:
    """The name of the error that the database raised, or of the error itself."""
    return str(error) if isinstance(error, FailsRepeatedly) else type(error).__name__


def _known(decoded: Decoded) -> int:
    """How many records are counted as duplicates unless their events are new: one that is erased changes nothing."""
    return len(decoded.events) + decoded.erased


def _move(chunk: Chunk, decoded: Decoded, limit: DeadLetterLimit) -> OffsetCommit:
    return OffsetCommit(
        topic=chunk.topic,
        partition=chunk.partition,
        epoch=chunk.ownership.epoch,
        start=chunk.start,
        end=chunk.end,
        counts=Counts(duplicates=_known(decoded), dead_letters=len(decoded.dead_letters)),
        recent_records=limit.records,
        recent_dead=limit.dead,
    )
