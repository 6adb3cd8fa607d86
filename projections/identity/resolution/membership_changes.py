"""The changes of membership in one commit, one per customer.

A change has the customer's contacts before and after. So a consumer that keeps the last change of each customer, and
drops customers without contacts, has the membership, whatever the order in which it reads different customers.

The type of a change is the first of these that applies:

- ``created``: a new customer, of new contacts;
- ``renamed``: a customer continues under another id because another contact founds it now. Both ids get a change;
- ``merged``: customers became one. The one that remains and each that no longer exists get a change;
- ``split``: a customer came apart. The new customers and the one that they left get a change;
- ``linked``: contacts were added, new ones or those of another customer;
- ``unlinked``: contacts left for other customers that existed before, or were erased;
- ``erased``: a customer whose founding contact was erased, and that has no contact any more.

An id that no longer exists leads to the customer of its founding contact: its *heir*.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from schemas.changes import ChangeType


class Move(NamedTuple):
    """Contacts that came from another customer or went to it; ``customer_id`` is None for new contacts."""

    customer_id: UUID | None
    contacts: tuple[str, ...]


class Change(NamedTuple):
    """One customer before and after; contact keys are sorted."""

    customer_id: UUID
    type: ChangeType
    before: tuple[str, ...]
    after: tuple[str, ...]
    came_from: tuple[Move, ...]
    went_to: tuple[Move, ...]


def changes(before: Mapping[str, UUID], after: Mapping[str, UUID], contact_of: Mapping[UUID, str]) -> list[Change]:
    """The change of each customer, those that lost contacts first.

    ``before`` and ``after`` give each contact's customer. They must have all contacts of each customer. A contact that
    is not in ``after`` was erased. ``contact_of`` gives the contact whose personal id is the customer's id.
    """
    moved = [contact for contact, customer in after.items() if before.get(contact) != customer]
    moved += before.keys() - after.keys()
    if not moved:
        return []
    held, holds = _by_customer(before), _by_customer(after)
    touched = {one[contact] for contact in moved for one in (before, after) if contact in one}
    heirs = {gone: after[contact_of[gone]] for gone in touched if gone not in holds and contact_of[gone] in after}
    predecessors: dict[UUID, list[UUID]] = {}
    for gone, heir in heirs.items():
        predecessors.setdefault(heir, []).append(gone)
    builder = _ChangeBuilder(before, after, held, holds, heirs, predecessors)
    found = [builder.build(customer) for customer in touched]
    return sorted(found, key=lambda change: (len(change.after) >= len(change.before), contact_of[change.customer_id]))


def grown(customer: UUID, held: Sequence[str], came: Iterable[str]) -> Change:
    """The change of a customer that gained new contacts and lost none; ``held`` must be sorted by contact key."""
    new = tuple(sorted(came))
    return Change(
        customer, "linked" if held else "created", tuple(held), tuple(sorted((*held, *new))), (Move(None, new),), ()
    )


class _ChangeBuilder(NamedTuple):
    before: Mapping[str, UUID]
    after: Mapping[str, UUID]
    held: Mapping[UUID, set[str]]
    holds: Mapping[UUID, set[str]]
    heirs: Mapping[UUID, UUID]  # of customers that no longer exist
    predecessors: Mapping[UUID, list[UUID]]  # the other way round

    def build(self, customer: UUID) -> Change:
        held, holds = self.held.get(customer, set()), self.holds.get(customer, set())
        return Change(
            customer,
            self._type(customer, held, holds),
            tuple(sorted(held)),
            tuple(sorted(holds)),
            _moves(holds - held, self.before),
            _moves(held - holds, self.after),
        )

    def _type(self, customer: UUID, held: set[str], holds: set[str]) -> ChangeType:
        if not holds:
            return self._type_of_gone(self.heirs.get(customer))
        predecessors = self.predecessors.get(customer, [])
        if not held:
            if predecessors:
                return "renamed" if len(predecessors) == 1 else "merged"
            return "split" if any(contact in self.before for contact in holds) else "created"
        if predecessors:
            return "merged"
        if any(self.after.get(contact, customer) not in self.held for contact in held - holds):
            return "split"
        return "linked" if holds - held else "unlinked"

    def _type_of_gone(self, heir: UUID | None) -> ChangeType:
        if heir is None:
            return "erased"
        return "merged" if heir in self.held or len(self.predecessors[heir]) > 1 else "renamed"


def _by_customer(customers: Mapping[str, UUID]) -> dict[UUID, set[str]]:
    contacts: dict[UUID, set[str]] = {}
    for contact, customer in customers.items():
        contacts.setdefault(customer, set()).add(contact)
    return contacts


def _moves(contacts: Iterable[str], customers: Mapping[str, UUID]) -> tuple[Move, ...]:
    """The contacts, grouped by their customer on the other side of the commit."""
    moves: dict[UUID | None, list[str]] = {}
    for contact in sorted(contacts):
        moves.setdefault(customers.get(contact), []).append(contact)
    return tuple(Move(customer, tuple(moved)) for customer, moved in moves.items())
