"""What a commit changed in who is who, told customer by customer.

A change says whom its customer held before and whom it holds now, so whoever keeps, of each customer, what its last
change says (and forgets those that hold nobody) has the membership, whatever he hears of other customers meanwhile.

Each customer whose contacts changed has one change a commit. Its type is a word for people, the first that fits:

- ``created``: a new customer, of contacts that belonged to nobody;
- ``renamed``: a customer goes on under another id, since another contact founds it now: told of both ids;
- ``merged``: customers became one: told of the one and of each that is no more;
- ``split``: a customer came apart: told of those that are new and of the one they left;
- ``linked``: contacts came to a customer, new ones or another's;
- ``unlinked``: contacts left a customer for others that there were.

An id that is no more belongs to the customer that holds its founding contact: its *heir*.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

ChangeType = Literal["created", "linked", "unlinked", "merged", "split", "renamed"]


class Move(NamedTuple):
    """Contacts that came from another customer or went to it; from nobody, ``customer_id`` is None."""

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
    """What happened to each customer, those that lost contacts first.

    ``before`` and ``after`` say whom contacts belong to; no contact of a customer is left out, and whoever belonged to
    one still does. ``contact_of`` has the contact that each customer's id is the personal id of.
    """
    moved = [contact for contact, customer in after.items() if before.get(contact) != customer]
    if not moved:
        return []
    held, holds = _by_customer(before), _by_customer(after)
    touched = {before[contact] for contact in moved if contact in before} | {after[contact] for contact in moved}
    heirs = {gone: after[contact_of[gone]] for gone in touched if gone not in holds}
    predecessors: dict[UUID, list[UUID]] = {}
    for gone, heir in heirs.items():
        predecessors.setdefault(heir, []).append(gone)
    teller = _Teller(before, after, held, holds, heirs, predecessors)
    told = [teller.tell(customer) for customer in touched]
    return sorted(told, key=lambda change: (len(change.after) >= len(change.before), contact_of[change.customer_id]))


def grown(customer: UUID, held: Sequence[str], came: Iterable[str]) -> Change:
    """The one change where contacts that belonged to nobody came to a customer; ``held`` is in the order of keys."""
    new = tuple(sorted(came))
    return Change(
        customer, "linked" if held else "created", tuple(held), tuple(sorted((*held, *new))), (Move(None, new),), ()
    )


class _Teller(NamedTuple):
    before: Mapping[str, UUID]
    after: Mapping[str, UUID]
    held: Mapping[UUID, set[str]]
    holds: Mapping[UUID, set[str]]
    heirs: Mapping[UUID, UUID]  # of customers that are no more
    predecessors: Mapping[UUID, list[UUID]]  # the other way round

    def tell(self, customer: UUID) -> Change:
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
            heir = self.heirs[customer]
            return "merged" if heir in self.held or len(self.predecessors[heir]) > 1 else "renamed"
        predecessors = self.predecessors.get(customer, [])
        if not held:
            if predecessors:
                return "renamed" if len(predecessors) == 1 else "merged"
            return "split" if any(contact in self.before for contact in holds) else "created"
        if predecessors:
            return "merged"
        if any(self.after[contact] not in self.held for contact in held - holds):
            return "split"
        return "linked" if holds - held else "unlinked"


def _by_customer(customers: Mapping[str, UUID]) -> dict[UUID, set[str]]:
    contacts: dict[UUID, set[str]] = {}
    for contact, customer in customers.items():
        contacts.setdefault(customer, set()).add(contact)
    return contacts


def _moves(contacts: Iterable[str], customers: Mapping[str, UUID]) -> tuple[Move, ...]:
    """The contacts by the customer they belong to on the other side of the commit."""
    moves: dict[UUID | None, list[str]] = {}
    for contact in sorted(contacts):
        moves.setdefault(customers.get(contact), []).append(contact)
    return tuple(Move(customer, tuple(moved)) for customer, moved in moves.items())
