"""The life has every way in which who is who goes wrong, and every way in which it is told."""

from collections import Counter
from typing import Any, get_args

import pytest

from projections.identity.dry_run import Trial
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution
from schemas.codec import from_dict
from schemas.events.identity import Via
from services.demo import brand
from services.demo.generate import life
from services.demo.showcase import showcase

NOW = 1_790_000_000_000
Told = list[dict[str, Any]]


def resolved(events: Told) -> Resolution:
    trial = Trial()
    for event in events:
        trial.add(from_dict({"tenant": "demo", "received_at": NOW} | event))
    return trial.resolution(Policy())


@pytest.fixture(scope="module", name="year")
def fixture_year() -> Told:
    return life(7, 2_000, 20_000, NOW)


@pytest.fixture(scope="module", name="found")
def fixture_found(year: Told) -> Resolution:
    return resolved(year)


def bindings(events: Told) -> Told:
    return [event for event in events if event["type"] == "identity.bound"]


def test_every_way_of_binding_is_taken(year: Told) -> None:
    assert {event["data"]["via"] for event in bindings(year)} == set(get_args(Via))


def test_each_way_has_its_own_assurance(year: Told) -> None:
    said = {
        (event["data"]["via"], one["type"], one["assurance"])
        for event in bindings(year)
        for one in event["data"].get("identifiers", ())
    }
    assert {one for one in said if one[0] == "phone_otp"} == {("phone_otp", "phone", "verified")}
    assert {("login", "member_id", "verified"), ("login", "phone", "claimed"), ("login", "email", "claimed")} <= said
    assert {assurance for via, _, assurance in said if via == "import"} == {"claimed"}


def test_channels_vouch_for_what_is_theirs(year: Told) -> None:
    vouched = {(event["contact"]["channel"], one["type"]) for event in year for one in event.get("intrinsic", ())}
    assert vouched == {
        ("line", "line_user"),
        ("facebook", "facebook_user"),
        ("whatsapp", "phone"),
        ("whatsapp", "whatsapp_user"),
        ("crm", "member_id"),
    }
    for event in year:
        if event["contact"]["channel"] == "line" and event["source"] == "line":
            assert event["intrinsic"] == [
                {"type": "line_user", "value": f"{brand.LINE_PROVIDER}:{event['contact']['uid']}"}
            ]


def test_every_reason_for_refusing_a_link_comes_up(found: Resolution) -> None:
    assert {one.reason for one in found.refused} == {
        "shared_device",
        "generic",
        "shared",
        "exclusive_conflict",
        "decided_different",
    }
    assert {"blocked", "retracted", "superseded_value"} <= {one.reason for one in found.excluded}


def test_junk_and_the_shops_own_number_join_nobody(found: Resolution) -> None:
    junk = {(name, value) for name, values in brand.JUNK_VALUES.items() for value in values}
    assert {(one.type, one.value) for one in found.excluded if one.reason == "blocked"} == junk
    assert not any(link.identifier in junk or link.value == brand.SHOP_PHONE for link in found.accepted)


def test_the_tablet_is_nobodys(found: Resolution) -> None:
    (customer,) = (one for one in found.customers if any("tablet" in contact for contact in one.contacts))
    assert len(customer.contacts) == 1


def test_nobody_is_left_merged_by_what_was_taken_back(year: Told, found: Resolution) -> None:
    home = {contact: one.founder for one in found.customers for contact in one.contacts}
    taken_back = [event for event in year if event["type"] == "identity.decided"]
    last = {frozenset((key(event["contact"]), key(event["data"]["other"]))): event for event in taken_back}
    assert {event["data"]["decision"] for event in last.values()} == {"undecided", "different"}
    for pair, event in last.items():
        if event["data"]["decision"] == "different":
            assert len({home[contact] for contact in pair}) == 2


def test_without_its_undoing_a_mixup_joins_people(year: Told, found: Resolution) -> None:
    undoing = {"identity.unbound": None, "identity.decided": {"undecided", "different"}}
    kept = [
        event
        for event in year
        if event["type"] not in undoing or (event["type"] == "identity.decided" and event["data"]["decision"] == "same")
    ]
    assert len(resolved(kept).customers) < len(found.customers) - 20


def test_most_people_with_several_contacts_are_told_of_as_one(found: Resolution) -> None:
    sizes = Counter(len(one.contacts) for one in found.customers)
    assert sizes[2] > sizes[3] > sizes[4] > 0
    assert max(sizes) < 8


@pytest.mark.parametrize("until", [1_760_000_000_000, 1_771_234_567_890, 1_790_000_000_000, 1_795_474_800_000])
@pytest.mark.parametrize("events", [300, 5_000])
def test_the_person_shown_is_one_customer_over_several_channels(events: int, until: int) -> None:
    told = life(7, 2_000, events, until)
    shown = key(showcase(told))
    (customer,) = (one for one in resolved(told).customers if shown in one.contacts)
    assert {"line", "web", "crm"} <= {contact.partition(":")[0] for contact in customer.contacts}


def test_a_small_life_has_the_mixups_too() -> None:
    told = life(7, 2_000, 300, NOW)
    assert {"shared_device", "shared"} <= {one.reason for one in resolved(told).refused}
    assert {event["data"]["decision"] for event in told if event["type"] == "identity.decided"} >= {"same", "different"}


def key(contact: dict[str, str]) -> str:
    return ":".join(contact[part] for part in ("channel", "account", "uid"))
