"""*Join*: links joined in order, unless the two sides are known to be different people (constrained Kruskal)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from projections.identity.resolution.holders import Groups, guards_of
from projections.identity.resolution.links import CONTACT, STAFF, Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.node_rules import Carried, ExclusiveScope
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import scope_of

Vertex = Node | NormalisedIdentifier  # a node is (contact key, session), any other identifier is (type, value)
Pair = tuple[Node, Node]  # the lesser first
Values = dict[ExclusiveScope, set[str]]


class Joined(NamedTuple):
    """The outcome of *join*; each link is accepted or refused, in the order of joining."""

    clusters: "Clusters"
    accepted: list[Link]
    refused: list[RefusedLink]


def join(
    groups: Groups,
    must_link: Iterable[Link],
    cannot_link: Iterable[Pair],
    carried: Mapping[Node, Carried],
    policy: Policy,
) -> Joined:
    """Join the links to identifiers, and staff's, the strongest first."""
    clusters = Clusters(carried, cannot_link, policy)
    accepted: list[Link] = []
    refused: list[RefusedLink] = []
    for link in sorted([*must_link, *(link for links in groups.values() for link in links)]):
        refusal = clusters.join(link)
        if refusal is None:
            accepted.append(link)
        else:
            refused.append(refusal)
    return Joined(clusters, accepted, refused)


class Clusters:
    """Disjoint sets of nodes and identifiers. Each knows its exclusive values and which nodes it must not meet."""

    def __init__(self, carried: Mapping[Node, Carried], cannot_link: Iterable[Pair], policy: Policy) -> None:
        self._policy = policy
        self._carried = carried
        self._parents: dict[object, object] = {}
        self._sizes: dict[object, int] = {}
        self._values: dict[object, Values] = {}
        self._apart: dict[object, set[Pair]] = {}  # each pair is known to both of its clusters
        for pair in cannot_link:
            for node in pair:
                self._apart.setdefault(("node", node), set()).add(pair)

    def of(self, node: Node) -> object:
        """What stands for the node's cluster; equal for two nodes exactly if they are together."""
        return self._find(("node", node))

    def join(self, link: Link) -> RefusedLink | None:
        """Join the link's two sides, or say why not."""
        one, other = self._find(("node", link.node)), self._find(_far_side(link))
        if one == other:
            return None
        mine, theirs = self._values_of(one), self._values_of(other)
        conflict = self._conflict(mine, theirs, link.tier)
        if conflict:
            return RefusedLink(link, "exclusive_conflict", conflict)
        pairs = self._apart.get(one, set()) & self._apart.get(other, set())
        if pairs:
            return RefusedLink(link, "decided_different", tuple(node[0] for node in min(pairs)))
        self._unite(one, mine, other, theirs)
        return None

    def _find(self, vertex: object) -> object:
        parents = self._parents
        parent = parents.get(vertex, vertex)
        while parent != vertex:
            grandparent = parents.get(parent, parent)
            parents[vertex] = grandparent
            vertex, parent = parent, grandparent
        return vertex

    def _values_of(self, root: object) -> Values:
        """The exclusive values of a cluster: those that its nodes carry, and its identifiers of exclusive types."""
        known = self._values.get(root)
        if known is not None:
            return known
        kind, it = cast("tuple[str, tuple[str, str]]", root)
        if kind == "node":
            return {scope: {value} for scope, value in self._carried.get(it, {}).items()}
        rule = self._policy.rule(it[0])
        return {(it[0], scope_of(rule.exclusive, it[1])): {it[1]}} if rule and rule.exclusive else {}

    def _conflict(self, mine: Values, theirs: Values, tier: int) -> tuple[str, ...]:
        """The least (type, scope) that guards the tier and whose values differ between the sides, with two of them."""
        guards = guards_of(self._policy, tier)
        for scope in sorted(mine.keys() & theirs.keys()):
            if guards(scope[0]) and (mine[scope] != theirs[scope] or len(mine[scope]) > 1):
                first, second, *_ = sorted(mine[scope] | theirs[scope])
                return (scope[0], first, second)
        return ()

    def _unite(self, one: object, mine: Values, other: object, theirs: Values) -> None:
        if self._sizes.get(one, 1) < self._sizes.get(other, 1):
            one, mine, other, theirs = other, theirs, one, mine
        for scope, several in theirs.items():
            mine.setdefault(scope, set()).update(several)
        self._values.pop(other, None)
        self._values[one] = mine
        self._parents[other] = one
        self._sizes[one] = self._sizes.get(one, 1) + self._sizes.pop(other, 1)
        apart = self._apart.pop(other, None)
        if apart:
            self._apart.setdefault(one, set()).update(apart)


def _far_side(link: Link) -> tuple[str, object]:
    return ("node", link.value) if link.type in {CONTACT, STAFF} else ("identifier", link.identifier)
