"""From a resolution to rows: what becomes of a tenant's contacts that were resolved again, and what is told of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from projections.engine.metadata import Key
from projections.identity.affected import Causes
from projections.identity.change_events import latest_causes, told_of
from projections.identity.conflict_rows import refusal_rows
from projections.identity.contact_evidence import ContactEvidence, evidence_in
from projections.identity.ports import PolicyInForce
from projections.identity.resolution.components import components_by_links
from projections.identity.resolution.contact_links import normalised
from projections.identity.resolution.holders import OverLimit
from projections.identity.resolution.links import STAFF, Customer, Link
from projections.identity.resolution.membership_changes import Change, changes
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import LinksByContact, Resolution, resolve
from projections.identity.resolution.values import normalise
from projections.identity.store import IdentityDelta
from projections.identity.summaries import BEST_OF, Bests, Exclusives, Standard, best_of, better, exclusives_in
from projections.identity.tables import ConflictRow, CustomerRow, MemberRow
from schemas.changes import CustomerChange

_REFUSED_IN_PEACE: Final = frozenset({"generic", "shared_device"})  # these tell nobody apart


@dataclass(frozen=True, slots=True)
class Part:
    """Contacts of one tenant, whole components, by contact key: dossiers as they are, rows as they were."""

    tenant: str
    policy: Policy
    dossiers: Mapping[str, ContactEvidence]
    rows: Mapping[str, MemberRow | None]
    ids: Mapping[str, UUID]
    amended: frozenset[str]  # whose dossiers changed
    standings: LinksByContact  # those that are known already
    refusals: Mapping[Key, ConflictRow]
    crowded: OverLimit
    causes: Causes


class Resolved(NamedTuple):
    """A resolution, its links after rules 1 to 4, and the components of its contacts."""

    resolution: Resolution
    links: list[Link]
    components: list[frozenset[str]]


def settle(part: Part, force: PolicyInForce) -> IdentityDelta:
    """Resolve the part; what is to be written."""
    resolved = _resolve(part)
    refusals = {row[:4]: row for row in refusal_rows(part.tenant, part.ids, resolved.resolution, resolved.links)}
    belongs = {contact: part.ids[one.founder] for one in resolved.resolution.customers for contact in one.contacts}
    belonged = {contact: row.customer_id for contact, row in part.rows.items() if row is not None}
    told = changes(belonged, belongs, {part.ids[contact]: contact for contact in belongs})
    members = list(_members(part, resolved, belongs, refusals))
    customers, were = _customers(part, resolved), set(belonged.values())
    return IdentityDelta(
        members_new=[row for row in members if part.rows[row.contact] is None],
        members=[row for row in members if part.rows[row.contact] is not None],
        customers_new=[row for row in customers if row.customer_id not in were],
        customers=[row for row in customers if row.customer_id in were],
        customers_gone=[(part.tenant, one.customer_id) for one in told if not one.after],
        refusals=[row for key, row in refusals.items() if part.refusals.get(key) != row],
        refusals_gone=[key for key in part.refusals if key not in refusals],
        changes=list(_changes(part, resolved, told, force)) if force.told else [],
    )


def _resolve(part: Part) -> Resolved:
    evidence = evidence_in(part.dossiers)
    resolution = resolve(evidence, part.policy, part.crowded, part.standings)
    refused = [one.link for one in resolution.refused if one.reason not in _REFUSED_IN_PEACE]
    links = [link for link in (*resolution.accepted, *refused) if link.type != STAFF]
    return Resolved(resolution, links, components_by_links(evidence, links, {}))


def _members(
    part: Part, resolved: Resolved, belongs: Mapping[str, UUID], refusals: Iterable[Key]
) -> Iterator[MemberRow]:
    """The rows that are not as they were."""
    components = _component_ids(part, resolved)
    refused: dict[UUID, int] = {}
    for key in refusals:
        refused[key[1]] = refused.get(key[1], 0) + 1
    for contact, dossier in part.dossiers.items():
        before, contact_id = part.rows[contact], part.ids[contact]
        if before is None or contact in part.amended:
            holdings, decisions = dossier.texts
        else:
            holdings, decisions = before.holdings, before.decisions
        after = MemberRow(
            part.tenant,
            contact_id,
            contact,
            belongs[contact],
            components[contact],
            refused.get(contact_id, 0),
            dossier.named_at,
            holdings,
            decisions,
        )
        if after != before:
            yield after


def _component_ids(part: Part, resolved: Resolved) -> dict[str, UUID]:
    """Each contact's component, by the id of its first customer."""
    founders = {contact: one.founder for one in resolved.resolution.customers for contact in one.contacts}
    ids: dict[str, UUID] = {}
    for contacts in resolved.components:
        first = min({founders[contact] for contact in contacts})
        ids.update(dict.fromkeys(contacts, part.ids[first]))
    return ids


def _customers(part: Part, resolved: Resolved) -> list[CustomerRow]:
    links: dict[str, list[Link]] = {}
    for link in resolved.links:
        links.setdefault(link.contact, []).append(link)
    decided, peaceful = _first_decided(resolved.resolution), _peaceful(resolved, links)
    found = [
        _customer(part, customer, links, decided, peaceful.get(customer.founder))
        for customer in resolved.resolution.customers
    ]
    return [one.row(part.tenant, part.ids[one.founder]) for one in found]


def _customer(
    part: Part,
    customer: Customer,
    links: Mapping[str, list[Link]],
    decided: Mapping[str, int],
    exclusive: Exclusives | None,
) -> Standard:
    best: Bests = {}
    for contact in customer.contacts:
        offered = [link for link in links.get(contact, ()) if link.type in BEST_OF]
        if offered:
            holdings, _ = normalised(part.dossiers[contact].holdings, part.policy)
            best = better(best, best_of(offered, holdings))
    founded_at = _founded_at(part, customer.founder, decided)
    return Standard(customer.founder, founded_at, len(customer.contacts), customer.member_id, best, exclusive)


def _first_decided(resolution: Resolution) -> dict[str, int]:
    """When something was first decided of a contact."""
    first: dict[str, int] = {}
    for pair, decision in resolution.evidence.decisions.items():
        for contact in pair:
            first[contact] = min(decision.first_stated_at, first.get(contact, decision.first_stated_at))
    return first


def _founded_at(part: Part, contact: str, decided: Mapping[str, int]) -> int | None:
    """The earliest of what was stated by or about a contact, if anything was that is evidence."""
    dossier = part.dossiers[contact]
    holdings, _ = normalised(dossier.holdings, part.policy)
    times = [holding.first_stated_at for holding in holdings.values()]
    if contact in decided:
        times.append(decided[contact])
    if dossier.named_at is not None and normalise("contact", contact, part.policy) is not None:
        times.append(dossier.named_at)
    return min(times, default=None)


def _peaceful(resolved: Resolved, links: Mapping[str, list[Link]]) -> dict[str, Exclusives]:
    """The exclusive values of each peaceful component, by the contact that founds its one customer."""
    resolution = resolved.resolution
    restless = {contact for pair in resolution.evidence.decisions for contact in pair}
    restless |= {one.link.contact for one in resolution.refused if one.reason not in _REFUSED_IN_PEACE}
    founders = {contact: one.founder for one in resolution.customers for contact in one.contacts}
    peaceful: dict[str, Exclusives] = {}
    for contacts in resolved.components:
        if restless.isdisjoint(contacts):
            found = exclusives_in(
                (link for contact in contacts for link in links.get(contact, ())), resolution.policy, {}
            )
            if found is not None:
                peaceful[founders[next(iter(contacts))]] = found
    return peaceful


def _changes(part: Part, resolved: Resolved, told: Iterable[Change], force: PolicyInForce) -> Iterator[CustomerChange]:
    if not told:
        return
    contact_of = {contact_id: contact for contact, contact_id in part.ids.items()}
    component_of = {contact: contacts for contacts in resolved.components for contact in contacts}
    for one in told:
        reached = [(part.tenant, part.ids[other]) for other in component_of[contact_of[one.customer_id]]]
        yield told_of(force.tenant, one, latest_causes(part.causes, reached), force.version)
