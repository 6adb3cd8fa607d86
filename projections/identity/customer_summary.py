"""What a customer is known by: a join of what its nodes bring, in any order (pure).

The fast case joins whole customers, the full case their nodes one by one: both by `CustomerSummary.merge`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.identity.resolution.links import MEMBER_ID, Link, Node, NormalisedIdentifier
from projections.identity.resolution.node_rules import ExclusiveScope
from projections.identity.resolution.nodes import Rank

ExclusiveValues = tuple[tuple[ExclusiveScope, str], ...]  # sorted


class Latest(NamedTuple):
    """The latest statement of a link, and how it wrote the value."""

    rank: Rank
    spelling: str


class Preferred(NamedTuple):
    """A phone or an e-mail that a customer may be shown with; the greatest is. ``firm`` ones are not by claim only."""

    firm: bool
    strength: int  # the tier's negative: tier 1 is the strongest
    latest: Rank
    value: str
    spelling: str


class Clear(NamedTuple):
    """Of a component in which nothing stands against any link: its least node, and its values of exclusive types."""

    least: Node
    exclusive: ExclusiveValues


class CustomerSummary(NamedTuple):
    """A customer, or the part of one that some nodes bring. ``founder`` is None where none of them is a contact's.

    ``clear`` is None where the component is not: then it takes a full resolution to say who is who in it.
    """

    founder: str | None
    founded_at: int | None
    contacts: int
    member_id: str | None
    phone: Preferred | None
    email: Preferred | None
    clear: Clear | None

    def merge(self, other: "CustomerSummary") -> "CustomerSummary":
        """What both are together."""
        if self.founder is None or other.founder is None:
            founder = other if self.founder is None else self
        else:
            founder = min(self, other, key=_founding)
        return CustomerSummary(
            founder.founder,
            founder.founded_at,
            self.contacts + other.contacts,
            self.member_id or other.member_id,
            max(self.phone, other.phone) if self.phone and other.phone else self.phone or other.phone,
            max(self.email, other.email) if self.email and other.email else self.email or other.email,
            _clear(self.clear, other.clear),
        )


def summary_of(  # noqa: PLR0913 - all that a node brings
    node: Node,
    founded_at: int | None,
    accepted: Iterable[Link],
    latest: Mapping[NormalisedIdentifier, Latest],
    carried: ExclusiveValues,
    *,
    current: bool,
    by_claim: bool | None,
) -> CustomerSummary:
    """What one node brings: its accepted links, and itself as a contact if its contact is with it."""
    member_id: str | None = None
    best: dict[str, Preferred] = {}
    for link in accepted:
        if link.type == MEMBER_ID:
            member_id = str(link.value)
        one = latest.get(link.identifier)
        if one is not None:
            shown = Preferred(by_claim is not True, -link.tier, one.rank, str(link.value), one.spelling)
            best[link.type] = max(shown, best.get(link.type, shown))
    clear = Clear(node, carried)
    founder = node[0] if current else None
    at = founded_at if current else None
    return CustomerSummary(founder, at, int(current), member_id, best.get("phone"), best.get("email"), clear)


def _founding(one: CustomerSummary) -> tuple[int, str]:
    return (1 << 62 if one.founded_at is None else one.founded_at, one.founder or "")


def _clear(one: Clear | None, other: Clear | None) -> Clear | None:
    if one is None or other is None:
        return None
    if one.exclusive == other.exclusive:
        return Clear(min(one.least, other.least), one.exclusive)
    exclusive = dict(one.exclusive)
    for scope, value in other.exclusive:
        if exclusive.setdefault(scope, value) != value:
            return None
    return Clear(min(one.least, other.least), tuple(sorted(exclusive.items())))
