"""``resolve``: a tenant's statements and a policy in; customers, accepted links and refused links out.

The customer's id is its founder's permanent personal id, which the caller derives: nothing here has keys. The founder
is the least by (founded_at, contact key); ``founded_at`` is the earliest time of anything ever stated or decided by or
about the contact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

from projections.identity.resolution.clusters import Clusters, Pair, join
from projections.identity.resolution.holders import grouped, without_generic, without_shared
from projections.identity.resolution.holdings import Holding, HoldingKey
from projections.identity.resolution.links import (
    CONTACT,
    MEMBER_ID,
    STAFF,
    STAFF_TIER,
    Customer,
    Link,
    Node,
    NormalisedIdentifier,
    RefusedLink,
    SetAside,
)
from projections.identity.resolution.member_merges import Canonical, canonical_ids
from projections.identity.resolution.node_rules import links_of
from projections.identity.resolution.nodes import (
    LiveIdentifier,
    Sessions,
    holdings_in,
    logins_in,
    nodes_of,
    normalise_statements,
    too_many_claims,
)
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import (
    Decision,
    EvidenceLog,
    MemberMerge,
    Statement,
    statements_in,
)
from projections.identity.resolution.values import is_contact_key
from schemas.events.base import Stamp

_NEVER: Final = 1 << 62
_NO_SESSIONS: Final = Sessions()


@dataclass(slots=True)
class Evidence:
    """What counts of a tenant's statements: erased ones are left out.

    ``contacts`` are those with an event of their own, and those that others named (``unseen``), if by a blocked value.
    ``decisions`` are by the contact that stated them.
    """

    contacts: frozenset[str]
    unseen: frozenset[str]
    statements: Mapping[str, tuple[Statement, ...]]
    decisions: Mapping[str, tuple[Decision, ...]]
    merges: tuple[MemberMerge, ...]


class ContactNodes(NamedTuple):
    """One contact by itself: its sessions, what it stated, what its nodes have, and what was set aside.

    ``stated_at`` is when it first stated anything, ``named`` when it first named each other contact; ms, UTC.
    """

    sessions: Sessions
    holdings: Mapping[HoldingKey, Holding]
    nodes: Mapping[Node, Mapping[NormalisedIdentifier, LiveIdentifier]]
    set_aside: tuple[SetAside, ...]
    stated_at: int | None
    named: Mapping[str, int]

    @property
    def node(self) -> str:
        """The session that the contact is with."""
        return self.sessions.last


@dataclass(frozen=True, slots=True)
class Resolution:
    """The customers, the links that make them, and the evidence and policy of both. No field may be changed."""

    customers: tuple[Customer, ...]  # by founder
    accepted: tuple[Link, ...]  # in the order of *join*
    refused: tuple[RefusedLink, ...]  # in the order of *join*, whichever rule refused
    set_aside: tuple[SetAside, ...]  # by contact, type and value
    nodes: Mapping[str, ContactNodes]
    evidence: Evidence
    policy: Policy


def evidence_in(log: EvidenceLog) -> Evidence:
    """What counts of a tenant's events."""
    stated = {
        contact: [statements_in(event_id, record) for event_id, record in events.items() if record.has_evidence]
        for contact, events in log.events.items()
    }
    erased = log.erasures

    def counts(contact: str, stamp: Stamp) -> bool:
        return contact not in erased or stamp > erased[contact]

    statements: dict[str, tuple[Statement, ...]] = {}
    decisions: dict[str, tuple[Decision, ...]] = {}
    named: set[str] = set()
    for contact, of_contact in stated.items():
        statements[contact] = tuple(
            one
            for event in of_contact
            for one in event.statements
            if counts(contact, one.stamp) and not (one.type == CONTACT and not counts(one.value, one.stamp))
        )
        decisions[contact] = tuple(
            one
            for event in of_contact
            for one in event.decisions
            if counts(contact, (one.at, one.event_id)) and counts(one.other, (one.at, one.event_id))
        )
        named.update(one.value for one in statements[contact] if one.type == CONTACT and is_contact_key(one.value))
        named.update(one.other for one in decisions[contact])
    contacts = frozenset(log.contacts | named)
    return Evidence(contacts, contacts - log.contacts, statements, decisions, tuple(log.member_merges()))


def resolve(evidence: Evidence, policy: Policy) -> Resolution:
    """Resolve the evidence of a tenant, by the rules in their order."""
    merged = canonical_ids(evidence.merges, policy)
    nodes = _existing(evidence, nodes_by_contact(evidence, merged, policy))
    after = {
        node: links_of(node, holdings, policy)
        for contact in sorted(nodes)
        for node, holdings in sorted(nodes[contact].nodes.items(), key=itemgetter(0))
    }
    carried = {node: one.carried for node, one in after.items() if one.carried}
    groups = grouped(link for one in after.values() for link in one.links)
    groups, generic = without_generic(groups, after, policy)
    groups, shared = without_shared(groups, after, policy)
    must_link, cannot_link = staff_links(evidence.decisions, nodes)
    joined = join(groups, must_link, cannot_link, carried, policy)
    refused = [one for of_node in after.values() for one in of_node.refused]
    return Resolution(
        customers=_customers(evidence, nodes, joined.clusters, joined.accepted),
        accepted=tuple(joined.accepted),
        refused=tuple(sorted([*refused, *generic, *shared, *joined.refused])),
        set_aside=tuple(sorted(one for contact in nodes.values() for one in contact.set_aside)),
        nodes=nodes,
        evidence=evidence,
        policy=policy,
    )


def nodes_by_contact(evidence: Evidence, merged: Canonical, policy: Policy) -> dict[str, ContactNodes]:
    """Every contact by itself."""
    normalised = {contact: normalise_statements(of, merged, policy) for contact, of in evidence.statements.items()}
    logins = {contact: logins_in(contact, statements) for contact, (statements, _) in normalised.items()}
    sessions = {contact: Sessions().with_logins(of_contact) for contact, of_contact in logins.items()}

    def session_at(contact: str, time: int) -> str:
        return sessions.get(contact, _NO_SESSIONS).at(time)

    views: dict[str, ContactNodes] = {}
    for contact in evidence.contacts:
        statements, excluded = normalised.get(contact, ([], []))
        own = sessions.get(contact, _NO_SESSIONS)
        holdings = holdings_in(statements, logins.get(contact, ()), own, session_at)
        set_aside = [SetAside(contact, one.type, one.value, reason) for one, reason in excluded]
        dropped = [SetAside(contact, *one, "too_many_claims") for one in too_many_claims(holdings)]
        named: dict[str, int] = {}
        for one in statements:
            if one.statement.type == CONTACT:
                named[one.value] = min(one.statement.at, named.get(one.value, one.statement.at))
        stated_at = min((one.statement.at for one in statements), default=None)
        nodes = {
            node: {identifier: held for identifier, (held, _) in of_node.items()}
            for node, of_node in nodes_of(contact, holdings, policy).items()
        }
        views[contact] = ContactNodes(own, holdings, nodes, tuple(sorted({*set_aside, *dropped})), stated_at, named)
    return views


def _existing(evidence: Evidence, views: Mapping[str, ContactNodes]) -> Mapping[str, ContactNodes]:
    """Without the contacts that nothing names but a value that is blocked."""
    named = {one for view in views.values() for one in view.named}
    named.update(one.other for made in evidence.decisions.values() for one in made)
    return {contact: view for contact, view in views.items() if contact not in evidence.unseen or contact in named}


def staff_links(
    decisions: Mapping[str, Iterable[Decision]], nodes: Mapping[str, ContactNodes]
) -> tuple[list[Link], list[Pair]]:
    """Staff's links and forbidden pairs: of each pair of contacts the latest decision, about the nodes at its time."""
    latest: dict[tuple[str, str], tuple[Stamp, str, Decision]] = {}
    for contact, made in decisions.items():
        for one in made:
            pair = (min(contact, one.other), max(contact, one.other))
            found = ((one.at, one.event_id), contact, one)
            known = latest.get(pair)
            if known is None or found[:2] > known[:2]:
                latest[pair] = found
    must_link: list[Link] = []
    cannot_link: list[Pair] = []
    for pair, (_, _, decision) in latest.items():
        lesser, greater = sorted((contact, nodes[contact].sessions.at(decision.at)) for contact in pair)
        if lesser == greater:
            continue
        if decision.verdict == "same":
            must_link.append(Link(STAFF_TIER, decision.at, STAFF, greater, lesser))
        elif decision.verdict == "different":
            cannot_link.append((lesser, greater))
    return must_link, cannot_link


def founding_times(evidence: Evidence, nodes: Mapping[str, ContactNodes]) -> dict[str, int]:
    """When each contact was founded; who has no time is left out."""
    times = {contact: one.stated_at for contact, one in nodes.items() if one.stated_at is not None}

    def about(contact: str, at: int) -> None:
        times[contact] = min(at, times.get(contact, at))

    for view in nodes.values():
        for contact, at in view.named.items():
            about(contact, at)
    for contact, made in evidence.decisions.items():
        for decision in made:
            about(contact, decision.at)
            about(decision.other, decision.at)
    return times


def _customers(
    evidence: Evidence,
    nodes: Mapping[str, ContactNodes],
    clusters: Clusters,
    accepted: Iterable[Link],
) -> tuple[Customer, ...]:
    founded = founding_times(evidence, nodes)
    together: dict[object, list[str]] = {}
    for contact in sorted(nodes):
        together.setdefault(clusters.of((contact, nodes[contact].node)), []).append(contact)
    member_ids: dict[object, tuple[str, set[str]]] = {}
    for link in accepted:
        if link.type == MEMBER_ID:
            value, held = str(link.value), nodes[link.node[0]].nodes[link.node][link.identifier]
            member_ids.setdefault(clusters.of(link.node), (value, set()))[1].update(held.spellings or [value])
    customers = []
    for root, contacts in together.items():
        founder = min(contacts, key=lambda contact: (founded.get(contact, _NEVER), contact))
        member_id, spellings = member_ids.get(root, (None, set()))
        customers.append(Customer(founder, tuple(contacts), member_id, tuple(sorted(spellings))))
    return tuple(sorted(customers))
