"""Rebuilds membership from the customer-changes topic and compares it with the tables.

Like any consumer it keeps each customer's latest change, and ignores a change whose `seq` it has processed.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from projections.engine.ids import IdOf
from projections.engine.metadata import Row
from projections.identity.keys import CustomerKey
from projections.identity.tables import ChangeSequenceRow, MemberRow
from schemas.changes import CustomerChange
from schemas.topics import CUSTOMER_CHANGES
from services.verify.comparing import TableComparison

Membership = dict[CustomerKey, list[str]]  # contact keys, sorted


class ReadChange(NamedTuple):
    """The part of a change that is kept: the customer's contacts before and after it."""

    before: list[str]
    after: list[str]


ChangeHistory = dict[CustomerKey, dict[int, ReadChange]]  # by seq


def add_changes(history: ChangeHistory, changes: Iterable[CustomerChange]) -> None:
    """Add changes to the history, in any order; one that comes again is ignored."""
    for change in changes:
        by_seq = history.setdefault((change.tenant, change.customer_id), {})
        by_seq.setdefault(change.seq, ReadChange(change.before, change.after))


def compare_changes(
    history: ChangeHistory, members: Iterable[Row], sequences: Iterable[Row], id_of: IdOf
) -> TableComparison:
    """Compares the history with the member rows, and its numbers with the rows that count each customer's changes."""
    expected = _membership(members)
    found = {
        customer: contacts
        for customer, contacts in _latest(history).items()
        # A contact without any evidence left is a customer of its own and needs no row.
        if customer in expected or not _is_unlinked(customer, contacts, id_of)
    }
    counted = {(row.tenant, row.customer_id): row.seq for row in (ChangeSequenceRow(*one) for one in sequences)}
    wrong = [*_gaps(history), *_membership_differences(expected, found), *_seq_differences(history, counted)]
    return TableComparison(CUSTOMER_CHANGES.name, len(expected), len(found), min(wrong, default=None))


def _membership(rows: Iterable[Row]) -> Membership:
    members: Membership = {}
    for row in (MemberRow(*one) for one in rows):
        if row.current and row.customer_id is not None:
            members.setdefault((row.tenant, row.customer_id), []).append(row.contact)
    return {customer: sorted(contacts) for customer, contacts in members.items()}


def _latest(history: ChangeHistory) -> Membership:
    latest = {customer: changes[max(changes)].after for customer, changes in history.items()}
    return {customer: contacts for customer, contacts in latest.items() if contacts}


def _is_unlinked(customer: CustomerKey, contacts: list[str], id_of: IdOf) -> bool:
    return len(contacts) == 1 and id_of(customer[0], contacts[0]) == customer[1]


def _gaps(history: ChangeHistory) -> Iterator[str]:
    for customer, changes in history.items():
        ordered = [ReadChange([], []), *(changes[seq] for seq in sorted(changes))]
        if max(changes) > len(changes):
            yield f"{_name(customer)}: a change is missing"
        elif any(one.after != following.before for one, following in pairwise(ordered)):
            yield f"{_name(customer)}: a change does not begin with the contacts that the one before it left"


def _membership_differences(expected: Membership, found: Membership) -> Iterator[str]:
    for customer in expected.keys() | found.keys():
        if expected.get(customer) != found.get(customer):
            yield f"{_name(customer)}: its contacts differ from those of its latest change"


def _seq_differences(history: ChangeHistory, counted: Mapping[CustomerKey, int]) -> Iterator[str]:
    for customer in history.keys() | counted.keys():
        if max(history.get(customer, ()), default=0) != counted.get(customer, 0):
            yield f"{_name(customer)}: its number of changes differs from the topic's"


def _name(customer: CustomerKey) -> str:
    return f"tenant {customer[0]}, customer {customer[1]}"
