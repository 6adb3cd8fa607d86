"""What holds of resolution whatever the history: order, repeats, parts, and taking back."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.identity.resolution.components import closure, components, links_of
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.gather import gather
from projections.identity.resolution.holders import find_over_limit, grouped
from projections.identity.resolution.links import Customer
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, resolve
from projections.identity.resolution.values import normalise
from schemas.events import Event
from tests.support.histories import (
    CONTACTS,
    VALUES,
    chances,
    dice,
    distinct,
    histories,
    made,
    patient,
    policies,
    random_history,
)

sizes = st.integers(3, 40)
LATER = 100


@given(histories(), policies, chances)
@settings(patient)
def test_order_and_repeats_change_nothing_at_all(events: list[Event], policy: Policy, chance: Random) -> None:
    otherwise = [*events, *chance.choices(events, k=3)] if events else []
    chance.shuffle(otherwise)
    assert gather(otherwise) == gather(events)
    assert resolve(gather(otherwise), policy) == resolve(gather(events), policy)


@given(chances, sizes, st.integers(1, 5))
@dice
def test_evidence_gathered_in_parts_and_merged_is_the_evidence_of_all(chance: Random, size: int, count: int) -> None:
    events = distinct(random_history(chance, size))
    parts = [gather(events[start::count]) for start in range(count)]
    chance.shuffle(parts)
    merged = Evidence()
    for part in [*parts, *parts]:
        merged = merged.merge(part)
    assert merged == gather(events)


@given(chances, sizes, policies)
@dice
def test_components_resolved_alone_give_what_the_whole_gives(chance: Random, size: int, policy: Policy) -> None:
    evidence = gather(random_history(chance, size))
    over_limit = find_over_limit(grouped(links_of(evidence, policy)), policy)
    parts = components(evidence, policy)
    assert sorted(contact for part in parts for contact in part) == sorted(evidence.contacts)
    resolved = [resolve(evidence.of(part), policy, over_limit) for part in parts]
    whole = resolve(evidence, policy)
    assert sorted(one for part in resolved for one in part.customers) == list(whole.customers)
    assert sorted(one for part in resolved for one in part.accepted) == list(whole.accepted)
    assert sorted(one for part in resolved for one in part.refused) == list(whole.refused)
    assert sorted(one for part in resolved for one in part.excluded) == list(whole.excluded)


@given(chances, sizes, policies)
@dice
def test_resolving_only_the_closure_of_touched_contacts_suffices(chance: Random, size: int, policy: Policy) -> None:
    events = distinct(random_history(chance, size))
    before, customers = Evidence(), frozenset[Customer]()
    for event in events[:12]:
        after = before.merge(gather([event]))
        touched = gather([event]).contacts | holders_of_changed_identifiers(before, after, policy)
        affected = closure(before, policy, over_limit_in(before, policy), touched)
        affected |= closure(after, policy, over_limit_in(after, policy), touched)
        renewed = resolve(after.of(affected), policy, over_limit_in(after, policy)).customers
        customers = frozenset(one for one in customers if affected.isdisjoint(one.contacts)) | frozenset(renewed)
        assert customers == frozenset(resolve(after, policy).customers)
        before = after


@given(chances, sizes)
@dice
def test_a_retracted_value_leaves_the_result_without_it(chance: Random, size: int) -> None:
    """A value stated last leaves no trace if its type is not exclusive and it names no contact."""
    contact, identifier, events = without_statements_of_one(chance, size, ["phone", "email", "x_card", "whatsapp_user"])
    before = resolve(gather(events), Policy())
    after = resolve(gather([*events, *asserted_and_retracted(contact, identifier, LATER)]), Policy())
    assert after.customers == before.customers
    assert (after.accepted, after.refused) == (before.accepted, before.refused)


@given(chances, sizes)
@dice
def test_a_retracted_old_value_moves_no_contact_but_may_found(chance: Random, size: int) -> None:
    """``founded_at`` remembers every statement, so who founds a customer may change; who belongs to it doesn't."""
    contact, identifier, events = without_statements_of_one(chance, size, ["phone", "email", "x_card", "contact"])
    before = resolve(gather(events), Policy())
    after = resolve(gather([*events, *asserted_and_retracted(contact, identifier, -LATER)]), Policy())
    assert memberships(after, gather(events).contacts) == memberships(before, gather(events).contacts)
    assert (after.accepted, after.refused) == (before.accepted, before.refused)


@given(chances, sizes)
@dice
def test_a_retracted_exclusive_value_only_counts_for_shared_devices(chance: Random, size: int) -> None:
    policy = Policy.from_json({"shared_device_limit": 1_000})
    contact, identifier, events = without_statements_of_one(chance, size, ["member_id", "line_user", "facebook_user"])
    before = resolve(gather(events), policy)
    after = resolve(gather([*events, *asserted_and_retracted(contact, identifier, LATER)]), policy)
    assert after.customers == before.customers
    assert (after.accepted, after.refused) == (before.accepted, before.refused)


@given(chances, sizes, policies)
@dice
def test_no_customer_has_two_member_ids_or_a_pair_decided_different(chance: Random, size: int, policy: Policy) -> None:
    resolution = resolve(gather(random_history(chance, size)), Policy(types={"phone": policy.types["phone"]}))
    decisions = resolution.evidence.decisions
    for customer in resolution.customers:
        carried = {
            link.value for link in resolution.accepted if link.type == "member_id" and link.contact in customer.contacts
        }
        assert carried <= {customer.member_id}
        assert customer.founder in customer.contacts
        for (one, other), decision in decisions.items():
            if decision.verdict == "different" and one != other:
                assert not {one, other} <= set(customer.contacts)


def without_statements_of_one(
    chance: Random, size: int, types: list[str]
) -> tuple[tuple[str, str, str], dict[str, str], list[Event]]:
    """A contact, an identifier, and a history in which the one never stated anything of the other's type.

    The contact is known from the beginning, and so is any that the identifier names.
    """
    contact = chance.choice(CONTACTS)
    type_name = chance.choice(types)
    identifier = {"type": type_name, "value": chance.choice(VALUES[type_name])}
    events = [
        event for event in random_history(chance, size) if key_of(event) != contact or not mentions(event, type_name)
    ]
    seen = [made(other, "nobody.knows", {}, at=-2 * LATER, event_id=f"seen{n}") for n, other in enumerate(CONTACTS)]
    return contact, identifier, [*seen, *events]


def asserted_and_retracted(contact: tuple[str, str, str], identifier: dict[str, str], at: int) -> list[Event]:
    data = {"identifiers": [identifier | {"assurance": "verified"}]}
    return [
        made(contact, "identity.bound", data, at=at, event_id="asserted"),
        made(contact, "identity.unbound", data, at=at + 1, event_id="retracted"),
    ]


def key_of(event: Event) -> tuple[str, str, str]:
    assert event.contact is not None
    return (event.contact.channel, event.contact.account, event.contact.uid)


def mentions(event: Event, type_name: str) -> bool:
    data: Any = event.data
    bound = event.type in {"identity.bound", "identity.unbound"}
    stated = [*event.intrinsic, *(data.identifiers if bound else [])]
    linked = type_name == "contact" and bound and data.linked_contact is not None
    return linked or any(one.type == type_name for one in stated)


def memberships(resolution: Resolution, among: frozenset[str]) -> set[frozenset[str]]:
    return {among & frozenset(customer.contacts) for customer in resolution.customers} - {frozenset()}


def over_limit_in(evidence: Evidence, policy: Policy) -> dict[tuple[str, str], int]:
    return find_over_limit(grouped(links_of(evidence, policy)), policy)


def holders_of_changed_identifiers(before: Evidence, after: Evidence, policy: Policy) -> frozenset[str]:
    then, now = over_limit_in(before, policy), over_limit_in(after, policy)
    changed = {identifier for identifier in then.keys() | now.keys() if then.get(identifier) != now.get(identifier)}
    holders = {
        link.contact
        for evidence in (before, after)
        for link in links_of(evidence, policy)
        if link.identifier in changed
    }
    named = {value for type_name, value in changed if type_name == "contact"}
    return frozenset(holders | named)


def test_the_pools_hold_both_good_and_blocked_values() -> None:
    blocked = {name for name, values in VALUES.items() if any(normalise(name, one, Policy()) is None for one in values)}
    assert {"member_id", "line_user", "phone", "email", "contact", "shoe_size"} <= blocked
