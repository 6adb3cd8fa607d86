"""What deciding asks to be loaded, step by step. Each is answered for all tenants of a chunk in one statement or two.

Deciding is a generator: it yields one of these requests and is sent its answer. Every chunk asks the same requests in
the same order; those that it does not need are empty and cost nothing.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple
from uuid import UUID

from projections.identity.customer_summary import CustomerSummary, Latest
from projections.identity.new_evidence import Records
from projections.identity.resolution.links import Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.state import ContactIdentity, DecisionKey, Features, IdentifierStatus, PairState


class LoadMerges(NamedTuple):
    """The member ids that were merged together with any of these: `dict[member id, MergeState]`."""

    member_ids: frozenset[str]


class LoadContacts(NamedTuple):
    """The states of contacts: `dict[contact, ContactIdentity]`; of one of which nothing is known, when it was erased.

    ``stating`` are canonical member ids: the contacts that ever stated one of them come, too.
    """

    contacts: frozenset[str]
    stating: frozenset[str] = frozenset()


class LoadHoldings(NamedTuple):
    """Of contacts with a partial state, what else is stored: `dict[contact, ContactIdentity]`.

    Everything of the ``whole`` ones; of the others what they hold of some identifiers, as (contact, type, value).
    """

    whole: frozenset[str]
    of: frozenset[tuple[str, str, str]]


class LoadPairs(NamedTuple):
    """What staff decided, as these contacts state it: `dict[DecisionKey, PairState]`."""

    contacts: frozenset[str]


class LoadReferrers(NamedTuple):
    """Who names these contacts: `dict[contact, frozenset[contact]]`."""

    contacts: frozenset[str]


class LoadHistory(NamedTuple):
    """Every event of these contacts that is not erased, and whom they name since when: `dict[contact, History]`."""

    contacts: frozenset[str]


class LoadReferences(NamedTuple):
    """Who named these contacts first: `dict[contact, list[(by, first at)]]`, the ``most`` earliest of each."""

    contacts: frozenset[str]
    most: int


class LoadHolders(NamedTuple):
    """Who has these identifiers: `dict[Identifier, HoldersOf]`, at most 1,001 of each, the strongest first.

    Of an identifier that links nothing since more than 1,000 hold it, none may come, if there would still be more than
    1,000 without ``changed`` of them. ``itself`` are the nodes that are identifiers, and whose features are wanted.
    """

    identifiers: frozenset[NormalisedIdentifier]
    changed: int = 0
    itself: frozenset[Node] = frozenset()


class LoadLinks(NamedTuple):
    """The links of nodes after the node's own rules: `dict[Node, tuple[Link, ...]]`."""

    nodes: frozenset[Node]


class LoadCurrent(NamedTuple):
    """These nodes as they are stored, with their customers, and the refused links of ``updated``: `CurrentNodes`."""

    nodes: frozenset[Node]
    updated: frozenset[Node]


class LoadContactsOf(NamedTuple):
    """The contacts of customers, by founder: `dict[founder, tuple[contact, ...]]`."""

    founders: frozenset[str]


class LoadComponents(NamedTuple):
    """All that is in the components of these nodes: `Components`."""

    nodes: frozenset[Node]


Load = (
    LoadMerges
    | LoadContacts
    | LoadHoldings
    | LoadPairs
    | LoadReferrers
    | LoadHistory
    | LoadReferences
    | LoadHolders
    | LoadLinks
    | LoadCurrent
    | LoadContactsOf
    | LoadComponents
)


class MergeState(NamedTuple):
    """That a member id became another's; ``canonical`` is the end of the chain."""

    member_id: str
    into: str
    canonical: str


class History(NamedTuple):
    """A contact's events by id, and the contacts that it names, each since when."""

    records: Records
    references: Mapping[str, int]


class HolderGroup(NamedTuple):
    """Nodes that have an identifier at one tier, and of which the other holders read the same."""

    tier: int
    features: Features
    nodes: Sequence[Node]

    def without(self, nodes: AbstractSet[Node]) -> "HolderGroup":
        """The group without some nodes."""
        if nodes.isdisjoint(self.nodes):
            return self
        return self._replace(nodes=[one for one in self.nodes if one not in nodes])


class HoldersOf(NamedTuple):
    """An identifier's status and holders; ``itself`` is of the node that a `contact` identifier is."""

    status: IdentifierStatus
    groups: Sequence[HolderGroup]
    itself: Features


class ComponentNode(NamedTuple):
    """A node of a component as it is remembered.

    ``customer`` is the founder of the customer that it is in; ``current`` is whether its contact is with it. ``latest``
    is of its phones and e-mails.
    """

    node: Node
    component: Node
    customer: str | None
    features: Features
    by_claim: bool | None
    current: bool
    links: tuple[Link, ...]
    refused: tuple[RefusedLink, ...]
    latest: Mapping[NormalisedIdentifier, Latest]


class ContactBrief(NamedTuple):
    """What a component reads of a contact."""

    session: str
    founded_at: int | None


class CurrentNode(NamedTuple):
    """A node as it is remembered, and the customer that it is in, by its founder."""

    component: UUID
    customer: str | None
    features: Features
    by_claim: bool | None
    current: bool


class CurrentNodes(NamedTuple):
    """Nodes as they are remembered, those that are, the customers that they are in, and their refused links."""

    nodes: Mapping[Node, CurrentNode]
    customers: Mapping[str, CustomerSummary]
    refused: Mapping[Node, tuple[RefusedLink, ...]]


class Components(NamedTuple):
    """The nodes of some components, the contacts that they are of, and what is known of their identifiers."""

    nodes: Mapping[Node, ComponentNode]
    contacts: Mapping[str, ContactBrief]
    statuses: Mapping[NormalisedIdentifier, IdentifierStatus]
    pairs: Mapping[DecisionKey, PairState]
    customers: Mapping[str, CustomerSummary]


__all__ = ["ContactIdentity", "Load"]
