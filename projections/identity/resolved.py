"""Resolved components, and the rows that follow from them: the same for the fast case and for a full resolution.

Both only decide who belongs to which customer. What is written about it (members, customers, conflicts, changes) is
built here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import Key
from projections.identity.affected import Causes
from projections.identity.change_events import change_event, latest_causes
from projections.identity.contact_evidence import ContactEvidence
from projections.identity.customer_summary import CustomerSummary
from projections.identity.delta import CustomerMerge, IdentityDelta
from projections.identity.keys import ContactKey
from projections.identity.resolution.membership_changes import Change, changes, grown
from projections.identity.rules import PolicyInForce
from projections.identity.tables import ConflictRow, CustomerRow, MemberRow
from schemas.changes import CustomerChange


class Assignment(NamedTuple):
    """A contact and the customer it belongs to now.

    ``before`` is its row, if it has one. ``evidence`` is None where it is as the row has it. ``refused`` is the number
    of its refused links.
    """

    contact_id: UUID
    contact: str
    before: MemberRow | None
    evidence: ContactEvidence | None
    customer_id: UUID
    component: UUID
    refused: int


class Resolved(NamedTuple):
    """Contacts of one tenant that were resolved together: whole components before and after.

    ``assignments`` may leave out contacts that need no new row, except by ``merged``: customers that go into another
    one as a whole. ``customers_before`` has the row of each customer, or None where it was not read.
    ``contacts_before`` and ``contacts_after`` are the contact keys of each customer, and empty where nobody's customer
    changes; ``new`` are those that had none before. ``founders`` are the contacts whose personal ids are the customers'
    ids, as far as customers end or begin. ``sources`` are the contacts whose causes are those of a customer's change;
    for customers without sources of their own these are the ``affected`` contacts.
    """

    tenant: str
    assignments: list[Assignment]
    customers_before: Mapping[UUID, CustomerRow | None]
    customers: Mapping[UUID, CustomerSummary]
    conflicts_before: Mapping[Key, ConflictRow]
    conflicts: list[ConflictRow]
    contacts_before: Mapping[UUID, Sequence[str]]
    contacts_after: Mapping[UUID, Sequence[str]]
    new: Sequence[str]
    founders: Mapping[UUID, str]
    sources: Mapping[UUID, Collection[ContactKey]]
    affected: Collection[ContactKey]
    merged: Mapping[UUID, UUID]


def add_to(delta: IdentityDelta, one: Resolved, force: PolicyInForce, causes: Causes) -> None:
    """Add what is written for resolved components."""
    place = (one.tenant, force.resolution_id)
    for assignment in one.assignments:
        row = member_row(place, assignment)
        if assignment.before is None:
            delta.members_new.append(row)
        elif row != assignment.before:
            delta.members.append(row)
    for gone, into in one.merged.items():
        delta.merges.append(CustomerMerge(*place, gone, into))
    _add_customers(delta, place, one)
    if one.conflicts or one.conflicts_before:
        known = dict(one.conflicts_before)
        delta.conflicts.extend(row for row in one.conflicts if known.pop(row.key, None) != row)
        delta.conflicts_gone.extend(known)
    if force.announced and (one.contacts_after or one.contacts_before):
        delta.changes.extend(_changes(one, force, causes))


def member_row(place: tuple[str, str], one: Assignment) -> MemberRow:
    """The row of a contact in a (tenant, resolution)."""
    if one.evidence is not None:
        texts, first_referenced_at = one.evidence.texts, one.evidence.first_referenced_at
    elif one.before is not None:
        texts, first_referenced_at = (one.before.holdings, one.before.decisions), one.before.first_referenced_at
    else:
        texts, first_referenced_at = ContactEvidence().texts, None
    tenant, resolution_id = place
    return MemberRow(
        tenant,
        resolution_id,
        one.contact_id,
        one.contact,
        one.customer_id,
        one.component,
        one.refused,
        first_referenced_at,
        *texts,
    )


def _add_customers(delta: IdentityDelta, place: tuple[str, str], one: Resolved) -> None:
    for customer_id, summary in one.customers.items():
        row = summary.row(*place, customer_id)
        if customer_id not in one.customers_before:
            delta.customers_new.append(row)
        elif one.customers_before[customer_id] != row:
            delta.customers.append(row)
    for customer_id in one.customers_before:
        if customer_id not in one.customers:
            delta.customers_gone.append((*place, customer_id))


def _changes(one: Resolved, force: PolicyInForce, causes: Causes) -> Iterator[CustomerChange]:
    for change in _membership_changes(one):
        stamps = latest_causes(causes, one.sources.get(change.customer_id, one.affected))
        yield change_event(one.tenant, change, stamps, force.version)


def _membership_changes(one: Resolved) -> list[Change]:
    before, after = one.contacts_before, one.contacts_after
    if len(after) == 1 and before.keys() <= after.keys():  # the usual case: new contacts, or none
        (customer_id,) = after
        return [grown(customer_id, before.get(customer_id, ()), one.new)] if one.new else []
    return changes(_by_contact(before), _by_contact(after), one.founders)


def _by_contact(customers: Mapping[UUID, Iterable[str]]) -> dict[str, UUID]:
    return {contact: customer_id for customer_id, contacts in customers.items() for contact in contacts}
