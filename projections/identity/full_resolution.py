"""Full resolution of components of one tenant: by the rules, from the evidence of all of their contacts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from projections.identity.conflict_rows import conflict_rows
from projections.identity.contact_evidence import ContactEvidence, combine, evidence_of
from projections.identity.contact_updates import Updates
from projections.identity.customer_summary import EMPTY, CustomerSummary, founding_time, summarise_contact
from projections.identity.keys import ContactKey
from projections.identity.resolution.components import components_by_links
from projections.identity.resolution.contact_links import ContactLinks, derive_links
from projections.identity.resolution.holders import OverLimit
from projections.identity.resolution.links import STAFF, Customer, Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, resolve
from projections.identity.resolved import Assignment, Resolved
from projections.identity.rules import PolicyInForce
from projections.identity.tables import ConflictRow, CustomerRow, MemberRow

_NO_CONFLICT: Final = frozenset({"generic", "shared_device"})  # refusals that distinguish nobody


@dataclass(frozen=True, slots=True)
class StoredComponents:
    """What is stored of whole components of one tenant: the rows of their contacts by id, and their conflicts.

    A contact without a row is new. ``customers`` are the rows of those customers that were read.
    """

    tenant: str
    rows: Mapping[UUID, MemberRow | None]
    conflicts: Iterable[ConflictRow]
    customers: Mapping[UUID, CustomerRow]


@dataclass(frozen=True, slots=True)
class _Members:
    """The contacts to resolve, by contact key: their evidence now, and their rows before."""

    ids: Mapping[str, UUID]
    rows: Mapping[str, MemberRow | None]
    evidence: Mapping[str, ContactEvidence]
    links: Mapping[str, ContactLinks]  # of the contacts that stated something
    updated: frozenset[str]  # the contacts with new evidence


def _members_of(stored: StoredComponents, updates: Updates, policy: Policy) -> _Members:
    ids: dict[str, UUID] = {}
    rows: dict[str, MemberRow | None] = {}
    evidence: dict[str, ContactEvidence] = {}
    links: dict[str, ContactLinks] = {}
    updated: list[str] = []
    for contact_id, row in stored.rows.items():
        update = updates.get((stored.tenant, contact_id))
        contact = update.contact if update else row.contact  # type: ignore[union-attr] # without a row it is an update
        ids[contact], rows[contact] = contact_id, row
        one = evidence[contact] = update.after if update else evidence_of(row)
        if one.holdings:
            links[contact] = (update.links if update else None) or derive_links(contact, one.holdings, policy)
        if update:
            updated.append(contact)
    return _Members(ids, rows, evidence, links, frozenset(updated))


def resolve_components(
    stored: StoredComponents, updates: Updates, over_limit: OverLimit, force: PolicyInForce
) -> Resolved:
    """Resolve all contacts of the components.

    Contacts without a row must be among the ``updates``. ``over_limit`` are the identifiers that more contacts hold
    than may, counted over the whole tenant.
    """
    tenant, members = stored.tenant, _members_of(stored, updates, force.policy)
    evidence = combine(members.evidence)
    resolution = resolve(evidence, force.policy, over_limit, members.links)
    links = _links_not_generic(resolution)
    components = components_by_links(evidence, (link for found in links.values() for link in found), {})
    place = (tenant, force.resolution_id)
    after = {members.ids[one.founder]: one for one in resolution.customers}
    customer_of = {contact: customer_id for customer_id, one in after.items() for contact in one.contacts}
    before: dict[UUID, list[str]] = {}
    for contact, row in members.rows.items():
        if row is not None:
            before.setdefault(row.customer_id, []).append(contact)
    found = list(conflict_rows(place, members.ids, resolution, (link for of in links.values() for link in of)))
    contact_of = {contact_id: contact for contact, contact_id in members.ids.items()}
    component_of = {contact: component for component in components for contact in component}
    founders = {customer_id: contact_of[customer_id] for customer_id in (*before, *after)}
    return Resolved(
        tenant=tenant,
        assignments=_assignments(members, customer_of, components, after, found),
        customers_before={customer_id: stored.customers.get(customer_id) for customer_id in before},
        customers=_summaries(members, resolution, links, components, force),
        conflicts_before={row.key: row for row in stored.conflicts},
        conflicts=found,
        contacts_before={customer_id: sorted(contacts) for customer_id, contacts in before.items()},
        contacts_after={customer_id: one.contacts for customer_id, one in after.items()},
        new=[contact for contact, row in members.rows.items() if row is None],
        founders=founders,
        merged={},
        affected=(),
        sources={customer_id: _ids(tenant, members, component_of[one]) for customer_id, one in founders.items()},
    )


def _ids(tenant: str, members: _Members, contacts: Iterable[str]) -> list[ContactKey]:
    return [(tenant, members.ids[contact]) for contact in contacts]


def _links_not_generic(resolution: Resolution) -> dict[str, list[Link]]:
    """The links that are left after *generic value*, by contact."""
    refused = (one.link for one in resolution.refused if one.reason not in _NO_CONFLICT)
    links: dict[str, list[Link]] = {}
    for link in (*resolution.accepted, *refused):
        if link.type != STAFF:
            links.setdefault(link.contact, []).append(link)
    return links


def _assignments(
    members: _Members,
    customer_of: Mapping[str, UUID],
    components: Iterable[frozenset[str]],
    customers: Mapping[UUID, Customer],
    conflicts: Iterable[ConflictRow],
) -> list[Assignment]:
    """Each contact with its customer, and with its component, which goes by the id of its first customer."""
    component_of: dict[str, UUID] = {}
    for contacts in components:
        first = min(customers[customer_of[contact]].founder for contact in contacts)
        component_of.update(dict.fromkeys(contacts, members.ids[first]))
    refused: dict[UUID, int] = {}
    for row in conflicts:
        refused[row.contact_id] = refused.get(row.contact_id, 0) + 1
    return [
        Assignment(
            contact_id,
            contact,
            members.rows[contact],
            members.evidence[contact] if members.rows[contact] is None or contact in members.updated else None,
            customer_of[contact],
            component_of[contact],
            refused.get(contact_id, 0),
        )
        for contact, contact_id in members.ids.items()
    ]


def _summaries(
    members: _Members,
    resolution: Resolution,
    links: Mapping[str, list[Link]],
    components: Iterable[frozenset[str]],
    force: PolicyInForce,
) -> dict[UUID, CustomerSummary]:
    conflict_free = _conflict_free(resolution, components)
    decided = _first_decided(resolution)
    summaries: dict[UUID, CustomerSummary] = {}
    for customer in resolution.customers:
        summary = EMPTY
        for contact in customer.contacts:
            summary = summary.merge(_summary(contact, members, links.get(contact, ()), decided, force))
        if customer.founder not in conflict_free:
            summary = summary._replace(exclusive=None)
        summaries[members.ids[customer.founder]] = summary
    return summaries


def _summary(
    contact: str, members: _Members, links: Iterable[Link], decided: Mapping[str, int], force: PolicyInForce
) -> CustomerSummary:
    evidence = members.evidence[contact]
    stated = members.links[contact].first_stated_at if contact in members.links else None
    times = [at for at in (stated, decided.get(contact)) if at is not None]
    founded_at = founding_time(contact, min(times, default=None), evidence.first_referenced_at, force.policy)
    return summarise_contact(contact, founded_at, links, evidence.holdings, force.policy)


def _first_decided(resolution: Resolution) -> dict[str, int]:
    """When the first decision was made about each contact."""
    first: dict[str, int] = {}
    for pair, decision in resolution.evidence.decisions.items():
        for contact in pair:
            first[contact] = min(decision.first_stated_at, first.get(contact, decision.first_stated_at))
    return first


def _conflict_free(resolution: Resolution, components: Iterable[frozenset[str]]) -> set[str]:
    """The contacts in components without decisions and without refusals that distinguish people."""
    conflicting = {contact for pair in resolution.evidence.decisions for contact in pair}
    conflicting |= {one.link.contact for one in resolution.refused if one.reason not in _NO_CONFLICT}
    return {contact for contacts in components if conflicting.isdisjoint(contacts) for contact in contacts}
