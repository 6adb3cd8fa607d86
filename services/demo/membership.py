"""Who is who, kept twice: by the tables, and by somebody who only listens to customer-changes. Pure.

The tables hold every contact in one customer, a contact of whom nothing was stated as a customer by itself; and a
listener who keeps each customer's latest change has the same membership.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from schemas.changes import CustomerChange


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables hold of a tenant at one moment.

    ``contacts`` are the keys of the contacts that were seen, ``members`` says whom those belong to of whom something
    was stated (both by contact id), ``sizes`` how many contacts each customer says it has.
    """

    contacts: Mapping[UUID, str]
    members: Mapping[UUID, tuple[str, UUID]]
    sizes: Mapping[UUID, int]
    refused: Mapping[str, int] = field(default_factory=dict)  # by reason
    set_aside: Mapping[str, int] = field(default_factory=dict)  # likewise

    @property
    def alone(self) -> list[str]:
        """The contacts of whom nothing was ever stated."""
        return [key for contact_id, key in self.contacts.items() if contact_id not in self.members]

    @property
    def membership(self) -> set[tuple[str, UUID]]:
        """Each contact, by its key, and the customer it belongs to; those that stand alone are left out."""
        return set(self.members.values())

    @property
    def distribution(self) -> dict[int, int]:
        """How many customers have so many contacts."""
        counted = Counter(self.sizes.values())
        counted[1] += len(self.alone)
        return dict(sorted((+counted).items()))

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return sum(self.distribution.values())


class Listener:
    """Keeps what any consumer of customer-changes would: each customer's latest change, and nothing of its own."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()  # changes by their type
        self.merges = self.splits = self.missed = 0
        self._latest: dict[UUID, CustomerChange] = {}

    def hear(self, change: CustomerChange) -> None:
        """Take a change in; one that was heard before changes nothing."""
        known = self._latest.get(change.customer_id)
        expected = known.seq + 1 if known else 1
        if change.seq < expected:
            return
        self.missed += change.seq - expected
        self._latest[change.customer_id] = change
        self.told[change.type] += 1
        # A merger is also told of each customer that is no more, a split also of the one that was left.
        self.merges += change.type == "merged" and bool(change.after)
        self.splits += change.type == "split" and not change.before

    @property
    def membership(self) -> set[tuple[str, UUID]]:
        """Each contact, by its key, with the customer that it belongs to by the customer's own latest change."""
        return {(contact, change.customer_id) for change in self._latest.values() for contact in change.after}


def faults(tables: Tables, listener: Listener) -> list[str]:
    """Every sentence of the above that doesn't hold; none if all do."""
    held = Counter((*tables.alone, *(contact for contact, _ in tables.members.values())))
    astray = sum(held[key] != 1 for key in tables.contacts.values())
    counted = Counter(customer for _, customer in tables.members.values())
    wrong = sum(tables.sizes.get(customer) != counted[customer] for customer in tables.sizes.keys() | counted.keys())
    told = len({contact for contact, _ in tables.membership ^ listener.membership})
    every = sum(size * customers for size, customers in tables.distribution.items())
    said = (
        _unless(not astray, f"{astray:,} contacts are in no customer or in several."),
        _unless(not wrong, f"{wrong:,} customers have another number of contacts than they say."),
        _unless(
            every == held.total(), f"The customers say they have {every:,} contacts, and there are {held.total():,}."
        ),
        _unless(not listener.missed, f"{listener.missed:,} changes of customers are missing from their topic."),
        _unless(not told, f"The changes put {told:,} contacts elsewhere than the tables do."),
    )
    return [sentence for sentence in said if sentence]


def _unless(holds: bool, sentence: str) -> str:  # noqa: FBT001 - the one thing it asks
    return "" if holds else sentence


def largest(distribution: Mapping[int, int], shown: int) -> Sequence[tuple[str, int]]:
    """The distribution with all sizes from ``shown`` on in one."""
    few = [(str(size), customers) for size, customers in distribution.items() if size < shown]
    many = sum(customers for size, customers in distribution.items() if size >= shown)
    return [*few, *([(f"{shown} or more", many)] if many else [])]
