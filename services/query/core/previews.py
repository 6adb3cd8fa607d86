"""Compares a tenant's customers with what they would be under another policy."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final, NamedTuple
from uuid import UUID

from services.query.core.policy_models import Example, Kinds, Piece, Preview, SizeBand

LARGEST: Final = 50
MOST_CONTACTS: Final = 1000  # of an example that are shown
_BANDS: Final = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, None))
Contacts = tuple[str, ...]
ContactsByCustomer = Mapping[UUID, Contacts]


class Comparison(NamedTuple):
    """Customers with their contacts' keys, sorted, now and then; ``alone`` more are the same on both sides."""

    now: ContactsByCustomer
    then: ContactsByCustomer
    alone: int


class _Kind(NamedTuple):
    customer: UUID
    contacts: Contacts
    pieces: Mapping[UUID, Sequence[str]]


def preview(compared: Comparison) -> Preview:
    """The numbers of customers merged, split and unchanged, with the largest of each."""
    now, then = _customers_by_contact(compared.now), _customers_by_contact(compared.then)
    merged = [one for one in _kinds(compared.then, now) if len(one.pieces) > 1]
    split = [one for one in _kinds(compared.now, then) if len(one.pieces) > 1]
    changed = {contact for one in (*merged, *split) for contact in one.contacts}
    unchanged = [
        _Kind(customer, contacts, {}) for customer, contacts in compared.then.items() if changed.isdisjoint(contacts)
    ]
    return Preview(
        customers_now=len(compared.now) + compared.alone,
        customers_then=len(compared.then) + compared.alone,
        largest_now=_largest(compared.now, compared.alone),
        largest_then=_largest(compared.then, compared.alone),
        sizes=_sizes(compared),
        merged=_shown(merged),
        split=_shown(split),
        unchanged=_shown(unchanged, more=compared.alone),
    )


def _largest(groups: ContactsByCustomer, alone: int) -> int:
    return max((len(contacts) for contacts in groups.values()), default=1 if alone else 0)


def _sizes(compared: Comparison) -> list[SizeBand]:
    """The bands of sizes; lone contacts are customers of size one on both sides."""
    now, then = (Counter(map(len, groups.values())) for groups in (compared.now, compared.then))
    now[1] += compared.alone
    then[1] += compared.alone
    return [
        SizeBand(least=least, most=most, now=_between(now, least, most), then=_between(then, least, most))
        for least, most in _BANDS
    ]


def _between(sizes: Counter[int], least: int, most: int | None) -> int:
    return sum(number for size, number in sizes.items() if size >= least and (most is None or size <= most))


def _customers_by_contact(groups: ContactsByCustomer) -> dict[str, UUID]:
    return {contact: customer for customer, contacts in groups.items() for contact in contacts}


def _kinds(groups: ContactsByCustomer, on_the_other_side: Mapping[str, UUID]) -> Iterable[_Kind]:
    """Each customer with its contacts, grouped by their customer on the other side."""
    for customer, contacts in groups.items():
        pieces: dict[UUID, list[str]] = {}
        for contact in contacts:
            pieces.setdefault(on_the_other_side[contact], []).append(contact)
        yield _Kind(customer, contacts, pieces)


def _shown(kinds: Sequence[_Kind], more: int = 0) -> Kinds:
    """The largest first; of equally large ones the order is that of their contacts."""
    largest = nlargest(LARGEST, kinds, key=lambda one: (len(one.contacts), one.contacts))
    return Kinds(count=len(kinds) + more, largest=[_example(one) for one in largest])


def _example(one: _Kind) -> Example:
    return Example(
        id=one.customer,
        size=len(one.contacts),
        contacts=list(one.contacts[:MOST_CONTACTS]),
        pieces=[
            Piece(id=customer, size=len(contacts), contacts=list(contacts[:MOST_CONTACTS]))
            for customer, contacts in one.pieces.items()
        ],
    )
