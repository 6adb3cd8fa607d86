"""Staff decisions, and links joined in order unless the two sides are known to be different people.

The rules are docs/identity-resolution.md#staff-decision and docs/identity-resolution.md#join.

Choices where the rules allow two readings:

- an identifier of an exclusive type is itself a value of that type on its side, beside those of the contacts;
- a side that has collected several values of a type and scope (by links that the type doesn't guard) differs from any
  side that has one;
- a link between nodes that are already in one cluster joins nothing and is accepted;
- where both an exclusive value and a decision prevent a join, the exclusive value is the reason given.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.identity.resolution.contact_links import ExclusiveScope
from projections.identity.resolution.evidence import Decision, Pair
from projections.identity.resolution.holders import ExclusiveValues, Groups
from projections.identity.resolution.links import STAFF, STAFF_TIER, Link, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import scope_of

Node = str | NormalisedIdentifier  # a contact by its key, any other identifier by type and value
Values = dict[ExclusiveScope, set[str]]


class JoinedLinks(NamedTuple):
    """The result of joining: each link is accepted or refused, in the order in which they were tried."""

    clusters: "Clusters"
    accepted: list[Link]
    refused: list[RefusedLink]


def must_link(decisions: Mapping[Pair, Decision]) -> list[Link]:
    """A link for each pair decided ``same``. A decision about one contact alone links nothing."""
    return [
        Link(STAFF_TIER, decision.at, STAFF, greater, lesser)
        for (lesser, greater), decision in decisions.items()
        if decision.verdict == "same" and lesser != greater
    ]


def cannot_link(decisions: Mapping[Pair, Decision]) -> list[Pair]:
    """The pairs decided ``different``."""
    return [pair for pair, decision in decisions.items() if decision.verdict == "different" and pair[0] != pair[1]]


def join(
    groups: Groups, decisions: Mapping[Pair, Decision], exclusive_values: ExclusiveValues, policy: Policy
) -> JoinedLinks:
    """*constrained Kruskal*, over the links to identifiers and the links that staff decided."""
    clusters = Clusters(exclusive_values, cannot_link(decisions), policy)
    accepted: list[Link] = []
    refused: list[RefusedLink] = []
    ordered = must_link(decisions)
    for identifier, links in groups.items():
        (accepted if _cannot_conflict(identifier, links, policy) else ordered).extend(links)
    ordered.sort()
    for link in ordered:
        refusal = clusters.join(link)
        if refusal is None:
            accepted.append(link)
        else:
            refused.append(refusal)
    accepted.sort()
    return JoinedLinks(clusters, accepted, refused)


def _cannot_conflict(identifier: NormalisedIdentifier, links: list[Link], policy: Policy) -> bool:
    """Whether an identifier's links need no joining: nothing can conflict with them or follow from them.

    That is so if only one contact holds the identifier, since its value is the contact's own already. The exception
    is an exclusive type that guards this link's tier but not stronger ones: the contact's cluster may have collected
    other values by stronger links.
    """
    if len(links) != 1 or identifier[0] == "contact":
        return False
    rule = policy.rule(identifier[0])
    if rule is None or rule.exclusive is None:
        return True
    return rule.exclusive.guards == 0 or links[0].tier < rule.exclusive.guards


class Clusters:
    """Disjoint sets of contacts and identifiers, with their exclusive values and the pairs that must stay apart."""

    def __init__(self, exclusive_values: ExclusiveValues, cannot_link: Iterable[Pair], policy: Policy) -> None:
        self._policy = policy
        self._parents: dict[Node, Node] = {}
        self._sizes: dict[Node, int] = {}
        self._exclusive_values = exclusive_values
        self._values: dict[Node, Values] = {}  # of clusters of more than one node
        self._cannot_link: dict[Node, set[Pair]] = {}  # each pair is kept by both of its clusters
        for pair in cannot_link:
            for contact in pair:
                self._cannot_link.setdefault(contact, set()).add(pair)

    def find(self, node: Node) -> Node:
        """The representative of the node's cluster: equal for two nodes exactly if they are in one cluster."""
        parents = self._parents
        parent = parents.get(node, node)
        while parent != node:
            grandparent = parents.get(parent, parent)
            parents[node] = grandparent
            node, parent = parent, grandparent
        return node

    def join(self, link: Link) -> RefusedLink | None:
        """Join the link's two sides, or return why they can't be joined."""
        one, other = self.find(link.contact), self.find(self._side(link))
        if one == other:
            return None
        mine, theirs = self._values_of(one), self._values_of(other)
        conflict = self._conflict(mine, theirs, link.tier) if mine and theirs else ()
        if conflict:
            return RefusedLink(link, "exclusive_conflict", conflict)
        pair = self._decided_different(one, other)
        if pair:
            return RefusedLink(link, "decided_different", pair)
        if self._size(one) >= self._size(other):
            self._attach(other, theirs, one, mine)
        else:
            self._attach(one, mine, other, theirs)
        return None

    @staticmethod
    def _side(link: Link) -> Node:
        """The link's side that is not its contact."""
        return link.value if link.type in {"contact", STAFF} else (link.type, link.value)

    def _values_of(self, node: Node) -> Values:
        """The exclusive values of the cluster that the node represents; an exclusive identifier is a value itself."""
        known = self._values.get(node)
        if known is not None:
            return known
        if isinstance(node, str):
            return {key: {value} for key, value in self._exclusive_values.get(node, ())}
        rule = self._policy.rule(node[0])
        return {(node[0], scope_of(rule.exclusive, node[1])): {node[1]}} if rule and rule.exclusive else {}

    def _conflict(self, mine: Values, theirs: Values, tier: int) -> tuple[str, ...]:
        """The least type that guards the tier and whose values differ between the sides, with two such values."""
        for key in sorted(mine.keys() & theirs.keys()):
            if self._guards(key[0], tier) and (mine[key] != theirs[key] or len(mine[key]) > 1):
                first, second, *_ = sorted(mine[key] | theirs[key])
                return (key[0], first, second)
        return ()

    def _guards(self, type_name: str, tier: int) -> bool:
        rule = self._policy.rule(type_name)
        return rule is not None and rule.exclusive is not None and tier >= rule.exclusive.guards

    def _decided_different(self, one: Node, other: Node) -> tuple[str, ...]:
        """The least pair decided different that the join would put into one cluster."""
        mine, theirs = self._cannot_link.get(one), self._cannot_link.get(other)
        return min(mine & theirs, default=()) if mine and theirs else ()

    def _attach(self, smaller: Node, more: Values, larger: Node, values: Values) -> None:
        """Make the smaller cluster part of the larger, with its values and its cannot-link pairs."""
        for key, several in more.items():
            values.setdefault(key, several).update(several)
        self._values.pop(smaller, None)
        if values:
            self._values[larger] = values
        self._parents[smaller] = larger
        self._sizes[larger] = self._size(larger) + self._size(smaller)
        cannot_link = self._cannot_link.pop(smaller, None)
        if cannot_link:
            self._cannot_link.setdefault(larger, set()).update(cannot_link)

    def _size(self, node: Node) -> int:
        return self._sizes.get(node, 1)
