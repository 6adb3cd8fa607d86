"""Reading a contact's history again: seldom, once for all read models, only what they need, and a page at a time."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import pytest

from projections.contacts.tables import ContactRow
from projections.engine.chunk import project
from projections.engine.metadata import Key
from projections.engine.projection import ContactEvent
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from schemas.events import ContactRef, Event
from tests.support.contact_records import event
from tests.support.strategies import BASE_MS
from tests.support.twin import MemoryStore, contact_events

BROWSER, MESSENGER = "web:shop:kiosk", "facebook:page1:100"
MANY = 1_000


class WatchedStore(MemoryStore):
    """A store that counts what is read of histories."""

    def __init__(self) -> None:
        super().__init__()
        self.page = 50
        self.read = 0

    async def history(
        self, contacts: Mapping[Key, ContactRef], types: Collection[str]
    ) -> AsyncIterator[Sequence[ContactEvent]]:
        async for page in super().history(contacts, types):
            self.read += len(page)
            yield page


async def store_with(events: Sequence[Event], *then: Event) -> WatchedStore:
    """A store into which the events were folded, and then one chunk each; its rows are those of all of them."""
    store = WatchedStore()
    await project(store, PROJECTIONS, contact_events(events))
    assert store.histories == 0
    for one in then:
        await project(store, PROJECTIONS, contact_events([one]))
    assert store.tables == fold_log(PROJECTIONS, contact_events([*events, *then]))
    return store


def visits(contact: str = BROWSER) -> list[Event]:
    """A long history of events that change nothing but the timeline."""
    return [event("web.tracked", 10 + at, contact=contact, event_id=f"v{at}", event="viewed") for at in range(MANY)]


def moved(one: Event, by: int) -> Event:
    """The same event as its sender sends it again after its clock was set."""
    return one.model_copy(update={"occurred_at": one.occurred_at + by})


async def test_a_visit_that_comes_again_with_another_time_needs_no_history() -> None:
    events = visits()
    store = await store_with(events, moved(events[MANY // 2], -5), moved(events[-1], -5), moved(events[-1], 5))
    assert store.histories == 0


async def test_the_first_visit_of_many_that_comes_again_needs_the_earliest_event_alone() -> None:
    events = visits()
    store = await store_with(events, moved(events[0], -5))
    assert (store.histories, store.read) == (1, 1)


async def test_an_attribute_that_was_set_often_needs_no_history_for_a_copy_of_an_older_setting() -> None:
    events = [
        event("attribute.set", 10 + at, contact=BROWSER, event_id=f"a{at}", key="city", value=at) for at in range(MANY)
    ]
    store = await store_with(events, moved(events[MANY // 2], -3))
    assert store.histories == 0


@pytest.mark.parametrize("late", ["contact.followed", "contact.blocked"])
async def test_a_late_signal_reads_no_visits(late: str) -> None:
    signals = [event("contact.followed", 1, contact=BROWSER), event("contact.followed", 9 * MANY, contact=BROWSER)]
    store = await store_with([*signals, *visits()], event(late, 50, contact=BROWSER))
    assert store.read <= len(signals) + 1


async def test_a_late_signal_and_a_late_tag_read_the_history_once() -> None:
    messages = [event("message.received", at, contact=MESSENGER, message_id=f"m{at}") for at in range(1, MANY)]
    tags = [event("tag.added", at, contact=MESSENGER, tag="vip", expires_after=1) for at in (3, 900)]
    blocked = event("contact.blocked", 500, contact=MESSENGER)
    late = event("tag.added", 600, contact=MESSENGER, tag="vip")
    store = await store_with([*messages, *tags, *visits(MESSENGER)])
    await project(store, PROJECTIONS, contact_events([blocked, late]))
    assert store.histories == 1
    assert store.read == len([*messages, *tags, blocked, late])
    everything = [*messages, *tags, *visits(MESSENGER), blocked, late]
    assert store.tables == fold_log(PROJECTIONS, contact_events(everything))


async def test_an_echo_that_was_declared_later_reads_the_teams_messages_alone() -> None:
    fields = {"contact": MESSENGER, "message_id": "m1"}
    echo = event("team.message_sent", 9 * MANY, **fields, event_id="e", purpose="conversation", echo=True)
    answer = event("team.message_sent", 3, contact=MESSENGER, purpose="conversation")
    declared = event("team.message_sent", 9 * MANY, **fields, event_id="d", purpose="broadcast")
    store = await store_with([*visits(MESSENGER), answer, echo], declared)
    assert (store.histories, store.read) == (1, 2)
    (row,) = (row for row in store.tables[PROJECTIONS[0].table].values())
    contact = ContactRow(*row)
    assert (contact.last_team_at, contact.last_marketing_at) == (BASE_MS + 3, BASE_MS + 9 * MANY)
