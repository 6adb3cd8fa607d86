"""What a chunk changes in who is who, before it is rows (pure)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from projections.identity.affected import Affected
from projections.identity.contact_updates import Updates
from projections.identity.customer_summary import CustomerSummary
from projections.identity.resolution.links import Node, NormalisedIdentifier, RefusedLink
from projections.identity.state import Features, IdentifierStatus


class DecidedNode(NamedTuple):
    """A node as it is from now on; ``customer`` is the founder of the customer that it is in, if any contact is.

    ``by_claim`` is whether all that ties it is claims, None where nothing ties it. ``current`` says that its contact is
    with it.
    """

    node: Node
    component: Node
    customer: str | None
    features: Features
    by_claim: bool | None
    current: bool


class CustomerMove(NamedTuple):
    """All nodes of a customer's component go to another component, and another customer."""

    founder: str
    to_component: Node
    to_founder: str


@dataclass(slots=True)
class Decided:
    """What the new evidence changes; what is not in it stays as it is.

    ``nodes`` are None where there is nothing to remember of a node any more; ``customers`` likewise, by founder.
    ``moves`` come first. ``refused`` has all refused links of a node, ``refused_before`` those that are remembered.
    ``members_before`` and ``members`` say to which customer, by founder, contacts belonged and belong.
    """

    updates: Updates
    affected: Affected
    moves: list[CustomerMove] = field(default_factory=list)
    nodes: dict[Node, DecidedNode | None] = field(default_factory=dict)
    statuses: dict[NormalisedIdentifier, IdentifierStatus] = field(default_factory=dict)
    refused: dict[Node, tuple[RefusedLink, ...]] = field(default_factory=dict)
    refused_before: dict[Node, tuple[RefusedLink, ...]] = field(default_factory=dict)
    customers: dict[str, CustomerSummary | None] = field(default_factory=dict)
    members_before: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)

    def forget_erased(self) -> None:
        """Leave no node and no customer of a contact of which all evidence is erased."""
        for contact, (before, after) in self.updates.contacts.items():
            if after.known:
                continue
            sessions = {*before.features, *(session for of, session in self.nodes if of == contact)}
            self.nodes |= {(contact, session): None for session in sessions}
            self.customers[contact] = None

    def keep_what_differs(self) -> None:
        """Leave out what is remembered already."""
        affected = self.affected
        self.statuses = {one: it for one, it in affected.statuses.items() if it != affected.statuses_before[one]}
        self.refused = {
            node: several for node, several in self.refused.items() if several != self.refused_before.get(node, ())
        }
