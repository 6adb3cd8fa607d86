"""What a listener believes who heard all changes that were told, against who is who.

He keeps what each customer's latest change says. A change that comes again is dropped; its number says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from projections.engine.ids import IdOf
from projections.engine.metadata import Row
from projections.identity.resolutions import tenant_of
from projections.identity.tables import MemberRow, ToldRow
from schemas.changes import CustomerChange
from schemas.topics import CUSTOMER_CHANGES
from services.verify.comparing import Comparison

CustomerKey = tuple[str, UUID]  # (tenant, customer_id)
Membership = dict[CustomerKey, list[str]]


class Heard(NamedTuple):
    """A change, as much of it as is kept."""

    before: list[str]
    after: list[str]


History = dict[CustomerKey, dict[int, Heard]]


def hear(history: History, changes: Iterable[CustomerChange]) -> None:
    """Take more changes into the history, in whatever order."""
    for change in changes:
        numbered = history.setdefault((change.tenant, change.customer_id), {})
        numbered.setdefault(change.seq, Heard(change.before, change.after))


def compare_told(history: History, expected: Iterable[Row], counted: Iterable[Row], id_of: IdOf) -> Comparison:
    """What was told against the ``expected`` members, and how often against what the table ``told`` has counted."""
    members = _membership(expected)
    told = {
        who: contacts
        for who, contacts in _believed(history).items()
        if who in members or not _alone(who, contacts, id_of)  # one of whom nothing is stated any more needs no row
    }
    numbers = {(row.tenant, row.customer_id): row.seq for row in (ToldRow(*one) for one in counted)}
    wrong = [*_broken(history), *_otherwise(members, told), *_misnumbered(history, numbers)]
    return Comparison(CUSTOMER_CHANGES.name, len(members), len(told), min(wrong, default=None))


def _membership(rows: Iterable[Row]) -> Membership:
    held: Membership = {}
    for row in (MemberRow(*one) for one in rows):
        held.setdefault((tenant_of(row.tenant), row.customer_id), []).append(row.contact)
    return {who: sorted(contacts) for who, contacts in held.items()}


def _believed(history: History) -> Membership:
    latest = {who: changes[max(changes)].after for who, changes in history.items()}
    return {who: contacts for who, contacts in latest.items() if contacts}


def _alone(who: CustomerKey, contacts: list[str], id_of: IdOf) -> bool:
    return len(contacts) == 1 and id_of(who[0], contacts[0]) == who[1]


def _broken(history: History) -> Iterator[str]:
    for who, changes in history.items():
        ordered = [Heard([], []), *(changes[seq] for seq in sorted(changes))]
        if max(changes) > len(changes):
            yield f"{_name(who)}: a change was not told"
        elif any(one.after != then.before for one, then in pairwise(ordered)):
            yield f"{_name(who)}: a change does not begin where the one before it ended"


def _otherwise(members: Membership, told: Membership) -> Iterator[str]:
    for who in members.keys() | told.keys():
        if members.get(who) != told.get(who):
            yield f"{_name(who)}: has other contacts than was told"


def _misnumbered(history: History, numbers: Mapping[CustomerKey, int]) -> Iterator[str]:
    for who in history.keys() | numbers.keys():
        if max(history.get(who, ()), default=0) != numbers.get(who, 0):
            yield f"{_name(who)}: its number of changes is not what was told"


def _name(who: CustomerKey) -> str:
    return f"tenant {who[0]}, customer {who[1]}"
