"""The loads of identity's benchmarks have the documented properties."""

from uuid import UUID

import pytest

from benchmarks.identity.copied import DecidedRows
from benchmarks.identity.households import LARGEST, TENANT, evidence, household, households_of
from benchmarks.identity.hub import Arrivals, percentile
from benchmarks.registry import BENCHMARKS, benchmarks
from projections.engine.projection import ContactEvent
from projections.identity.keys import ResolutionKey
from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.rules import PolicyInForce
from projections.identity.tables import MEMBERS, STATEMENTS, MemberRow, StatementRow
from schemas.codec import decode
from schemas.events import Event
from services.runtime.contact_ids import id_of
from tests.support.identity_events import resolved

CONTACTS = 2_790  # six households of each size
HOLDERS = 1_001  # so many make any value generic


@pytest.fixture(scope="module", name="events")
def fixture_events() -> list[Event]:
    records = (one for number in range(households_of(CONTACTS)) for one in household(number))
    return [decode(value) for _, value in evidence(records)]


def test_a_household_is_the_same_each_time_and_no_other() -> None:
    assert list(household(7)) == list(household(7))
    assert list(household(7)) != list(household(7 + LARGEST))


def test_every_event_carries_evidence_and_some_come_twice(events: list[Event]) -> None:
    assert all(event.intrinsic or event.type.startswith("identity.") for event in events)
    repeated = len(events) - len({event.event_id for event in events})
    assert repeated / len(events) == pytest.approx(0.005, abs=0.004)


def test_components_are_of_all_sizes_up_to_the_largest(events: list[Event]) -> None:
    place = ResolutionKey(TENANT, "default")
    members = resolve_log(events, {place: PolicyInForce("1", Policy())}, id_of("key"))[MEMBERS].values()
    contacts: dict[UUID, set[UUID]] = {}
    for row in map(MemberRow._make, members):
        contacts.setdefault(row.component_id, set()).add(row.contact_id)
    assert len(set[UUID]().union(*contacts.values())) == CONTACTS
    assert set(range(1, LARGEST + 1)) == set(map(len, contacts.values()))


def test_some_households_are_families_whose_phone_ties_nobody(events: list[Event]) -> None:
    refused = resolved(*events).refused
    assert {(one.link.type, one.reason) for one in refused} == {("phone", "shared")}


def test_copy_has_each_row_once_with_the_first_event_about_its_contact(events: list[Event]) -> None:
    place, identify = ResolutionKey(TENANT, "default"), id_of("key")
    tables = resolve_log(events, {place: PolicyInForce("1", Policy())}, identify)
    statements = [StatementRow._make(row) for row in tables[STATEMENTS].values()]
    members = [MemberRow._make(row) for row in tables[MEMBERS].values()]
    decided = DecidedRows(statements, members)
    half = len(events) // 2
    halves = [
        [ContactEvent(identify(TENANT, one.contact.key), one) for one in some if one.contact]
        for some in (events[:half], events[half:])
    ]
    first, second = (decided.of(some) for some in halves)
    assert sorted(first[STATEMENTS] + second[STATEMENTS]) == sorted(statements)
    assert len(first[MEMBERS] + second[MEMBERS]) == len(members)
    assert set(first[MEMBERS]) == {row for row in members if row.contact_id in {one.contact_id for one in halves[0]}}


def test_with_and_without_the_hub_the_same_people_come_but_for_the_address() -> None:
    hub, calm = (list(Arrivals(hub=hub, members=3).known(HOLDERS)) for hub in (True, False))
    sides = [[decode(value) for _, value in records] for records in (hub, calm)]
    envelopes = [[(one.event_id, one.contact, one.occurred_at) for one in events] for events in sides]
    assert envelopes[0] == envelopes[1]
    assert [len(resolved(*events).refused) for events in sides] == [HOLDERS, 0]


def test_others_join_members_who_have_nothing_to_do_with_the_hub() -> None:
    arrivals = Arrivals(hub=True, members=3)
    known = [value for _, value in arrivals.known(20)]
    contact, (_, value) = arrivals.other()
    customers = resolved(*map(decode, [*known, value])).customers
    joined = next(one for one in customers if contact in one.contacts)
    assert len(joined.contacts) == 2
    assert joined.member_id is not None


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([5], 0.99) == 5


def test_benchmarks_run_in_their_order_and_a_name_that_is_none_is_refused() -> None:
    assert [type(one) for one in benchmarks(["growth", "end_to_end"])] == [
        BENCHMARKS["end_to_end"],
        BENCHMARKS["growth"],
    ]
    assert len(benchmarks()) == len(BENCHMARKS)
    with pytest.raises(KeyError, match="nosuch"):
        benchmarks(["hub", "nosuch"])
