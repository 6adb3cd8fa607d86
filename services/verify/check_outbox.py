"""Rebuilds membership from the customer-changes topic and compares it with the tables.

Like any consumer it applies each customer's changes in the order of their `seq` and `part`, each once.
"""

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import NamedTuple

from projections.engine.ids import IdOf
from projections.engine.metadata import Row
from projections.identity.keys import CustomerKey
from projections.identity.outbox import ChangeSequenceRow
from projections.identity.tables import MemberRow
from schemas.changes import CustomerChange, apply_change
from schemas.topics import CUSTOMER_CHANGES
from services.verify.comparing import TableComparison

Membership = dict[CustomerKey, list[str]]  # contact keys, sorted
ChangeHistory = dict[CustomerKey, dict[tuple[int, int], CustomerChange]]  # by (seq, part)


def add_changes(history: ChangeHistory, changes: Iterable[CustomerChange]) -> None:
    """Add changes to the history, in any order; one that comes again is ignored."""
    for change in changes:
        history.setdefault((change.tenant, change.customer_id), {}).setdefault((change.seq, change.part), change)


def compare_changes(
    history: ChangeHistory, members: Iterable[Row], sequences: Iterable[Row], id_of: IdOf
) -> TableComparison:
    """Compares the history with the member rows, and its numbers with the rows that count each customer's changes."""
    expected = _membership(members)
    replayed = {customer: _replay(changes) for customer, changes in history.items()}
    found = {
        customer: one.contacts
        for customer, one in replayed.items()
        # A contact without any evidence left is a customer of its own and needs no row.
        if one.contacts and (customer in expected or not _is_unlinked(customer, one.contacts, id_of))
    }
    gaps = [f"{_name(customer)}: {one.wrong}" for customer, one in replayed.items() if one.wrong]
    counted = {(row.tenant, row.customer_id): row.seq for row in (ChangeSequenceRow(*one) for one in sequences)}
    wrong = [*gaps, *_membership_differences(expected, found), *_seq_differences(history, counted)]
    return TableComparison(CUSTOMER_CHANGES.name, len(expected), len(found), min(wrong, default=None))


def _membership(rows: Iterable[Row]) -> Membership:
    members: Membership = {}
    for row in (MemberRow(*one) for one in rows):
        if row.current and row.customer_id is not None:
            members.setdefault((row.tenant, row.customer_id), []).append(row.contact)
    return {customer: sorted(contacts) for customer, contacts in members.items()}


class _Replayed(NamedTuple):
    """The contacts that a customer's changes leave it with, and what is wrong with the changes, if anything is."""

    contacts: list[str]
    wrong: str | None


def _replay(changes: Mapping[tuple[int, int], CustomerChange]) -> _Replayed:
    contacts: set[str] = set()
    following = (1, 1)
    wrong = None
    for place, change in sorted(changes.items(), key=itemgetter(0)):
        if place != following:
            wrong = wrong or "a change is missing"
        elif not _begins_with(change, contacts):
            wrong = wrong or "a change does not begin with the contacts that the one before it left"
        apply_change(change, contacts)
        if change.after is not None and change.after != sorted(contacts):
            wrong = wrong or "a change does not end with the contacts that its moves leave"
        following = (change.seq, change.part + 1) if change.part < change.parts else (change.seq + 1, 1)
    if following[1] > 1:
        wrong = wrong or "a part of a change is missing"
    return _Replayed(sorted(contacts), wrong)


def _begins_with(change: CustomerChange, contacts: set[str]) -> bool:
    """Whether the contacts can be those before the change."""
    went = {contact for move in change.went_to for contact in move.contacts}
    came = {contact for move in change.came_from for contact in move.contacts}
    listed = change.before is None or change.before == sorted(contacts)
    return listed and went <= contacts and contacts.isdisjoint(came)


def _is_unlinked(customer: CustomerKey, contacts: list[str], id_of: IdOf) -> bool:
    return len(contacts) == 1 and id_of(customer[0], contacts[0]) == customer[1]


def _membership_differences(expected: Membership, found: Membership) -> Iterator[str]:
    for customer in expected.keys() | found.keys():
        if expected.get(customer) != found.get(customer):
            yield f"{_name(customer)}: its contacts differ from those of its latest change"


def _seq_differences(history: ChangeHistory, counted: Mapping[CustomerKey, int]) -> Iterator[str]:
    for customer in history.keys() | counted.keys():
        if max(history.get(customer, ()), default=(0, 0))[0] != counted.get(customer, 0):
            yield f"{_name(customer)}: its number of changes differs from the topic's"


def _name(customer: CustomerKey) -> str:
    return f"tenant {customer[0]}, customer {customer[1]}"
