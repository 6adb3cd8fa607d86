"""``resolve``: evidence and a policy in; customers, accepted links and refused links out (rule 8, and who founds).

The customer's id is its founder's permanent personal id, which the caller derives: the core has no keys. The founder
is the least by (founded_at, contact key); ``founded_at`` is the earliest ``at`` of any evidence or decision ever
stated by or about the contact.

How a reading was chosen where two are possible:

- blocked values are no evidence, so they found nobody; retractions, tierless claims and ``undecided`` do;
- a statement about a contact is one that names it: as the value of a ``contact`` identifier, or in a decision;
- a customer's member id is what its contacts carry after rules 1 to 4: none for one who links through none of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from projections.identity.resolution.clusters import Node, join
from projections.identity.resolution.contact_links import ContactLinks, stand
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.holders import (
    Carried,
    Crowds,
    carried_by,
    crowds,
    grouped,
    without_generic,
    without_shared,
)
from projections.identity.resolution.links import Customer, Link, Refused, SetAside
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import WHOLE_TENANT, normalise

Standings = Mapping[str, ContactLinks]  # by contact
NO_CROWDS: Final[Crowds] = MappingProxyType({})
NO_STANDINGS: Final[Standings] = MappingProxyType({})
_MEMBER: Final = ("member_id", WHOLE_TENANT)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who is who, and why, by which evidence and policy. No field may be changed."""

    customers: tuple[Customer, ...]  # by founder
    accepted: tuple[Link, ...]  # in the order of rule 7
    refused: tuple[Refused, ...]  # in the order of rule 7, whichever rule refused
    set_aside: tuple[SetAside, ...]  # by contact, type and value
    evidence: Evidence
    policy: Policy


def resolve(
    evidence: Evidence, policy: Policy, crowded: Crowds = NO_CROWDS, standings: Standings = NO_STANDINGS
) -> Resolution:
    """Resolve the evidence of a tenant, or of a part that ``components`` cut out of it.

    ``crowded`` are the identifiers known to be generic from a count over the whole tenant; a part need not hold the
    evidence of everybody in such a crowd. ``standings`` are those of some contacts, where they are known already.
    """
    links: list[Link] = []
    refused: list[Refused] = []
    set_aside: list[SetAside] = []
    founded: dict[str, int] = {}
    for contact, standing in stand_all(evidence, policy, standings):
        links.extend(standing.links)
        refused.extend(standing.refused)
        set_aside.extend(standing.set_aside)
        if standing.stated is not None:
            founded[contact] = standing.stated
    groups = grouped(links)
    groups, generic = without_generic(groups, {**crowds(groups, policy), **crowded})
    carried = carried_by(groups, policy)
    groups, shared = without_shared(groups, carried, policy)
    joined = join(groups, evidence.decisions, carried, policy)
    members = _members(evidence.contacts, joined.clusters.find)
    _found_others(founded, evidence, policy)
    return Resolution(
        customers=_customers(members, founded, carried),
        accepted=tuple(joined.accepted),
        refused=tuple(sorted([*refused, *generic, *shared, *joined.refused])),
        set_aside=tuple(sorted(set_aside)),
        evidence=evidence,
        policy=policy,
    )


def stand_all(
    evidence: Evidence, policy: Policy, known: Standings = NO_STANDINGS
) -> Iterator[tuple[str, ContactLinks]]:
    """What each contact that stated something brings, by rules 1 to 3."""
    for contact, stated in evidence.holdings.items():
        yield contact, known.get(contact) or stand(contact, stated, policy)


def _found_others(founded: dict[str, int], evidence: Evidence, policy: Policy) -> None:
    """Add to ``founded_at`` by own statements what others stated about a contact, and what was decided of it."""
    for contact, at in evidence.named.items():
        if normalise("contact", contact, policy) is not None:
            founded[contact] = min(at, founded.get(contact, at))
    for pair, decision in evidence.decisions.items():
        for contact in pair:
            founded[contact] = min(decision.stated, founded.get(contact, decision.stated))


def _members(contacts: Iterable[str], find: Callable[[Node], Node]) -> dict[Node, list[str]]:
    members: dict[Node, list[str]] = {}
    for contact in contacts:
        members.setdefault(find(contact), []).append(contact)
    return members


def _customers(members: Mapping[Node, list[str]], founded: Mapping[str, int], carried: Carried) -> tuple[Customer, ...]:
    """Rule 8. A contact without a founding time is alone."""
    customers = []
    for contacts in members.values():
        founder = contacts[0]
        if len(contacts) > 1:
            contacts.sort()
            founder = min(contacts, key=lambda contact: (founded.get(contact, 0), contact))
        customers.append(Customer(founder, tuple(contacts), _member_id(contacts, carried)))
    customers.sort(key=itemgetter(0))
    return tuple(customers)


def _member_id(contacts: Iterable[str], carried: Carried) -> str | None:
    """The member id that the contacts carry; a policy that guards no tier may leave several, of which the least."""
    values = [value for contact in contacts for key, value in carried.get(contact, ()) if key == _MEMBER]
    return min(values) if values else None
