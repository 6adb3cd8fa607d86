"""What is remembered of a tenant's identity under one policy, as deciding sees it: contacts by key, nodes by session.

`projections.identity.rows` turns it into rows and back. Every value here is frozen.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from projections.identity.resolution.holders import CarriedValues, CountedValues, Holders, counted_values
from projections.identity.resolution.holdings import Holding, HoldingKey
from projections.identity.resolution.links import CONTACT, MEMBER_ID, Link, Node, NormalisedIdentifier
from projections.identity.resolution.node_rules import NodeLinks
from projections.identity.resolution.nodes import LiveIdentifier, Sessions
from projections.identity.resolution.statements import Verdict
from schemas.events.base import Stamp

NO_TIER: Final = -1  # of a live holding that makes no link
NO_HOLDINGS: Final[Mapping[HoldingKey, Holding]] = MappingProxyType({})

DecisionKey = tuple[str, str]  # who decided, and of which other contact


class Features(NamedTuple):
    """What the other holders of a node's identifiers read of it (*generic value*, *shared value*).

    ``member`` is its member id with the tier after the node's own rules; ``linked`` is whether *generic value* left it
    that link. ``counted`` are its phones, e-mails and ``x_…``, with their tiers.
    """

    member: tuple[str, int] | None = None
    linked: bool = False
    carried: CarriedValues = ()
    counted: CountedValues = ()

    @property
    def linked_member(self) -> str | None:
        """The member id that the node is linked to."""
        return self.member[0] if self.member is not None and self.linked else None


NO_FEATURES: Final = Features()


class ContactIdentity(NamedTuple):
    """A contact: its sessions, what it stated, and when it was founded.

    - ``known``: whether evidence was ever by it or about it. Then it has a row for good, unless all of it is erased.
    - ``named``, ``latest_at``: whether another contact ever named it, and a time after which nothing is by it or about
      it. Both may be so by evidence that does not count any more.
    - ``stated_at``, ``founded_at``: the earliest statement of its own, and the earliest of anything by it or about it.
    - ``erased``: the latest event that erased it.
    - ``holdings``: what it stated. ``left_out`` is whether some of it is claimed beyond the hundred latest of a type;
      of such a contact a ``partial`` state has only what is live, and its member ids.
    - ``links``, ``unlinked``, ``features``: what is stored of holdings that make a link, of other live ones and of
      nodes, not what the holdings have come to since.
    """

    contact: str
    known: bool = False
    named: bool = False
    latest_at: int | None = None
    sessions: Sessions = Sessions()
    holdings: Mapping[HoldingKey, Holding] = NO_HOLDINGS
    links: Mapping[HoldingKey, LiveIdentifier] = MappingProxyType({})
    unlinked: Mapping[HoldingKey, LiveIdentifier] = MappingProxyType({})
    left_out: bool = False
    partial: bool = False
    stated_at: int | None = None
    founded_at: int | None = None
    erased: Stamp | None = None
    features: Mapping[str, Features] = MappingProxyType({})

    @property
    def node(self) -> Node:
        """The node that the contact is with."""
        return (self.contact, self.sessions.last)

    def node_links(self) -> dict[Node, list[Link]]:
        """The links of each node, as they are remembered."""
        found: dict[Node, list[Link]] = {}
        for key, held in self.links.items():
            node = (self.contact, key[0])
            found.setdefault(node, []).append(Link(held.tier, held.since, *identifier_of(key), node))
        return found


def identifier_of(key: HoldingKey) -> NormalisedIdentifier:
    """The identifier that a holding is of."""
    _, type_name, value, target = key
    return (type_name, (value, target) if type_name == CONTACT else value)


class PairState(NamedTuple):
    """What staff decided last of two contacts, as one of them states it, and the sessions they were in at the time."""

    by: str
    other: str
    at: int
    event_id: str
    verdict: Verdict
    by_session: str = ""
    other_session: str = ""

    @property
    def pair(self) -> DecisionKey:
        """Who states it, and of whom."""
        return (self.by, self.other)

    @property
    def nodes(self) -> tuple[Node, Node]:
        """The two nodes that it is about, the lesser first."""
        one, other = (self.by, self.by_session), (self.other, self.other_session)
        return (one, other) if one <= other else (other, one)

    @property
    def rank(self) -> tuple[int, str, str]:
        """Of the decisions of one pair, whoever states them, the one of the greatest rank counts."""
        return (self.at, self.event_id, self.by)


class IdentifierStatus(NamedTuple):
    """At which tiers an identifier links nothing.

    ``shared`` has with each tier what tells its holders apart. ``counts`` are the holders of each tier where they are
    too many to be read; else it is empty.
    """

    generic: tuple[int, ...] = ()
    shared: tuple[tuple[int, tuple[str, ...]], ...] = ()
    counts: tuple[tuple[int, int], ...] = ()

    def links(self, tier: int) -> bool:
        """Whether a link of the tier ties anything."""
        return tier not in self.generic and self.distinguished_by(tier) is None

    def distinguished_by(self, tier: int) -> tuple[str, ...] | None:
        """What tells the holders at the tier apart, if anything does."""
        for one, detail in self.shared:
            if one == tier:
                return detail
        return None


PLAIN: Final = IdentifierStatus()
IdentifierStatuses = Mapping[NormalisedIdentifier, IdentifierStatus]


def features_of(links: NodeLinks, *, linked: bool) -> Features:
    """The features of a node by its links after the node's own rules; ``linked`` is as it is known so far."""
    member: tuple[str, int] | None = None
    for link in links.links:
        if link.type == MEMBER_ID:
            member = (str(link.value), link.tier)
            break
    carried = tuple(sorted(links.carried.items()))
    return Features(member, linked and member is not None, carried, counted_values(links.links))


def holders_of(tier: int, features: Features, nodes: Collection[Node]) -> Holders:
    """Alike nodes as holders of an identifier."""
    return Holders(tier, nodes, features.linked_member, features.counted, features.carried)
