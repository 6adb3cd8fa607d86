"""The year has every hard case of identity and every way of binding."""

from collections import Counter
from typing import Any, get_args

import pytest

from projections.identity.resolution.resolution import Resolution
from schemas.codec import from_dict
from schemas.events.identity import Via
from services.demo import brand
from services.demo.generate import generate_year
from tests.support import identity_events

NOW = 1_790_000_000_000
Events = list[dict[str, Any]]


def resolved(events: Events) -> Resolution:
    return identity_events.resolved(*(from_dict({"tenant": "demo", "received_at": NOW} | event) for event in events))


@pytest.fixture(scope="module", name="year")
def fixture_year() -> Events:
    return generate_year(7, 2_000, 20_000, NOW).events


@pytest.fixture(scope="module", name="found")
def fixture_found(year: Events) -> Resolution:
    return resolved(year)


def bindings(events: Events) -> Events:
    return [event for event in events if event["type"] == "identity.bound"]


def test_every_way_of_binding_occurs(year: Events) -> None:
    assert {event["data"]["via"] for event in bindings(year)} == set(get_args(Via))


def test_each_way_has_its_own_assurance(year: Events) -> None:
    stated = {
        (event["data"]["via"], one["type"], one["assurance"])
        for event in bindings(year)
        for one in event["data"].get("identifiers", ())
    }
    assert {one for one in stated if one[0] == "phone_otp"} == {("phone_otp", "phone", "verified")}
    assert {("login", "member_id", "claimed"), ("login", "phone", "claimed"), ("login", "email", "claimed")} <= stated
    assert {assurance for via, _, assurance in stated if via == "import"} == {"stated"}


def test_channels_vouch_for_their_own_identifiers(year: Events) -> None:
    vouched = {(event["contact"]["channel"], one["type"]) for event in year for one in event.get("intrinsic", ())}
    assert vouched == {
        ("line", "line_user"),
        ("facebook", "facebook_user"),
        ("whatsapp", "phone"),
        ("whatsapp", "whatsapp_user"),
        ("crm", "member_id"),
    }
    for event in year:
        if event["source"] == "line":
            assert event["intrinsic"] == [
                {"type": "line_user", "value": f"{brand.LINE_PROVIDER}:{event['contact']['uid']}"}
            ]


def test_every_reason_for_refusing_a_link_occurs(found: Resolution) -> None:
    assert {one.reason for one in found.refused} == {
        "shared_device",
        "superseded",
        "generic",
        "shared",
        "exclusive_conflict",
        "decided_different",
    }
    assert {one.reason for one in found.set_aside} == {"blocked", "no_value"}


def test_placeholder_values_and_the_shops_own_number_join_nobody(found: Resolution) -> None:
    junk = {(name, value) for name, values in brand.JUNK_VALUES.items() for value in values}
    assert {(one.type, one.value) for one in found.set_aside} == junk
    assert not any(link.identifier in junk or link.value == brand.SHOP_PHONE for link in found.accepted)


def test_what_many_members_used_joins_none_of_them(year: Events, found: Resolution) -> None:
    users = {
        (key(event["contact"]), one["value"])
        for event in bindings(year)
        for one in event["data"].get("identifiers", ())
        if one["type"] == "member_id"
    }
    shared = [contact for contact, number in Counter(contact for contact, _ in users).items() if number > 5]
    assert sorted(contact.partition(":")[0] for contact in shared) == ["line", "web"]
    for contact in shared:
        (customer,) = (one for one in found.customers if contact in one.contacts)
        assert len(customer.member_ids) <= 1


def test_nobody_stays_merged_by_a_decision_that_was_taken_back(year: Events, found: Resolution) -> None:
    home = {contact: one.founder for one in found.customers for contact in one.contacts}
    taken_back = [event for event in year if event["type"] == "identity.decided"]
    last = {frozenset((key(event["contact"]), key(event["data"]["other"]))): event for event in taken_back}
    assert {event["data"]["decision"] for event in last.values()} == {"undecided", "different"}
    for pair, event in last.items():
        if event["data"]["decision"] == "different":
            assert len({home[contact] for contact in pair}) == 2


def test_mistakes_that_are_not_undone_join_people(year: Events, found: Resolution) -> None:
    undoing = {"identity.unbound": None, "identity.decided": {"undecided", "different"}}
    kept = [
        event
        for event in year
        if event["type"] not in undoing or (event["type"] == "identity.decided" and event["data"]["decision"] == "same")
    ]
    assert len(resolved(kept).customers) < len(found.customers) - 20


def test_contacts_of_one_person_are_one_customer(found: Resolution) -> None:
    sizes = Counter(len(one.contacts) for one in found.customers)
    assert sizes[2] > sizes[3] > sizes[4] > 0
    assert max(sizes) < 8


@pytest.mark.parametrize("until", [1_760_000_000_000, 1_771_234_567_890, 1_790_000_000_000, 1_795_474_800_000])
@pytest.mark.parametrize("number", [300, 5_000])
def test_the_contact_shown_belongs_to_a_customer_of_several_channels(number: int, until: int) -> None:
    year = generate_year(7, 2_000, number, until)
    (customer,) = (one for one in resolved(year.events).customers if year.featured.key in one.contacts)
    assert {"line", "web", "crm"} <= {contact.partition(":")[0] for contact in customer.contacts}


def test_a_small_year_has_the_identity_cases_too() -> None:
    events = generate_year(7, 2_000, 300, NOW).events
    assert {"shared_device", "shared"} <= {one.reason for one in resolved(events).refused}
    assert {event["data"]["decision"] for event in events if event["type"] == "identity.decided"} >= {
        "same",
        "different",
    }


def key(contact: dict[str, str]) -> str:
    return ":".join(contact[part] for part in ("channel", "account", "uid"))
