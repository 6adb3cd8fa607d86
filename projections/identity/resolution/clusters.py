"""Rules 6 and 7: decisions, and links joined in order unless the two sides are known to be different people.

How a reading was chosen where two are possible:

- an identifier of an exclusive type is itself a value of it on its side, beside those that the contacts carry;
- a side that has gathered several values of a type and scope (by links its type doesn't guard) differs from any
  side that has one;
- a link between what is together already joins nothing and is accepted;
- where both stand against a link, the exclusive values are the reason that is told.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.identity.resolution.contact_links import ExclusiveScope
from projections.identity.resolution.evidence import Decision, Pair
from projections.identity.resolution.holders import Carried, Groups
from projections.identity.resolution.links import STAFF, STAFF_TIER, Identifier, Link, Refused
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import scope_of

Node = str | Identifier  # a contact by its key, any other identifier by type and value
Values = dict[ExclusiveScope, set[str]]


class Joined(NamedTuple):
    """Rule 7's outcome; each link is in one of the two, in the rule's order."""

    clusters: "Clusters"
    accepted: list[Link]
    refused: list[Refused]


def staff_links(decisions: Mapping[Pair, Decision]) -> list[Link]:
    """Rule 6: a link for each pair decided ``same``. A decision about oneself ties nothing."""
    return [
        Link(STAFF_TIER, decision.at, STAFF, greater, lesser)
        for (lesser, greater), decision in decisions.items()
        if decision.verdict == "same" and lesser != greater
    ]


def forbidden(decisions: Mapping[Pair, Decision]) -> list[Pair]:
    """Rule 6: the pairs decided ``different``."""
    return [pair for pair, decision in decisions.items() if decision.verdict == "different" and pair[0] != pair[1]]


def join(groups: Groups, decisions: Mapping[Pair, Decision], carried: Carried, policy: Policy) -> Joined:
    """Rule 7, *constrained Kruskal*, over the links to identifiers and staff's."""
    clusters = Clusters(carried, forbidden(decisions), policy)
    accepted: list[Link] = []
    refused: list[Refused] = []
    ordered = staff_links(decisions)
    for identifier, links in groups.items():
        (accepted if _leads_nowhere(identifier, links, policy) else ordered).extend(links)
    ordered.sort()
    for link in ordered:
        refusal = clusters.join(link)
        if refusal is None:
            accepted.append(link)
        else:
            refused.append(refusal)
    accepted.sort()
    return Joined(clusters, accepted, refused)


def _leads_nowhere(identifier: Identifier, links: list[Link], policy: Policy) -> bool:
    """Whether nothing can stand against an identifier's links, nor follow from them.

    That is so if only one contact has it, which brings no value that isn't the contact's own already; unless the
    contact's side may have gathered others by links that the type doesn't guard, and this one it does.
    """
    if len(links) != 1 or identifier[0] == "contact":
        return False
    rule = policy.rule(identifier[0])
    if rule is None or rule.exclusive is None:
        return True
    return rule.exclusive.guards == 0 or links[0].tier < rule.exclusive.guards


class Clusters:
    """Disjoint sets of contacts and identifiers. Each knows its exclusive values and whom it must not meet."""

    def __init__(self, carried: Carried, apart: Iterable[Pair], policy: Policy) -> None:
        self._policy = policy
        self._parents: dict[Node, Node] = {}
        self._sizes: dict[Node, int] = {}
        self._carried = carried
        self._values: dict[Node, Values] = {}  # of clusters of more than one; those of a single node are its own
        self._apart: dict[Node, set[Pair]] = {}  # each pair is known to both of its clusters
        for pair in apart:
            for contact in pair:
                self._apart.setdefault(contact, set()).add(pair)

    def find(self, node: Node) -> Node:
        """What stands for the node's cluster; equal for two nodes exactly if they are together."""
        parents = self._parents
        parent = parents.get(node, node)
        while parent != node:
            grandparent = parents.get(parent, parent)
            parents[node] = grandparent
            node, parent = parent, grandparent
        return node

    def join(self, link: Link) -> Refused | None:
        """Join the link's two sides, or say why not."""
        one, other = self.find(link.contact), self.find(self._side(link))
        if one == other:
            return None
        mine, theirs = self._values_of(one), self._values_of(other)
        conflict = self._conflict(mine, theirs, link.tier) if mine and theirs else ()
        if conflict:
            return Refused(link, "exclusive_conflict", conflict)
        pair = self._decided_different(one, other)
        if pair:
            return Refused(link, "decided_different", pair)
        if self._size(one) >= self._size(other):
            self._hang(other, theirs, one, mine)
        else:
            self._hang(one, mine, other, theirs)
        return None

    @staticmethod
    def _side(link: Link) -> Node:
        """The link's other side than its contact."""
        return link.value if link.type in {"contact", STAFF} else (link.type, link.value)

    def _values_of(self, node: Node) -> Values:
        """The exclusive values of the cluster that the node stands for; an exclusive identifier is one itself."""
        known = self._values.get(node)
        if known is not None:
            return known
        if isinstance(node, str):
            return {key: {value} for key, value in self._carried.get(node, ())}
        rule = self._policy.rule(node[0])
        return {(node[0], scope_of(rule.exclusive, node[1])): {node[1]}} if rule and rule.exclusive else {}

    def _conflict(self, mine: Values, theirs: Values, tier: int) -> tuple[str, ...]:
        """The least (type, scope) that guards the tier and whose values differ between the sides, with two of them."""
        for key in sorted(mine.keys() & theirs.keys()):
            if self._guards(key[0], tier) and (mine[key] != theirs[key] or len(mine[key]) > 1):
                first, second, *_ = sorted(mine[key] | theirs[key])
                return (key[0], first, second)
        return ()

    def _guards(self, type_name: str, tier: int) -> bool:
        rule = self._policy.rule(type_name)
        return rule is not None and rule.exclusive is not None and tier >= rule.exclusive.guards

    def _decided_different(self, one: Node, other: Node) -> tuple[str, ...]:
        """The least pair decided different that the join would bring together."""
        mine, theirs = self._apart.get(one), self._apart.get(other)
        return min(mine & theirs, default=()) if mine and theirs else ()

    def _hang(self, smaller: Node, more: Values, larger: Node, values: Values) -> None:
        """Hang the smaller cluster below the larger, with all that it knows."""
        for key, several in more.items():
            values.setdefault(key, several).update(several)
        self._values.pop(smaller, None)
        if values:
            self._values[larger] = values
        self._parents[smaller] = larger
        self._sizes[larger] = self._size(larger) + self._size(smaller)
        apart = self._apart.pop(smaller, None)
        if apart:
            self._apart.setdefault(larger, set()).update(apart)

    def _size(self, node: Node) -> int:
        return self._sizes.get(node, 1)
