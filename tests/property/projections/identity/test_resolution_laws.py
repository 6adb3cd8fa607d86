"""What holds of resolution whatever the history: order, repeats, taking back, and what claims cannot do."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.identity.resolution.links import Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import log_of
from schemas.events import Event
from tests.support.examples import examples
from tests.support.histories import chances, dice
from tests.support.identity_events import bound, claimed, event, merged, seen, unbound
from tests.support.rule_histories import CONTACTS, VALUES, random_policy, rule_history

sizes = st.integers(1, 40)
LATER = 100
CLAIMED_TIER = 4
MEMBERS = ["M7", "M8", "M9", "m7"]


def resolved_by(events: list[Event], policy: dict[str, Any]) -> Resolution:
    return resolve(evidence_in(log_of(events)), Policy.from_json(policy))


def memberships(resolution: Resolution) -> set[tuple[tuple[str, ...], str | None, tuple[str, ...]]]:
    """The customers without their founders: an id may change by what was ever stated."""
    return {(one.contacts, one.member_id, one.member_ids) for one in resolution.customers}


def assert_same_but_for_ids(one: Resolution, other: Resolution) -> None:
    assert memberships(one) == memberships(other)
    assert one.accepted == other.accepted
    assert [(row.link, row.reason) for row in one.refused] == [(row.link, row.reason) for row in other.refused]


@given(chances, sizes)
@settings(dice, max_examples=examples(200))
def test_order_and_repeats_change_nothing(chance: Random, size: int) -> None:
    events, policy = rule_history(chance, size), random_policy(chance)
    otherwise = [*events, *chance.choices(events, k=3)]
    chance.shuffle(otherwise)
    one, other = resolved_by(events, policy), resolved_by(otherwise, policy)
    assert (one.customers, one.accepted, one.refused, one.set_aside) == (
        other.customers,
        other.accepted,
        other.refused,
        other.set_aside,
    )


@given(chances, sizes)
@settings(dice, max_examples=examples(300))
def test_a_retracted_statement_leaves_the_result_without_it(chance: Random, size: int) -> None:
    policy = random_policy(chance)
    contact = chance.choice(CONTACTS)
    is_browser = contact.startswith("web:")
    type_name = chance.choice([name for name in VALUES if not (is_browser and name == "member_id")])
    events = [*everybody(), *(one for one in rule_history(chance, size) if not states(one, contact, type_name))]
    value = chance.choice(VALUES[type_name])
    start = chance.choice([-LATER, 4, LATER])
    assurance, another, _ = chance.sample(["verified", "stated", "claimed"], 3)
    events += said_otherwise(chance, contact, type_name, another, start + 2)
    stated = [
        bound(contact, at=start, assurance=assurance, **{type_name: value}),
        unbound(contact, at=start + 1, **{type_name: value}),
    ]
    named = [event(value, "nobody.knows", {}, at=-2 * LATER)] if type_name == "contact" and value in CONTACTS else []
    if type_name != "contact" or named:
        assert_same_but_for_ids(resolved_by([*events, *stated], policy), resolved_by(events, policy))


@given(chances, sizes)
@settings(dice, max_examples=examples(200))
def test_a_member_merge_that_is_taken_back_leaves_the_result_without_it(chance: Random, size: int) -> None:
    policy = random_policy(chance)
    member = chance.choice(MEMBERS)
    events = [one for one in rule_history(chance, size) if not merges(one, member)]
    start = chance.choice([-LATER, 4, LATER])
    back = chance.choice([None, member])
    taken_back = [merged(member, chance.choice(MEMBERS), at=start), merged(member, back, at=start + 1)]
    one, other = resolved_by([*events, *taken_back], policy), resolved_by(events, policy)
    assert one.customers == other.customers
    assert (one.accepted, one.refused) == (other.accepted, other.refused)


@given(chances, sizes)
@settings(dice, max_examples=examples(200))
def test_later_claims_of_phones_and_emails_change_no_stronger_link(chance: Random, size: int) -> None:
    """Of who claimed nothing before: a claim that comes to life again would make its stronger link an older one."""
    events = [*everybody(), *(one for one in rule_history(chance, size) if not claims_something(one))]
    claims = [
        claimed(chance.choice(CONTACTS), at=LATER, **{name: chance.choice(VALUES[name])})
        for name in chance.choices(["phone", "email", "x_card"], k=chance.randint(1, 30))
    ]
    one, other = resolved_by(events, {}), resolved_by([*events, *claims], {})
    assert stronger_than_claims(one) == stronger_than_claims(other)


@given(chances, sizes)
@settings(dice, max_examples=examples(200))
def test_whatever_strangers_claim_changes_no_stronger_link_of_others(chance: Random, size: int) -> None:
    events = rule_history(chance, size)
    claims = [
        claimed(
            f"web:shop:stranger{chance.randrange(15)}", at=chance.randint(0, LATER), **{name: chance.choice(values)}
        )
        for name, values in chance.choices([*VALUES.items()], k=chance.randint(1, 40))
        if name != "contact"
    ]
    one, other = resolved_by(events, {}), resolved_by([*events, *claims], {})
    assert stronger_than_claims(one) == stronger_than_claims(other)


@given(chances, sizes)
@settings(dice, max_examples=examples(200))
def test_no_customer_has_two_member_ids_and_every_founder_is_in_its_customer(chance: Random, size: int) -> None:
    resolution = resolved_by(rule_history(chance, size), random_policy(chance))
    nodes = {contact: (contact, view.sessions.last) for contact, view in resolution.nodes.items()}
    for customer in resolution.customers:
        current = {nodes[contact] for contact in customer.contacts}
        linked = {link.value for link in resolution.accepted if link.type == "member_id" and link.node in current}
        assert linked <= {customer.member_id}
        assert customer.founder in customer.contacts
    everyone = [contact for customer in resolution.customers for contact in customer.contacts]
    assert sorted(everyone) == sorted(resolution.nodes)


@given(chances, sizes)
@settings(dice, max_examples=examples(100))
def test_contacts_decided_different_are_two_customers(chance: Random, size: int) -> None:
    one, other = chance.sample([contact for contact in CONTACTS if not contact.startswith("web:")], 2)
    decision = event(one, "identity.decided", {"other": ref_of(other), "decision": "different", "by": "amy"}, at=LATER)
    resolution = resolved_by([*rule_history(chance, size), decision], random_policy(chance))
    assert not [customer for customer in resolution.customers if {one, other} <= {*customer.contacts}]


def everybody() -> list[Event]:
    """An event of each contact, so that naming one makes no new contact."""
    return [event(contact, "nobody.knows", {}, at=-2 * LATER) for contact in CONTACTS]


def ref_of(contact: str) -> dict[str, str]:
    return dict(zip(("channel", "account", "uid"), contact.split(":", 2), strict=True))


def stronger_than_claims(resolution: Resolution) -> tuple[list[Link], list[tuple[Link, str]]]:
    """The accepted and the refused links of tiers that no claim has."""
    return (
        [link for link in resolution.accepted if is_stronger(link)],
        [(row.link, row.reason) for row in resolution.refused if is_stronger(row.link)],
    )


def is_stronger(link: Link) -> bool:
    return link.tier < (2 if link.type == "member_id" else CLAIMED_TIER)


def states(one: Event, contact: str, type_name: str) -> bool:
    data: Any = one.data
    if one.contact is None or one.contact.key != contact:
        return False
    bindings = one.type in {"identity.bound", "identity.unbound"}
    linked = bindings and type_name == "contact" and data.linked_contact is not None
    return linked or any(it.type == type_name for it in [*one.intrinsic, *(data.identifiers if bindings else [])])


def said_otherwise(chance: Random, contact: str, type_name: str, assurance: str, at: int) -> list[Event]:
    """What the contact says of the same type by another assurance, and what its channel vouches for at any time."""
    values = chance.choices(VALUES[type_name], k=2)
    said = [
        bound(contact, at=at + 1, assurance=assurance, **{type_name: values[0]}),
        seen(contact, at=at - chance.choice([0, 3]), **{type_name: values[1]}),
    ]
    return chance.sample(said, chance.randint(0, 2))


def merges(one: Event, member: str) -> bool:
    data: Any = one.data
    return one.type == "member.merged" and data.member_id.strip() == member


def claims_something(one: Event) -> bool:
    data: Any = one.data
    return one.type == "identity.bound" and any(it.assurance == "claimed" for it in data.identifiers)
