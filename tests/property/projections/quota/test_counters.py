"""The counters' law: the sums are those of the set of events, whatever their order, chunks and partitions."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from projections.contacts.addresses import Address, address_of
from projections.contacts.folds import PROJECTION as CONTACTS
from projections.contacts.tables import ContactRow
from projections.contacts.valid_days import (
    MS_OF_DAY,
    DayChanges,
    address_counts,
    counts_of,
    customer_counts,
    totals,
    valid_periods,
)
from projections.engine.chunk import project
from projections.engine.metadata import Rows
from projections.engine.projection import ContactEvent
from projections.quota.folds import added_up, counted, row_of
from projections.quota.store import CountingStore
from projections.reference import fold_log
from schemas.events import ContactRef, Event
from tests.support.contact_records import records_of
from tests.support.strategies import CONTACTS as POOL
from tests.support.strategies import event_lists
from tests.support.twin import MemoryStore, chunkings, contact_events, crowded

CHAT = [ContactRef(channel="whatsapp", account="n1", uid=uid) for uid in ("886911111111", "TW.1", "TW.2")]
TYPES = [
    "contact.followed",
    "contact.blocked",
    "contact.erased",
    "contact.superseded",
    "marketing.opted_out",
    "marketing.opted_in",
    "message.received",
]


async def counters(chunks: Iterable[Sequence[ContactEvent]], partition_of: Callable[[UUID], int]) -> Rows:
    """The rows that the chunks leave, one after the other."""
    store = MemoryStore([CONTACTS])
    kept: DayChanges = {}
    for chunk in chunks:
        counting = CountingStore(store)
        await project(counting, [CONTACTS], chunk)
        kept = totals([*kept.items(), *counting.changes(partition_of).items()])
    return {key: row_of(key, counts) for key, counts in kept.items()}


@given(st.data(), event_lists(types=TYPES, contacts=POOL, max_size=20), st.integers(1, 5), st.booleans())
def test_the_sums_are_those_of_the_set_of_events(
    data: st.DataObject, events: list[Event], partitions: int, close: bool
) -> None:
    events = crowded(events) if close else events
    chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
    rows = asyncio.run(counters(chunks, lambda contact_id: contact_id.int % partitions))
    contacts = fold_log([CONTACTS], contact_events(events))[CONTACTS.table]
    assert added_up(rows) == counted(contacts)
    assert {key[1] for key in rows} <= set(range(partitions))


@given(event_lists(types=TYPES, contacts=POOL, max_size=20))
def test_a_contact_is_valid_when_its_last_period_has_no_end(events: list[Event]) -> None:
    for row in fold_log([CONTACTS], contact_events(crowded(events)))[CONTACTS.table].values():
        periods = list(valid_periods(row))  # type: ignore[arg-type] # the table holds the contacts' rows
        open_since = [began for began, ended in periods if ended is None]
        assert open_since == ([] if row.valid_since is None else [row.valid_since])  # type: ignore[attr-defined] # likewise
        assert all(ended is None or began < ended for began, ended in periods)


@given(event_lists(tenants=["demo"], types=TYPES, contacts=CHAT), st.booleans())
def test_an_address_counts_as_one_contact_does(events: list[Event], close: bool) -> None:
    records = records_of(crowded(events) if close else events)
    for one in records:
        assert address_counts([one.contact], address_of([one])) == counts_of(one.contact)
    assume(records)
    address = address_of(records)
    counts = address_counts([one.contact for one in records], address).values()
    assert sum(one.valid for one in counts) == sum(one.began - one.ended for one in counts) == int(address.valid)


@given(event_lists(tenants=["demo"], types=TYPES, contacts=[*CHAT, *POOL], max_size=30))
def test_a_customer_is_counted_while_any_of_its_contacts_is_valid(events: list[Event]) -> None:
    records = records_of(events)
    assume(records)
    addresses = [address_of([one]) for one in records]
    since = max((one.place.subscribed_at for one in addresses if one.place), default=None)
    rows = [one.contact for one in records]
    days = {key[-1]: found for key, found in customer_counts("demo", _alone(rows, addresses), since).items()}
    periods = [one for row in rows for one in valid_periods(row)]
    for day in {*days, *(at // MS_OF_DAY for began, ended in periods for at in (began, ended or began))}:
        end = (day + 1) * MS_OF_DAY
        valid = any(began < end and (ended is None or ended >= end) for began, ended in periods)
        assert sum(one.began - one.ended for at, one in days.items() if at <= day) == int(valid)
    assert sum(one.valid for one in days.values()) == int(since is not None)


def _alone(rows: Sequence[ContactRow], addresses: Sequence[Address]) -> list[tuple[list[ContactRow], Address]]:
    return [([row], address) for row, address in zip(rows, addresses, strict=True)]
