"""An event that makes saving fail is set aside, and what is around it is saved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import pytest

from projections.as_of.cutoff import Cutoff
from projections.engine.offsets import OffsetCommit, Ownership
from projections.engine.projection import ContactEvent
from schemas.codec import encode
from schemas.events import Event
from services.runtime.decoding import DeadLetter
from services.worker.agent_spec import AgentSpec, SaveEvents, SaveTogether
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.handlers.chunk_handler import ChunkHandler
from services.worker.ports import DeadLetterLimitExceeded, FailsRepeatedly, Fenced
from tests.support.identity_events import bound
from tests.support.streams import id_of

GOOD = [bound(f"web:shop:c{number}", at=number, member_id="M1") for number in range(9)]
BAD = bound("web:shop:bad", member_id="M1")


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int = 0


class Tables:
    """Keeps the events that were saved, as the read models would."""

    def __init__(self) -> None:
        self.saved: list[Event] = []
        self.moves: list[OffsetCommit] = []
        self.fenced = False
        self.attempts: list[tuple[int, int]] = []  # events and attempts, each time that a failure was looked for

    async def save(self, save_events: SaveEvents, events: list[ContactEvent], move: OffsetCommit) -> int:
        if self.fenced:
            raise Fenced
        new = await save_events(cast("Any", None), events, 0)
        self.saved += [one.event for one in events]
        self.moves.append(move)
        return new

    async def save_together(
        self, save_events: SaveTogether, partitions: Sequence[list[ContactEvent]], moves: Sequence[OffsetCommit]
    ) -> list[int]:
        news = await save_events(cast("Any", None), partitions, [one.partition for one in moves])
        self.saved += [one.event for events in partitions for one in events]
        self.moves += moves
        return news

    async def failure(self, save_events: SaveEvents, events: list[ContactEvent], attempts: int) -> Exception | None:
        self.attempts.append((len(events), attempts))
        try:
            await save_events(cast("Any", None), events, 0)
        except Exception as error:  # noqa: BLE001 - as the port says
            return error
        return None


class Letters:
    def __init__(self) -> None:
        self.sent: list[DeadLetter] = []

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        assert (topic, partition) == ("t", 0)
        self.sent = list(letters)


def handler(save: SaveEvents, tables: Tables, letters: Letters, limit: float = 1) -> ChunkHandler:
    agent = AgentSpec("identity", cast("Any", None), lambda _: None, save)
    return ChunkHandler(agent, id_of, tables, letters, DeadLetterLimit(limit, 4))


def chunk(*events: Event) -> Chunk:
    records = [Record(None, encode(event), offset) for offset, event in enumerate(events)]
    return Chunk("t", 0, 0, len(records), Ownership(1, 0, 1), cast("Any", records))


async def refuses_bad(_: Any, events: list[ContactEvent], _partition: int) -> int:
    if any(one.event == BAD for one in events):
        raise OverflowError("a{4294967296}")
    return len(events)


@pytest.mark.parametrize("place", range(10))
async def test_the_event_that_fails_is_a_dead_letter_and_all_others_are_saved(place: int) -> None:
    tables, letters = Tables(), Letters()
    one = handler(refuses_bad, tables, letters)
    whole = chunk(*GOOD[:place], BAD, *GOOD[place:])
    counts = await one.handle(whole, one.decode(whole.records))
    assert (counts.committed, counts.dead_letters) == (9, 1)
    assert tables.saved == GOOD
    assert [(it.record.offset, it.reason, it.detail) for it in letters.sent] == [
        (place, "cannot_be_saved", "OverflowError")
    ]
    assert [(move.start, move.end) for move in tables.moves] == [(0, 10)]


async def test_events_beyond_the_cutoff_are_passed_over() -> None:
    tables = Tables()
    agent = AgentSpec("contacts", cast("Any", None), lambda _: None, refuses_bad)
    cutoff = Cutoff(as_of=sorted(one.occurred_at for one in GOOD)[4])
    one = ChunkHandler(agent, id_of, tables, Letters(), DeadLetterLimit(1, 4), cutoff=cutoff)
    await one.handle(chunk(*GOOD), one.decode(chunk(*GOOD).records))
    assert tables.saved == [event for event in GOOD if cutoff.includes(event)]
    assert 0 < len(tables.saved) < len(GOOD)
    assert [(move.start, move.end) for move in tables.moves] == [(0, len(GOOD))]


async def test_an_error_that_no_event_causes_alone_is_raised() -> None:
    async def fails_with_company(_: Any, events: list[ContactEvent], _partition: int) -> int:
        if len(events) > 1:
            raise ZeroDivisionError
        return len(events)

    tables = Tables()
    one = handler(fails_with_company, tables, Letters())
    with pytest.raises(ZeroDivisionError):
        await one.handle(chunk(*GOOD), one.decode(chunk(*GOOD).records))
    assert tables.saved == []


async def test_a_fenced_chunk_is_not_searched() -> None:
    tables = Tables()
    tables.fenced = True
    one = handler(refuses_bad, tables, Letters())
    with pytest.raises(Fenced):
        await one.handle(chunk(BAD), one.decode(chunk(BAD).records))


async def test_a_partition_of_nothing_but_failing_events_stops() -> None:
    one = handler(refuses_bad, Tables(), Letters(), limit=0.5)
    whole = chunk(*[BAD] * 9)
    with pytest.raises(DeadLetterLimitExceeded):
        await one.handle(whole, one.decode(whole.records))


async def costs_too_much(_: Any, events: list[ContactEvent], _partition: int) -> int:
    if any(one.event.contact == BAD.contact for one in events):
        raise FailsRepeatedly("QueryCanceledError")
    return len(events)


async def test_the_contact_whose_events_fail_repeatedly_is_set_aside_and_no_other() -> None:
    tables, letters = Tables(), Letters()
    one = handler(costs_too_much, tables, letters)
    bad = [bound("web:shop:bad", member_id=f"M{number}") for number in range(3)]
    mixed = [bad[0], *GOOD[:4], bad[1], bad[2], *GOOD[4:]]
    counts = await one.handle(chunk(*mixed), one.decode(chunk(*mixed).records))
    assert (counts.committed, counts.dead_letters) == (9, 3)
    assert tables.saved == GOOD
    assert [(it.record.offset, it.detail) for it in letters.sent] == [
        (0, "QueryCanceledError"),
        (5, "QueryCanceledError"),
        (6, "QueryCanceledError"),
    ]
    assert (3, 3) in tables.attempts, "the contact's events are tried together, and more than once"
    assert all(attempts == 1 for events, attempts in tables.attempts if events > 3)


async def test_if_every_contact_fails_repeatedly_the_database_is_waited_for() -> None:
    tables, letters = Tables(), Letters()
    calls = 0

    async def slow_at_first(_: Any, events: list[ContactEvent], _partition: int) -> int:
        nonlocal calls
        calls += 1
        if calls < 40:
            raise FailsRepeatedly("QueryCanceledError")
        return len(events)

    one = handler(slow_at_first, tables, letters)
    counts = await one.handle(chunk(*GOOD), one.decode(chunk(*GOOD).records))
    assert (counts.committed, counts.dead_letters) == (9, 0)
    assert letters.sent == []


async def all_are_new(_: Any, partitions: Sequence[list[ContactEvent]], _numbers: Any) -> list[int]:
    return [len(events) for events in partitions]


def together(tables: Tables, *chunks: Chunk) -> tuple[ChunkHandler, list[DecodedChunk]]:
    agent = AgentSpec("contacts", cast("Any", None), lambda _: None, refuses_bad, save_together=all_are_new)
    one = ChunkHandler(agent, id_of, tables, Letters(), DeadLetterLimit(1, 4))
    return one, [DecodedChunk(it, one.decode(it.records)) for it in chunks]


async def test_chunks_of_several_partitions_are_saved_with_an_offset_each() -> None:
    tables = Tables()
    first, second = chunk(*GOOD[:4]), replace(chunk(*GOOD[4:]), partition=1)
    one, work = together(tables, first, second)
    counts = await one.handle_together(work)
    assert counts is not None
    assert [it.committed for it in counts] == [4, 5]
    assert tables.saved == GOOD
    assert [(move.partition, move.start, move.end) for move in tables.moves] == [(0, 0, 4), (1, 0, 5)]


async def test_chunks_with_a_dead_letter_among_them_are_not_saved_together() -> None:
    tables = Tables()
    broken = replace(chunk(), partition=1, records=cast("Any", [Record(None, b"{", 0)]))
    one, work = together(tables, chunk(*GOOD), broken)
    assert await one.handle_together(work) is None
    assert not tables.saved
