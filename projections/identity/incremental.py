"""Fast case: a contact that joins a conflict-free component without adding a conflict needs no full resolution.

`customer_summary` says what conflict-free means. The fast case applies where no link was lost, no decision was made,
no contact has too many values of a type, and of each exclusive type and scope there is still one value. Then all
contacts that the new evidence links, new ones and those of conflict-free components, are one customer; what their
other contacts stated need not even be read. A full resolution gives the same, only slower.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from projections.identity.affected import Affected, OverLimitByTenant
from projections.identity.conflict_rows import conflict_row
from projections.identity.contact_updates import ContactUpdate, Updates
from projections.identity.customer_summary import (
    EMPTY,
    PREFERRED_TYPES,
    CustomerSummary,
    founding_time,
    summarise_contact,
    summary_in,
)
from projections.identity.keys import ContactKey, CustomerKey
from projections.identity.resolution.evidence import Holding
from projections.identity.resolution.links import Link, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolved import Assignment, Resolved
from projections.identity.rules import Rules
from projections.identity.tables import CustomerRow


class CurrentCustomer(NamedTuple):
    """The component and the customer that a contact belongs to."""

    component: UUID
    customer: CustomerRow


@dataclass(slots=True)
class _Group:
    """Affected contacts of one tenant that are linked, with the customers they belong to by customer id.

    ``new`` have no row yet, ``known`` have one and new evidence.
    """

    contacts: list[ContactKey] = field(default_factory=list)
    new: list[ContactKey] = field(default_factory=list)
    known: list[ContactKey] = field(default_factory=list)
    customers: dict[UUID, CustomerRow] = field(default_factory=dict)


class Merged(NamedTuple):
    """Contacts that are one customer without conflicts.

    ``generic`` are links of contacts with new evidence to identifiers over their limit.
    """

    contacts: list[ContactKey]
    new: list[ContactKey]
    known: list[ContactKey]
    customers: Mapping[UUID, CustomerRow]
    customer_id: UUID
    summary: CustomerSummary
    generic: Mapping[ContactKey, list[Link]]

    @property
    def tenant(self) -> str:
        """The tenant of all of the contacts."""
        return self.contacts[0][0]

    @property
    def membership_changes(self) -> bool:
        """Whether any contact belongs to another customer than before."""
        return bool(self.new) or len(self.customers) > 1 or self.customer_id not in self.customers

    @property
    def lookups(self) -> list[CustomerKey]:
        """The customers whose contacts must be known to tell what changes."""
        return [(self.tenant, customer_id) for customer_id in self.customers] if self.membership_changes else []


def merge_incrementally(
    updates: Updates,
    affected: Affected,
    current: Mapping[ContactKey, CurrentCustomer],
    over_limit: OverLimitByTenant,
    rules: Rules,
) -> list[Merged]:
    """The components that need no full resolution.

    ``current`` are the customers of affected contacts that have a row; ``over_limit`` must have the identifiers over
    their limit that contacts with derived links link to.
    """
    groups = _groups(updates, affected, current)
    merged = (_merge(group, updates, over_limit, rules) for group in groups)
    return [one for one in merged if one is not None]


def _groups(updates: Updates, affected: Affected, current: Mapping[ContactKey, CurrentCustomer]) -> Iterable[_Group]:
    """The affected contacts that are linked by new evidence or in one component, without those with conflicts."""
    sets = _DisjointSets()
    conflicting = [
        one for one in affected.contacts if one in affected.unlinked or _needs_full_resolution(updates.get(one))
    ]
    for linked in affected.linked:
        for one in linked[1:]:
            sets.join(linked[0], one)
    first: dict[tuple[str, UUID], ContactKey] = {}
    for one, home in current.items():
        sets.join(one, first.setdefault((one[0], home.component), one))
        if home.customer.exclusive is None or home.customer.founded_at is None:
            conflicting.append(one)
    excluded = {sets.find(one) for one in conflicting}
    groups: dict[ContactKey, _Group] = {}
    for one in affected.contacts:
        root = sets.find(one)
        if root not in excluded:
            _enter(groups.setdefault(root, _Group()), one, updates, current.get(one))
    return groups.values()


def _enter(group: _Group, contact_id: ContactKey, updates: Updates, home: CurrentCustomer | None) -> None:
    group.contacts.append(contact_id)
    if home is None:
        group.new.append(contact_id)
        return
    group.customers[home.customer.customer_id] = home.customer
    if contact_id in updates:
        group.known.append(contact_id)


def _needs_full_resolution(update: ContactUpdate | None) -> bool:
    """Whether the contact itself has, or may have, a conflict in its component."""
    if update is None:
        return False
    if update.reduced or update.before.decisions or update.after.decisions:
        return True
    return update.links is not None and (bool(update.links.refused) or _may_be_less(update))


def _may_be_less(update: ContactUpdate) -> bool:
    """Whether what the contact stated last may be something earlier than before, so that a maximum has to sink.

    That happens where something is retracted that was not, or a phone or an e-mail is intrinsic by an earlier event;
    and where a value that is spelt in a new way may be one that was known.
    """
    before = update.before.holdings
    return any(
        _may_sink(identifier[0], before.get(identifier), holding, before)
        for identifier, holding in update.after.holdings.items()
        if before.get(identifier) != holding
    )


def _may_sink(
    type_name: str, then: Holding | None, now: Holding, before: Mapping[NormalisedIdentifier, Holding]
) -> bool:
    preferred = type_name in PREFERRED_TYPES
    if then is not None:
        return now.last_retracted is not None or (preferred and then.first_intrinsic not in {None, now.first_intrinsic})
    if not preferred or (now.last_retracted is None and now.first_intrinsic is None):
        return False
    return any(known == type_name for known, _ in before)


class _DisjointSets:
    """Disjoint sets of contacts."""

    def __init__(self) -> None:
        self._parents: dict[ContactKey, ContactKey] = {}

    def find(self, one: ContactKey) -> ContactKey:
        parents = self._parents
        parent = parents.get(one, one)
        while parent != one:
            parents[one] = parents.get(parent, parent)
            one, parent = parent, parents.get(parent, parent)
        return one

    def join(self, one: ContactKey, other: ContactKey) -> None:
        one, other = self.find(one), self.find(other)
        if one != other:
            self._parents[other] = one


def _merge(group: _Group, updates: Updates, over_limit: OverLimitByTenant, rules: Rules) -> Merged | None:
    """The group as one customer, or None if its exclusive values differ."""
    tenant = group.contacts[0][0]
    policy = rules.policy_of(tenant).policy
    summary = EMPTY
    for row in group.customers.values():
        summary = summary.merge(summary_in(row))
    generic: dict[ContactKey, list[Link]] = {}
    for number, one in enumerate((*group.new, *group.known)):
        links, refused = _by_limit(updates[one], over_limit.get(tenant, {}))
        summary = summary.merge(_summary(updates[one], links, policy, counted=number < len(group.new)))
        if refused:
            generic[one] = refused
    if summary.exclusive is None:
        return None
    customer_id = rules.id_of(tenant, summary.founder)
    return Merged(group.contacts, group.new, group.known, group.customers, customer_id, summary, generic)


def _by_limit(update: ContactUpdate, over_limit: Mapping[NormalisedIdentifier, int]) -> tuple[list[Link], list[Link]]:
    """The contact's derived links: those that *generic value* leaves, and those to identifiers over their limit."""
    found: tuple[list[Link], list[Link]] = ([], [])
    if update.links is not None:
        for link in update.links.links:
            tier = over_limit.get(link.identifier)
            found[tier is not None and link.tier >= tier].append(link)
    return found


def _summary(update: ContactUpdate, links: list[Link], policy: Policy, *, counted: bool) -> CustomerSummary:
    """What the contact's new evidence adds to the summary of its customer."""
    stated = update.links.first_stated_at if update.links is not None else None
    founded_at = founding_time(update.contact, stated, update.after.first_referenced_at, policy)
    summary = summarise_contact(update.contact, founded_at, links, update.after.holdings, policy)
    return summary if counted else summary._replace(contacts=0)


def resolved_by_merging(
    one: Merged, updates: Updates, contacts: Mapping[CustomerKey, list[str]], rules: Rules
) -> Resolved:
    """The merged component; ``contacts`` are the contact keys of the customers in ``one.lookups``."""
    tenant, customer_id = one.tenant, one.customer_id
    place = (tenant, rules.resolution_of(tenant))
    before: dict[UUID, list[str]] = {}
    after: dict[UUID, list[str]] = {}
    new = [updates[contact_id].contact for contact_id in one.new]
    if one.membership_changes:
        before = {customer: contacts[tenant, customer] for customer in one.customers if (tenant, customer) in contacts}
        after = {customer_id: [*new, *(contact for of_customer in before.values() for contact in of_customer)]}
    founders: dict[UUID, str] = {}
    if not one.customers.keys() <= {customer_id}:  # rare
        founders = {customer: row.founder for customer, row in one.customers.items()}
        founders[customer_id] = one.summary.founder
    return Resolved(
        tenant=tenant,
        assignments=[_assignment(one, contact_id, updates[contact_id]) for contact_id in (*one.new, *one.known)],
        customers_before=one.customers,
        customers={customer_id: one.summary},
        conflicts_before={},
        conflicts=[
            conflict_row(place, contact_id[1], RefusedLink(link, "generic"), link.since)
            for contact_id, links in one.generic.items()
            for link in links
        ],
        contacts_before=before,
        contacts_after=after,
        new=new,
        founders=founders,
        sources={},
        affected=one.contacts,
        merged={customer: customer_id for customer in founders if customer != customer_id},
    )


def _assignment(one: Merged, contact_id: ContactKey, update: ContactUpdate) -> Assignment:
    """A conflict-free component goes by the id of its one customer."""
    refused = len(one.generic.get(contact_id, ()))
    if update.links is None and update.row is not None:
        refused = update.row.refused
    evidence = update.after if update.row is None or update.after != update.before else None
    belongs = (one.customer_id, one.customer_id, refused)
    return Assignment(contact_id[1], update.contact, update.row, evidence, *belongs)
