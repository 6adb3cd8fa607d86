"""The phone and e-mail that a customer is shown with, and by claim only: the tables against a literal reading."""

from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given

from projections.identity.evidence_logs import logs_of
from projections.identity.reference import resolve_log
from projections.identity.resolution.links import CONTACT, STAFF, Link, Node
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.rows import customer_of
from projections.identity.tables import CUSTOMERS, MEMBERS, CustomerRow, MemberRow
from schemas.events import Event
from tests.support.histories import chances, dice, random_history
from tests.support.identity_events import bound
from tests.support.streams import id_of, policies_for

History = Callable[[Random, int], list[Event]]
POLICY = Policy(default_region="TW")
CONTACTS = ("web:shop:c1", "web:shop:c2", "web:shop:c3", "crm:erp:1")
PHONES = ("+886911111111", "+886922222222", "+886933333333")


class Shown(NamedTuple):
    """What a customer is shown with, as normalised values, and which of its contacts belong by claim only."""

    phone: str | None
    email: str | None
    by_claim: frozenset[str]


def literal(resolution: Resolution) -> dict[str, Shown]:
    """Section by section: clusters of accepted links, nodes by claim only, then the best value of each type."""
    clusters = clusters_of(resolution.accepted)
    found = {}
    for customer in resolution.customers:
        current = {(contact, resolution.nodes[contact].node) for contact in customer.contacts}
        nodes = set().union(*(clusters.get(node, {node}) for node in current))
        best = {name: best_of(resolution, nodes, name) for name in ("phone", "email")}
        claiming = frozenset(node[0] for node in current if by_claim(resolution, node))
        found[customer.founder] = Shown(best["phone"], best["email"], claiming)
    return found


def clusters_of(accepted: Iterable[Link]) -> dict[Node, set[Node]]:
    """The nodes that are one cluster with each node that has an accepted link."""
    groups: list[tuple[set[object], set[Node]]] = []
    for link in accepted:
        far = link.value if link.type in {CONTACT, STAFF} else link.identifier
        nodes = {link.node} | ({link.value} if isinstance(link.value, tuple) else set())
        vertices: set[object] = {link.node, far}
        for group in [one for one in groups if one[0] & vertices]:
            groups.remove(group)
            vertices |= group[0]
            nodes |= group[1]
        groups.append((vertices, nodes))
    return {node: nodes for _, nodes in groups for node in nodes}


def by_claim(resolution: Resolution, node: Node) -> bool:
    """Whether the node has accepted links, and each is of a tier that its type has for claims alone."""
    about = [one for one in resolution.accepted if node in {one.node, one.value}]
    return bool(about) and all(is_claim(one) for one in about)


def is_claim(link: Link) -> bool:
    rule = POLICY.rule(link.type)
    return rule is not None and link.tier == rule.claimed and link.tier not in {rule.verified, rule.stated}


def best_of(resolution: Resolution, nodes: set[Node], type_name: str) -> str | None:
    """Of accepted links that are not by claim only, else of those that are: the strongest, then the latest."""
    links = [one for one in resolution.accepted if one.node in nodes and one.type == type_name]
    firm = [one for one in links if not by_claim(resolution, one.node)]

    def rank(link: Link) -> tuple[object, ...]:
        held = resolution.nodes[link.node[0]].nodes[link.node][link.identifier]
        return (-link.tier, held.latest, link.value)

    return str(max(firm or links, key=rank).value) if links else None


def claiming_history(chance: Random, size: int) -> list[Event]:
    """Few contacts, who mostly claim few values: of one customer some belong by claim only, and some do not."""

    def one(number: int) -> Event:
        values = {"phone": chance.choice(PHONES), "email": chance.choice(["a@example.tw", "b@example.tw"])}
        name = chance.choice(sorted(values))
        if chance.random() < 0.2:
            return bound(chance.choice(CONTACTS), at=chance.randint(0, 9), event_id=f"e{number}", member_id="M7")
        assurance = chance.choice(["claimed", "claimed", "claimed", "stated"])
        return bound(
            chance.choice(CONTACTS),
            at=chance.randint(0, 9),
            event_id=f"e{number}",
            assurance=assurance,
            **{name: values[name]},
        )

    return [one(number) for number in range(size)]


@dice
@given(chances)
@pytest.mark.parametrize(("make", "size"), [(random_history, 6), (random_history, 40), (claiming_history, 8)])
def test_customers_are_shown_with_their_best_phone_and_email(make: History, size: int, chance: Random) -> None:
    events = make(chance, size)
    tables = resolve_log(events, policies_for(["demo"], POLICY), id_of)
    expected = literal(resolve(evidence_in(logs_of(events, id_of)["demo"]), POLICY))
    members = [MemberRow(*row) for row in tables[MEMBERS].values()]
    for row in (CustomerRow(*one) for one in tables[CUSTOMERS].values()):
        if row.founder not in expected:  # everything that named it was erased
            continue
        one = customer_of(row)
        contacts = [member for member in members if member.current and member.customer_id == row.customer_id]
        claiming = frozenset(member.contact for member in contacts if member.by_claim)
        shown = Shown(one.phone.value if one.phone else None, one.email.value if one.email else None, claiming)
        assert shown == expected[row.founder]
