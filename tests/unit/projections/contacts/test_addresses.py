"""Contacts that are one address by the channel's own word: one for consents and for validity."""

from collections.abc import Mapping
from itertools import permutations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from projections.consents.tables import ConsentRow
from projections.contacts.addresses import Address, address_of, addresses_of, may_be_messaged
from schemas.events import Event
from schemas.events.subscription import MARKETING_KINDS
from tests.support.contact_records import event, records_of

NUMBER, BSUID, OTHER = "whatsapp:n1:886911111111", "whatsapp:n1:TW.1", "whatsapp:n2:886911111111"
PHONE, USER = ("phone", "+886911111111"), ("whatsapp_user", "p:TW.1")
KINDS = sorted(MARKETING_KINDS)
KEYS = (NUMBER, BSUID, OTHER, "whatsapp:n1:3", "line:oa1:U1")
identifiers = st.frozensets(st.sampled_from([PHONE, USER, ("phone", "+886922222222"), ("line_user", "p:U1")]))
customers = st.dictionaries(st.sampled_from(KEYS), identifiers)


def address(*events: Event) -> Address:
    return address_of(records_of(events))


def kinds(one: Address) -> dict[str, bool]:
    return {consent.kind: consent.allowed for consent in one.consents}


def ref(contact: str) -> dict[str, str]:
    return dict(zip(("channel", "account", "uid"), contact.split(":", 2), strict=True))


def test_whatsapps_number_and_bsuid_of_one_account_are_one_address() -> None:
    found = addresses_of({NUMBER: [PHONE, USER], BSUID: [USER], OTHER: [PHONE]})
    assert found == [(NUMBER, BSUID), (OTHER,)]


def test_an_address_is_joined_through_a_third_contact() -> None:
    assert addresses_of({"whatsapp:n1:a": [PHONE], "whatsapp:n1:b": [PHONE, USER], "whatsapp:n1:c": [USER]}) == [
        ("whatsapp:n1:a", "whatsapp:n1:b", "whatsapp:n1:c")
    ]


@given(customers)
def test_addresses_are_the_finest_partition_that_keeps_shared_identifiers_together(
    intrinsic: Mapping[str, frozenset[tuple[str, str]]],
) -> None:
    groups = {frozenset({key}) for key in intrinsic}
    changed = True
    while changed:
        changed = False
        for one, other in permutations(groups, 2):
            if any(intrinsic[a] & intrinsic[b] and a.split(":")[:2] == b.split(":")[:2] for a in one for b in other):
                groups = (groups - {one, other}) | {one | other}
                changed = True
                break
    assert {frozenset(keys) for keys in addresses_of(intrinsic)} == groups


@given(customers, st.randoms(use_true_random=False))
def test_the_order_of_contacts_does_not_matter(
    intrinsic: Mapping[str, frozenset[tuple[str, str]]], random: Random
) -> None:
    shuffled = dict(random.sample(list(intrinsic.items()), len(intrinsic)))
    assert addresses_of(shuffled) == addresses_of(intrinsic)


def test_what_one_contact_refuses_is_refused_for_the_address() -> None:
    both = address(
        event("message.received", 1, contact=NUMBER),
        event("message.received", 1, contact=BSUID),
        event("marketing.opted_out", 2, contact=NUMBER, kinds=KINDS),
    )
    assert kinds(both) == dict.fromkeys(MARKETING_KINDS, False)
    assert not both.valid


def test_the_latest_consent_of_any_contact_decides() -> None:
    both = address(
        event("message.received", 1, contact=BSUID),
        event("marketing.opted_out", 2, contact=NUMBER, kinds=KINDS),
        event("marketing.opted_in", 3, contact=BSUID, kinds=["broadcast"]),
    )
    assert kinds(both) == {"broadcast": True, "cart_remarketing": False, "web_push": False}
    assert both.valid


def test_a_denial_decides_on_a_tie() -> None:
    both = address(
        event("marketing.opted_out", 2, contact=NUMBER, kinds=["broadcast"]),
        event("marketing.opted_in", 2, contact=BSUID, kinds=["broadcast"], event_id="z"),
    )
    assert kinds(both) == {"broadcast": False}


def test_an_address_is_valid_where_one_of_its_contacts_is_subscribed() -> None:
    assert address(event("contact.followed", contact=NUMBER), event("contact.blocked", contact=BSUID)).valid
    assert not address(event("contact.blocked", contact=NUMBER), event("profile.updated", contact=BSUID)).valid


def test_marketing_of_a_kind_may_be_sent_to_a_valid_address_that_did_not_refuse_it() -> None:
    refused = event("marketing.opted_out", 2, contact=NUMBER, kinds=["broadcast"])
    both = address(event("message.received", 1, contact=BSUID), refused)
    assert {kind: may_be_messaged(both, kind) for kind in KINDS} == {
        "broadcast": False,
        "cart_remarketing": True,
        "web_push": True,
    }
    blocked = address(event("message.received", 1, contact=BSUID), event("contact.blocked", 3, contact=BSUID), refused)
    assert not any(may_be_messaged(blocked, kind) for kind in KINDS)


def test_a_contact_with_a_successor_in_its_address_leaves_the_address_valid() -> None:
    follows = [event("message.received", 1, contact=NUMBER), event("message.received", 1, contact=BSUID)]
    assert address(*follows, event("contact.superseded", 2, contact=NUMBER, by=ref(BSUID))).valid
    assert not address(*follows, event("contact.superseded", 2, contact=NUMBER, by=ref("whatsapp:n1:new"))).valid


consents = st.builds(
    lambda contact, kind, allowed, at, event_id: (contact, kind, allowed, at, event_id),
    st.sampled_from([NUMBER, BSUID]),
    st.sampled_from(KINDS),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(["e1", "e2", "e3"]),
)


@given(st.lists(consents, unique_by=lambda one: (one[0], one[4])), st.randoms(use_true_random=False))
def test_an_address_has_the_consents_of_one_contact_with_all_their_events(
    drawn: list[tuple[str, str, bool, int, str]], random: Random
) -> None:
    def stated(contact: str, kind: str, allowed: bool, at: int, event_id: str) -> Event:
        name = "marketing.opted_in" if allowed else "marketing.opted_out"
        return event(name, at, contact=contact, event_id=event_id, kinds=[kind])

    events = [stated(*one) for one in drawn]
    alone = [stated(NUMBER, *one[1:4], f"{one[4]}{one[0]}") for one in drawn]
    if not events:
        return
    found = address_of(random.sample(records_of(events), len(records_of(events)))).consents

    def decided(rows: tuple[ConsentRow, ...]) -> list[tuple[str, bool, int]]:
        return [(row.kind, row.allowed, row.at) for row in rows]

    assert decided(found) == decided(address(*alone).consents)
