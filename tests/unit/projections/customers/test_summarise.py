"""Laws of a customer's summary: a function of the set of contacts, which keeps nothing of its own."""

from collections.abc import Collection, Sequence
from random import Random
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.attributes.tables import MOST_CLAIMED
from projections.contacts.records import ContactRecord
from projections.contacts.state import ActiveTag, ContactState
from projections.customers.folds import (
    CustomerIdentity,
    CustomerRecord,
    LatestAttribute,
    OwnContact,
    states_of,
    summarise,
)
from schemas.events import Event
from tests.support.contact_records import event, records_of
from tests.support.strategies import BASE_MS, CONTACTS, DAY_MS, event_lists

# On a busy machine drawing lives of whole contacts is slow; that says nothing about the laws.
LAW = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDENTITY = CustomerIdentity(UUID(int=1))
NOW = BASE_MS + 2 * DAY_MS
TYPES = (
    "tag.added",
    "tag.removed",
    "attribute.set",
    "attribute.unset",
    "profile.updated",
    "message.received",
    "contact.followed",
)
events = event_lists(contacts=CONTACTS[:4], types=TYPES, min_size=1, max_size=10).filter(
    lambda drawn: any(one.contact for one in drawn)
)


def states_at(records: Sequence[ContactRecord], now: int, claiming: Collection[str] = ()) -> list[ContactState]:
    """The contacts; ``claiming`` are the keys of those that claims alone tie to the customer."""
    return states_of([OwnContact(record, record.key in claiming) for record in records], now)


def summary(records: Sequence[ContactRecord], now: int = NOW) -> CustomerRecord:
    return summarise(IDENTITY, states_at(records, now))


def customer(*events: Event, now: int = NOW) -> CustomerRecord:
    return summary(records_of(events), now)


@LAW
@given(events, st.randoms(use_true_random=False))
def test_the_order_of_contacts_does_not_matter(drawn: list[Event], random: Random) -> None:
    contacts = states_at(records_of(drawn), NOW)
    shuffled = random.sample(contacts, len(contacts))
    assert summarise(IDENTITY, shuffled) == summarise(IDENTITY, contacts)


@LAW
@given(events, st.data())
def test_a_split_gives_each_part_what_its_contacts_brought(drawn: list[Event], data: st.DataObject) -> None:
    records = records_of(drawn)
    part = data.draw(st.lists(st.sampled_from(records), min_size=1, unique_by=lambda record: record.key))
    keys = {record.key for record in part}
    together = {state.key: state for state in states_at(records, NOW)}
    assert states_at(part, NOW) == [together[key] for key in sorted(keys)]
    assert summary(part) == customer(*(one for one in drawn if one.contact and one.contact.key in keys))


@LAW
@given(events)
def test_a_customer_of_one_contact_has_exactly_what_the_contact_has(drawn: list[Event]) -> None:
    record = records_of(drawn)[0]
    (contact,) = states_at([record], NOW)
    alone = summary([record])
    assert [tag[:-1] for tag in alone.tags] == sorted(contact.tags)
    assert all(tag.origin == (record.key,) for tag in alone.tags)
    assert alone.attributes == tuple(LatestAttribute(setting, record.key) for setting in contact.attributes)
    assert alone.valid == contact.valid


@LAW
@given(events)
def test_every_origin_carries_what_it_is_the_origin_of(drawn: list[Event]) -> None:
    records = records_of(drawn)
    whole = summary(records)
    contacts = {state.key: state for state in states_at(records, NOW)}
    for tag in whole.tags:
        carried = [_tags(contacts[key])[tag.tag] for key in tag.origin]
        assert len(tag.origin) == sum(tag.tag in _tags(one) for one in contacts.values())
        assert tag.taggings == sum(one.taggings for one in carried)
        assert tag.last_at == max(one.last_at for one in carried)
        assert (tag.last_at, tag.last_event) in {(one.last_at, one.last_event) for one in carried}
    settings_of = {key: {one.key: one for one in state.attributes} for key, state in contacts.items()}
    for setting, origin in whole.attributes:
        assert settings_of[origin][setting.key] == setting
        held = [one[setting.key] for one in settings_of.values() if setting.key in one]
        assert setting.claimed == all(one.claimed for one in held)
        assert setting.at == max(one.at for one in held if one.claimed == setting.claimed)


@LAW
@given(events)
def test_times_are_the_latest_of_any_contact(drawn: list[Event]) -> None:
    records = records_of(drawn)
    whole = summary(records)
    for name in ("last_customer_at", "last_team_at", "last_marketing_at"):
        own = [getattr(record.contact, name) for record in records]
        assert getattr(whole, name) == max((time for time in own if time is not None), default=None)
    assert whole.first_seen_at == min(record.contact.first_seen_at for record in records)


def test_the_same_tag_on_two_channels_is_one_tag_of_the_customer() -> None:
    web, line = "web:shop:c1", "line:oa1:U1"
    both = customer(
        event("tag.added", 1, contact=line, tag="VIP", source="manual"),
        event("tag.added", 2, contact=web, tag="VIP", source="journey"),
        event("tag.added", 3, contact=web, tag="VIP", source="journey"),
    )
    (tag,) = both.tags
    assert (tag.taggings, tag.last_at, tag.source, tag.origin) == (3, BASE_MS + 3, "journey", (line, web))
    assert tag.last_event == "tag.added@3"


def test_a_tag_that_one_contact_has_without_an_end_does_not_expire() -> None:
    def tagged(days: int | None) -> CustomerRecord:
        first = event("tag.added", contact="web:shop:c1", tag="VIP", expires_after=9)
        return customer(first, event("tag.added", contact="line:oa1:U1", tag="VIP", expires_after=days), now=BASE_MS)

    assert tagged(None).tags[0].expires_at is None
    assert tagged(3).tags[0].expires_at == BASE_MS + 10 * DAY_MS - 60_000


def test_unsetting_an_attribute_takes_back_the_contacts_own_value_only() -> None:
    web, line = "web:shop:c1", "line:oa1:U1"
    values = [
        event("attribute.set", 1, contact=line, key="city", value="台北"),
        event("attribute.set", 2, contact=web, key="city", value="高雄"),
    ]
    assert customer(*values).attributes[0].origin == web
    (after,) = customer(*values, event("attribute.unset", 3, contact=web, key="city")).attributes
    assert (after.setting.value, after.origin) == ("台北", line)


claimants = st.sets(st.sampled_from([one.key for one in CONTACTS[:4]]))


@LAW
@given(events, claimants, st.randoms(use_true_random=False))
def test_a_claim_adds_and_never_overrides(drawn: list[Event], claiming: set[str], random: Random) -> None:
    records = records_of(drawn)
    contacts = states_at(random.sample(records, len(records)), NOW, claiming)
    whole = summarise(IDENTITY, contacts)
    firm = [one for one in contacts if one.key not in claiming]
    stated_names = {one.name.name for one in firm if one.name and not one.name.claimed}
    assert set(whole.names) == (stated_names or {one.name.name for one in contacts if one.name})
    stated_keys = {held.key for one in firm for held in one.attributes if not held.claimed}
    for key, one in _by_key(whole).items():
        assert (one.origin in claiming or one.setting.claimed) == (key not in stated_keys)


@LAW
@given(events)
def test_names_are_the_latest_first(drawn: list[Event]) -> None:
    contacts = states_at(records_of(drawn), NOW)
    if any(one.name and not one.name.claimed for one in contacts):
        contacts = [one for one in contacts if one.name and not one.name.claimed]
    named = {one.name.name: (one.name.at, one.name.event_id) for one in contacts if one.name}
    for one in contacts:
        if one.name:
            named[one.name.name] = max(named[one.name.name], (one.name.at, one.name.event_id))
    names = summarise(IDENTITY, contacts).names
    assert sorted(names) == sorted(named)
    assert [named[name] for name in names] == sorted((named[name] for name in names), reverse=True)


def test_a_strangers_claim_is_shown_as_a_contact_and_changes_no_value() -> None:
    member, stranger = "crm:erp:M7", "web:shop:x"
    records = records_of(
        [
            event("profile.updated", 1, contact=member, display_name="林小美"),
            event("attribute.set", 1, contact=member, key="city", value="台北"),
            event("profile.updated", 2, contact=stranger, display_name="Mallory"),
            event("attribute.set", 2, contact=stranger, key="city", value="x"),
            event("attribute.set", 3, contact=stranger, key="color", value="red"),
        ]
    )
    contacts = states_at(records, NOW, {stranger})
    whole = summarise(IDENTITY, contacts)
    assert whole.names == ("林小美",)
    assert {one.setting.key: one.setting.value for one in whole.attributes} == {"city": "台北", "color": "red"}
    assert [(one.key, one.by_claim) for one in contacts] == [(member, False), (stranger, True)]


def test_what_the_public_claims_of_a_members_own_contact_changes_no_value() -> None:
    member, other = "web:shop:user:M7", "crm:erp:M7"
    claimed = {"contact": member, "assurance": "claimed"}
    whole = customer(
        event("profile.updated", 1, contact=member, display_name="林小美"),
        event("attribute.set", 1, contact=member, key="city", value="台北"),
        event("attribute.set", 1, contact=other, key="level", value="gold"),
        event("profile.updated", 2, **claimed, display_name="Mallory"),
        event("attribute.set", 2, **claimed, key="level", value="none"),
        event("attribute.set", 2, **claimed, key="color", value="red"),
        event("attribute.unset", 3, **claimed, key="city"),
    )
    assert whole.names == ("林小美",)
    values = {key: (one.setting.value, one.setting.claimed) for key, one in _by_key(whole).items()}
    assert values == {"city": ("台北", False), "level": ("gold", False), "color": ("red", True)}


def test_attributes_that_are_only_claimed_are_bounded_and_stated_ones_are_not() -> None:
    member, other = "web:shop:user:M7", "crm:erp:M7"
    stated = [event("attribute.set", n, contact=other, key=f"s{n}", value=n) for n in range(MOST_CLAIMED + 1)]
    claimed = [
        event("attribute.set", 1_000 + n, contact=contact, key=f"c{n}", value=n, assurance="claimed")
        for n, contact in enumerate([member, other] * MOST_CLAIMED)
    ]
    whole = _by_key(customer(*stated, *claimed))
    assert {key for key in whole if key.startswith("s")} == {f"s{n}" for n in range(MOST_CLAIMED + 1)}
    assert {key for key in whole if key.startswith("c")} == {f"c{n}" for n in range(MOST_CLAIMED, 2 * MOST_CLAIMED)}


def _by_key(customer: CustomerRecord) -> dict[str, LatestAttribute]:
    return {one.setting.key: one for one in customer.attributes}


def _tags(contact: ContactState) -> dict[str, ActiveTag]:
    return {tag.tag: tag for tag in contact.tags}
