"""The ids of what a chunk touched (pure)."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Touched:
    """What changed of a tenant.

    ``seen`` are contacts of which only the times of their latest interactions changed; ``customers`` are old and new.
    """

    contacts: set[UUID] = field(default_factory=set)
    seen: set[UUID] = field(default_factory=set)
    customers: set[UUID] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.contacts or self.seen or self.customers)

    def update(self, other: "Touched") -> None:
        """Add what changed besides."""
        self.contacts |= other.contacts
        self.seen |= other.seen
        self.customers |= other.customers


TouchedByTenant = dict[str, Touched]
