"""Components: parts of the evidence that can be resolved independently, with the same result as in the whole.

Contacts are in one component if links of theirs meet in one identifier, or if staff ever decided about the pair. Links
that are refused in the end count too, since every holder of an identifier matters. An identifier that too many hold
links nothing at that tier and weaker ones, so it does not connect its holders: a value of 100,000 contacts makes no
component of 100,000. ``resolve`` is then given the identifiers over their limit, since no component can count them.
"""

from collections.abc import Iterable

from projections.identity.resolution.clusters import Node
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.holders import OverLimit, find_over_limit, grouped
from projections.identity.resolution.links import Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import derive_all_links


def links_of(evidence: Evidence, policy: Policy) -> list[Link]:
    """Every contact's own links, by which holders are counted."""
    return [link for _, own in derive_all_links(evidence, policy) for link in own.links]


def components(evidence: Evidence, policy: Policy, over_limit: OverLimit | None = None) -> list[frozenset[str]]:
    """The contacts of each component. ``over_limit`` defaults to the identifiers that are so in this evidence."""
    links = links_of(evidence, policy)
    over_limit = find_over_limit(grouped(links), policy) if over_limit is None else over_limit
    return components_by_links(evidence, links, over_limit)


def components_by_links(evidence: Evidence, links: Iterable[Link], over_limit: OverLimit) -> list[frozenset[str]]:
    """The components of evidence whose contacts' own ``links`` are known."""
    edges: list[tuple[Node, Node]] = [(link.contact, _far_side(link)) for link in links if _connects(link, over_limit)]
    edges.extend(evidence.decisions)
    return _connected(evidence.contacts, edges)


def closure(evidence: Evidence, policy: Policy, over_limit: OverLimit, touched: Iterable[str]) -> frozenset[str]:
    """The contacts whose customers may change with the evidence of the ``touched`` contacts.

    A change can both join and separate contacts, so take the union of the closures before and after it. Where the
    change moved an identifier over or under its limit at some tier, all of its holders are touched.
    """
    wanted = frozenset(touched)
    return frozenset().union(*(part for part in components(evidence, policy, over_limit) if part & wanted))


def _connects(link: Link, over_limit: OverLimit) -> bool:
    tier = over_limit.get(link.identifier)
    return tier is None or link.tier < tier


def _far_side(link: Link) -> Node:
    return link.value if link.type == "contact" else link.identifier


def _connected(contacts: frozenset[str], edges: Iterable[tuple[Node, Node]]) -> list[frozenset[str]]:
    neighbours: dict[Node, list[Node]] = {}
    for one, other in edges:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    found: list[frozenset[str]] = []
    seen: set[Node] = set()
    for start in sorted(contacts):
        if start not in seen:
            reachable = _reachable(start, neighbours)
            seen |= reachable
            found.append(contacts & reachable)
    return found


def _reachable(start: Node, neighbours: dict[Node, list[Node]]) -> set[Node]:
    found: set[Node] = {start}
    waiting = [start]
    while waiting:
        for node in neighbours.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found
