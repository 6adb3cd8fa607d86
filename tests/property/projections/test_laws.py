"""Each fold's law: any order, repetition and batching of the same events gives the same rows."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.contacts.tables import TABLE as CONTACT_ROWS
from projections.engine.projection import ContactEvent, Projection
from projections.erasures.folds import digest_of, unerased
from projections.erasures.tables import ERASED_EVENTS
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from schemas.events import Event
from schemas.events.conversation import TeamMessage
from tests.support.contact_records import event
from tests.support.strategies import CONTACTS, event_lists
from tests.support.twin import chunkings, contact_events, crowded, fold_in_memory

FEW = CONTACTS[:1] + CONTACTS[3:4]  # one with a follow, one without
SIGNALS = ["contact.followed", "contact.blocked", "message.received", "bot.interacted"]


@given(st.data(), event_lists())
def test_any_order_repetition_and_batching_gives_the_rows_of_the_set(data: st.DataObject, events: list[Event]) -> None:
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
    tables, _ = asyncio.run(fold_in_memory(chunks))
    assert tables == fold_log(PROJECTIONS, contact_events(events))


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda one: one.table.name)
@given(data=st.data())
def test_each_fold_by_itself_one_event_at_a_time(projection: Projection, data: st.DataObject) -> None:
    types = sorted(projection.types or SIGNALS)
    events = crowded(data.draw(event_lists(types=types, contacts=FEW, max_size=12)))
    chunks = [contact_events([event]) for event in data.draw(st.permutations(events))]
    tables, _ = asyncio.run(fold_in_memory(chunks, [projection]))
    assert tables == fold_log([projection], contact_events(events))


@given(data=st.data())
def test_the_events_of_a_few_messages_count_once_in_any_order(data: st.DataObject) -> None:
    """What is declared, echoed and sent again with other content, so that what counted may no longer do so."""
    drawn = event_lists(types=["team.message_sent", "contact.blocked"], contacts=CONTACTS[3:4], max_size=12)
    events = crowded(data.draw(drawn))
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
    tables, _ = asyncio.run(fold_in_memory(chunks))
    assert tables == fold_log(PROJECTIONS, contact_events(events))


@given(event_lists(types=["team.message_sent"], contacts=CONTACTS[3:4], conflicts=False))
def test_a_contact_is_as_if_the_echo_of_a_declared_message_had_said_nothing(events: list[Event]) -> None:
    declared = {_sent(one).message_id for one in events if not _sent(one).echo} - {None}
    without = [one for one in events if not (_sent(one).echo and _sent(one).message_id in declared)]
    contacts = [fold_log(PROJECTIONS, contact_events(some))[CONTACT_ROWS] for some in (events, without)]
    assert contacts[0] == contacts[1]


ERASING = ["contact.erased", "message.received", "contact.followed", "tag.added", "attribute.set", "profile.updated"]


@given(st.data(), event_lists(types=ERASING, contacts=FEW, conflicts=False))
def test_what_was_erased_leaves_the_tables_as_if_it_had_never_come(data: st.DataObject, events: list[Event]) -> None:
    """But for hashes of the ids of the events, whichever come first: the events, or the erasures."""
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
    tables, _ = asyncio.run(fold_in_memory(chunks))
    never_erased = fold_log(PROJECTIONS, unerased(contact_events(events)))
    assert {**tables, ERASED_EVENTS: {}} == {**never_erased, ERASED_EVENTS: {}}


@given(st.data(), event_lists(types=ERASING[1:], contacts=FEW, max_size=12))
def test_events_that_are_erased_singly_are_as_if_they_had_never_come(data: st.DataObject, events: list[Event]) -> None:
    """Whichever come first, and also if their contact was erased as well."""
    chosen = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    erasures = [listing_of(number, one) for number, one in enumerate(contact_events(chosen)) if one.event.contact]
    whole = data.draw(event_lists(types=["contact.erased"], contacts=FEW, max_size=1))
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings([*events, *erasures, *whole]))]
    tables, _ = asyncio.run(fold_in_memory(chunks))
    assert tables == fold_log(PROJECTIONS, contact_events([*events, *erasures, *whole]))
    gone = {(one.tenant, one.contact, one.event_id) for one in chosen}
    left = [one for one in events if (one.tenant, one.contact, one.event_id) not in gone]
    never = fold_log(PROJECTIONS, contact_events([*left, *whole]))
    assert all(tables[one.table] == never[one.table] for one in PROJECTIONS)


def listing_of(number: int, one: ContactEvent) -> Event:
    """The event that erases this one."""
    more = {"contact": one.event.contact, "tenant": one.event.tenant, "event_id": f"erasing-{number}"}
    digest = digest_of(one.contact_id, one.event.event_id).hex
    return event("contact.events_erased", 9, events=[digest], request_id="r").model_copy(update=more)


def _sent(one: Event) -> TeamMessage:
    assert isinstance(one.data, TeamMessage)
    return one.data


@given(st.data(), event_lists())
def test_new_events_are_counted_once_whatever_is_repeated(data: st.DataObject, events: list[Event]) -> None:
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
    _, new = asyncio.run(fold_in_memory(chunks))
    assert new == len({(event.tenant, event.contact and event.contact.key, event.event_id) for event in events})
