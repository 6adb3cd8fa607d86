"""What every `ChunkStore` promises: the store in PostgreSQL and its in-memory twin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.attributes.tables import AttributeRow
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.chunk import ChunkStore
from projections.engine.generation_tables import create_generation
from projections.engine.ids import NO_CONTACT
from projections.engine.projection import ContactEvent
from projections.registry import SCHEMA
from projections.tags.tables import TABLE as TAGS
from projections.tags.tables import TagRow
from projections.timeline.bulk import BulkStore
from projections.timeline.folds import row_of
from projections.timeline.store import PostgresStore
from projections.timeline.tables import TABLE as TIMELINE
from schemas.codec import from_dict
from schemas.events import ContactRef, Event
from schemas.events.conversation import TeamMessage, TeamMessageSent
from services.runtime.database import is_transient
from tests.support.twin import MemoryStore, contact_events

LINE = ContactRef(channel="line", account="oa1", uid="U1")
WEB = ContactRef(channel="web", account="shop", uid="user:7")
AT = 1_780_000_000_000
MANY = 500  # rows go by COPY


@pytest.fixture(params=["memory", "postgres", "bulk"])
async def store(request: pytest.FixtureRequest, database: str) -> AsyncIterator[ChunkStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with connected(database) as connection, connection.transaction():
        yield BulkStore(connection) if request.param == "bulk" else PostgresStore(connection)


@asynccontextmanager
async def connected(database: str, *, made: bool = False) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a generation, which is created unless it was ``made`` before."""
    connection = await asyncpg.connect(database, server_settings={"search_path": "g1"})
    if not made:
        await create_generation(connection, "g1", SCHEMA)
    yield connection
    await connection.close()


def tagged(event_id: str, at: int = AT, *, contact: ContactRef | None = LINE, tag: str = "vip") -> ContactEvent:
    (one,) = contact_events([event(event_id, at, contact=contact, tag=tag)])
    return one


def event(event_id: str, at: int, *, contact: ContactRef | None, tag: str) -> Event:
    envelope = {
        "event_id": event_id,
        "tenant": "demo",
        "contact": contact,
        "type": "tag.added" if contact else "tenant.something",
        "occurred_at": at,
        "received_at": at + 1,
        "source": "test",
        "schema_version": 1,
        "data": {"tag": tag},
    }
    return from_dict(envelope)


def contacts_of(*events: ContactEvent) -> dict[tuple[object, ...], ContactRef]:
    return {(one.event.tenant, one.contact_id): one.event.contact for one in events if one.event.contact}


def sent(event_id: str, at: int, *, echo: bool | None = None, message_id: str = "m1") -> ContactEvent:
    data = TeamMessage(purpose="conversation" if echo else "broadcast", message_id=message_id, echo=echo)
    one = tagged(event_id, at).event
    fields = {name: getattr(one, name) for name in ("event_id", "tenant", "contact", "occurred_at", "received_at")}
    (found,) = contact_events([TeamMessageSent(**fields, type="team.message_sent", source="test", data=data)])
    return found


async def history(store: ChunkStore, of: Sequence[ContactEvent], types: Sequence[str]) -> list[ContactEvent]:
    return [one async for page in store.history(contacts_of(*of), types) for one in page]


async def test_events_are_new_once(store: ChunkStore) -> None:
    first, second = tagged("a"), tagged("b", AT - 5)
    assert (await store.record([first, second, first])).new == [first, second]
    third = tagged("c")
    recorded = await store.record([second, third, first])
    assert (recorded.new, recorded.withdrawn) == ([third], [])


async def test_no_events_are_nothing_new(store: ChunkStore) -> None:
    recorded = await store.record([])
    assert (recorded.new, recorded.withdrawn) == ([], [])


async def test_the_same_id_of_two_contacts_is_two_events(store: ChunkStore) -> None:
    one, other = tagged("a"), tagged("a", contact=WEB)
    assert (await store.record([one])).new == [one]
    assert (await store.record([one, other])).new == [other]


async def test_an_event_without_a_contact_is_recorded_too(store: ChunkStore) -> None:
    one = tagged("a", contact=None)
    assert one.contact_id == NO_CONTACT
    assert (await store.record([one])).new == [one]
    assert (await store.record([one])).new == []


async def test_of_an_event_with_two_contents_the_least_stays(store: ChunkStore) -> None:
    later, earlier, latest = tagged("a", AT), tagged("a", AT - 10), tagged("a", AT + 10)
    await store.record([later])
    overruled = await store.record([earlier])
    assert (overruled.new, overruled.counting, overruled.withdrawn) == ([], [earlier], [later])
    ignored = await store.record([latest, later])
    assert (ignored.new, ignored.counting, ignored.withdrawn) == ([], [], [])
    (kept,) = await history(store, [later], ["tag.added"])
    assert kept.event.occurred_at == AT - 10


async def test_an_event_that_was_only_received_earlier_conflicts_with_nothing(store: ChunkStore) -> None:
    one = tagged("a")
    await store.record([one])
    sooner = ContactEvent(one.contact_id, one.event.model_copy(update={"received_at": AT - 1000}))
    assert not (await store.record([sooner])).withdrawn
    (row,) = (await store.load(TIMELINE, [("demo", one.contact_id, "a")])).values()
    assert row == row_of(sooner)


async def test_of_a_chunk_with_two_contents_of_one_event_one_is_new(store: ChunkStore) -> None:
    later, earlier = tagged("a", AT), tagged("a", AT - 10)
    recorded = await store.record([later, earlier])
    assert (recorded.new, recorded.withdrawn) == ([earlier], [])


async def test_history_has_the_events_of_these_contacts_and_types_in_the_order_of_time(store: ChunkStore) -> None:
    mine, also_mine, another = tagged("b", AT + 1), tagged("a", AT + 1, tag="新客"), tagged("c", contact=WEB)
    first = tagged("z")
    await store.record([mine, first, also_mine, another])
    assert await history(store, [mine], ["tag.added"]) == [first, also_mine, mine]
    assert len(await history(store, [mine, another], ["tag.added", "tag.removed"])) == 4


async def test_history_has_the_earliest_event_whatever_its_type(store: ChunkStore) -> None:
    first, second = tagged("a"), tagged("b", AT + 1)
    await store.record([second, first])
    assert await history(store, [first], ["tag.removed"]) == [first]
    assert await history(store, [first], []) == [first]


async def test_of_a_message_that_was_echoed_history_has_what_was_declared(store: ChunkStore) -> None:
    echo, declared = sent("e", AT, echo=True), sent("d", AT + 5)
    assert (await store.record([echo])).counting == [echo]
    recorded = await store.record([declared])
    assert (recorded.new, recorded.counting, recorded.withdrawn) == ([declared], [declared], [echo])
    assert await history(store, [declared], ["team.message_sent"]) == [declared]
    again = sent("e2", AT - 5, echo=True)
    recorded = await store.record([again])
    assert (recorded.new, recorded.counting, recorded.withdrawn) == ([again], [], [])


async def test_a_page_of_a_history_is_small(store: ChunkStore) -> None:
    events = [tagged(f"{number:04}", AT + number) for number in range(1200)]
    await store.record(events)
    pages = [page async for page in store.history(contacts_of(events[0]), ["tag.added"])]
    assert [one for page in pages for one in page] == events
    assert max(map(len, pages)) <= 500


async def test_rows_come_back_as_they_were_saved(store: ChunkStore) -> None:
    contact_id = UUID(int=7)
    full = ContactRow(
        "demo", contact_id, "line", "oa1", "U1", 2**62, display_name='"王" \\', subscribed=True, runs="[ 1]"
    )
    empty = ContactRow("demo", UUID(int=8), "line", "oa1", "", -1)
    await store.save(CONTACTS, [full, empty])
    assert await store.load(CONTACTS, [full[:2], empty[:2], ("other", contact_id)]) == {
        full[:2]: full,
        empty[:2]: empty,
    }
    value = AttributeRow("demo", contact_id, "k", '{"b":1, "a":2}', None, AT, "e")
    unset = value._replace(key="l", value=None)
    await store.save(ATTRIBUTES, [value, unset])
    assert await store.load(ATTRIBUTES, [value[:3], unset[:3]]) == {value[:3]: value, unset[:3]: unset}


async def test_nothing_asked_is_nothing_found(store: ChunkStore) -> None:
    assert await store.load(TAGS, []) == {}
    await store.save(TAGS, [])


async def test_saving_takes_the_place_of_known_rows(store: ChunkStore) -> None:
    rows = [TagRow("demo", UUID(int=number), "vip", taggings=1) for number in range(MANY)]
    await store.save(TAGS, rows[: MANY // 2])
    changed = [row._replace(taggings=2, last_at=AT) for row in rows]
    await store.save(TAGS, changed)
    await store.save(TAGS, [changed[0]._replace(taggings=3)])
    found = await store.load(TAGS, [row[:3] for row in rows])
    assert found == {row[:3]: row for row in [changed[0]._replace(taggings=3), *changed[1:]]}


async def test_rows_that_were_loaded_are_saved_as_they_become(store: ChunkStore) -> None:
    """New ones, those of which only the times changed, and those of which more did."""
    known = [ContactRow("demo", UUID(int=number), "line", "oa1", str(number), AT) for number in range(MANY)]
    await store.save(CONTACTS, known)
    new = [row._replace(contact_id=UUID(int=MANY + number)) for number, row in enumerate(known)]
    seen = [row._replace(last_customer_at=AT, runs="[[true]]") for row in known]
    named = [row._replace(display_name="王", last_team_at=AT) for row in seen[::3]]
    changed = {row[:2]: row for row in (*new, *seen, *named)}
    await store.load(CONTACTS, list(changed))
    await store.save(CONTACTS, list(changed.values()))
    assert await store.load(CONTACTS, list(changed)) == changed
    again = [row._replace(last_marketing_at=AT) for row in changed.values()]
    await store.save(CONTACTS, again)
    await store.save(CONTACTS, [again[0]._replace(last_marketing_at=AT + 1)])
    assert len(await store.load(CONTACTS, [row[:2] for row in again])) == len(changed)
    await store.delete_contacts(CONTACTS, list(changed))
    await store.save(CONTACTS, again)
    assert await store.load(CONTACTS, list(changed)) == {row[:2]: row for row in again}


async def test_deleting_contacts_leaves_others(store: ChunkStore) -> None:
    rows = [TagRow(tenant, UUID(int=n), tag) for tenant in ("demo", "other") for n in (1, 2) for tag in ("a", "b")]
    await store.save(TAGS, rows)
    await store.delete_contacts(TAGS, [("demo", UUID(int=1)), ("demo", UUID(int=3))])
    assert set(await store.load(TAGS, [row[:3] for row in rows])) == {row[:3] for row in rows[2:]}


async def test_rows_that_another_writer_wrote_meanwhile_have_the_transaction_tried_again(database: str) -> None:
    rows = [TagRow("demo", UUID(int=number), "vip") for number in range(MANY)]
    async with connected(database) as mine, connected(database, made=True) as other:
        store = PostgresStore(mine)
        await store.load(TAGS, [row[:3] for row in rows])
        await PostgresStore(other).save(TAGS, rows[:1])
        with pytest.raises(asyncpg.SerializationError) as caught:
            await store.save(TAGS, rows)
    assert is_transient(caught.value)
