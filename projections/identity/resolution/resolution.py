"""``resolve``: evidence and a policy in; customers and their founders, accepted and refused links out.

The rule is docs/identity-resolution.md#customer-id.

A customer's id is the permanent personal id of its founder, which the caller derives, since this package has no keys.
The founder is the least contact by (founded_at, contact key). ``founded_at`` is the time of the earliest evidence or
decision ever stated by or about the contact.

Choices where the rules allow two readings:

- blocked values are no evidence, so they found nobody; retractions, tierless claims and ``undecided`` do;
- a statement about a contact is one that names it: as the value of a ``contact`` identifier, or in a decision;
- a customer's member id is one that its contacts still have after *generic value*: none if they link through none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from projections.identity.resolution.clusters import Node, join
from projections.identity.resolution.contact_links import ContactLinks, derive_links
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.holders import (
    ExclusiveValues,
    OverLimit,
    exclusive_values_of,
    find_over_limit,
    grouped,
    without_generic,
    without_shared,
)
from projections.identity.resolution.links import Customer, Excluded, Link, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import WHOLE_TENANT, normalise

LinksByContact = Mapping[str, ContactLinks]  # by contact
NOTHING_OVER_LIMIT: Final[OverLimit] = MappingProxyType({})
NO_LINKS_KNOWN: Final[LinksByContact] = MappingProxyType({})
_MEMBER: Final = ("member_id", WHOLE_TENANT)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The customers and links that follow from evidence by a policy. No field may be changed."""

    customers: tuple[Customer, ...]  # by founder
    accepted: tuple[Link, ...]  # in the order of *join*
    refused: tuple[RefusedLink, ...]  # in the order of *join*, whichever rule refused them
    excluded: tuple[Excluded, ...]  # by contact, type and value
    evidence: Evidence
    policy: Policy


def resolve(
    evidence: Evidence,
    policy: Policy,
    over_limit: OverLimit = NOTHING_OVER_LIMIT,
    known_links: LinksByContact = NO_LINKS_KNOWN,
) -> Resolution:
    """Resolve the evidence of a tenant, or of some of its components.

    ``over_limit`` are identifiers known to be generic from a count over the whole tenant: the evidence need not contain
    all of their holders. ``known_links`` are the links of some contacts, where they have been derived already.
    """
    links: list[Link] = []
    refused: list[RefusedLink] = []
    excluded: list[Excluded] = []
    founded: dict[str, int] = {}
    for contact, own in derive_all_links(evidence, policy, known_links):
        links.extend(own.links)
        refused.extend(own.refused)
        excluded.extend(own.excluded)
        if own.first_stated_at is not None:
            founded[contact] = own.first_stated_at
    groups = grouped(links)
    groups, generic = without_generic(groups, {**find_over_limit(groups, policy), **over_limit})
    exclusive_values = exclusive_values_of(groups, policy)
    groups, shared = without_shared(groups, exclusive_values, policy)
    joined = join(groups, evidence.decisions, exclusive_values, policy)
    members = _members(evidence.contacts, joined.clusters.find)
    _found_others(founded, evidence, policy)
    return Resolution(
        customers=_customers(members, founded, exclusive_values),
        accepted=tuple(joined.accepted),
        refused=tuple(sorted([*refused, *generic, *shared, *joined.refused])),
        excluded=tuple(sorted(excluded)),
        evidence=evidence,
        policy=policy,
    )


def derive_all_links(
    evidence: Evidence, policy: Policy, known: LinksByContact = NO_LINKS_KNOWN
) -> Iterator[tuple[str, ContactLinks]]:
    """The links of each contact that stated something, by the rules that look at it alone."""
    for contact, stated in evidence.holdings.items():
        yield contact, known.get(contact) or derive_links(contact, stated, policy)


def _found_others(founded: dict[str, int], evidence: Evidence, policy: Policy) -> None:
    """Add the founding times by statements of others about a contact and by decisions about it."""
    for contact, at in evidence.first_referenced_at.items():
        if normalise("contact", contact, policy) is not None:
            founded[contact] = min(at, founded.get(contact, at))
    for pair, decision in evidence.decisions.items():
        for contact in pair:
            founded[contact] = min(decision.first_stated_at, founded.get(contact, decision.first_stated_at))


def _members(contacts: Iterable[str], find: Callable[[Node], Node]) -> dict[Node, list[str]]:
    members: dict[Node, list[str]] = {}
    for contact in contacts:
        members.setdefault(find(contact), []).append(contact)
    return members


def _customers(
    members: Mapping[Node, list[str]], founded: Mapping[str, int], exclusive_values: ExclusiveValues
) -> tuple[Customer, ...]:
    """The customers. A contact without a founding time is always a customer by itself."""
    customers = []
    for contacts in members.values():
        founder = contacts[0]
        if len(contacts) > 1:
            contacts.sort()
            founder = min(contacts, key=lambda contact: (founded.get(contact, 0), contact))
        customers.append(Customer(founder, tuple(contacts), _member_id(contacts, exclusive_values)))
    customers.sort(key=itemgetter(0))
    return tuple(customers)


def _member_id(contacts: Iterable[str], exclusive_values: ExclusiveValues) -> str | None:
    """The member id of the contacts. A policy that guards no tier may leave several: then the least."""
    values = [value for contact in contacts for key, value in exclusive_values.get(contact, ()) if key == _MEMBER]
    return min(values) if values else None
