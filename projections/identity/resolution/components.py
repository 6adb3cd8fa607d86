"""Parts of the evidence that can be resolved by themselves, with the same result as in the whole.

Contacts belong together if a link of theirs meets in one identifier, or staff ever decided of the pair: also links
that are refused in the end, since whoever holds an identifier counts. An identifier that too many hold links nothing
at that tier and weaker, so it doesn't tie its holders together: a value of a hundred thousand contacts makes no part
of a hundred thousand. ``resolve`` is then told of the crowd, since no part can count it.
"""

from collections.abc import Iterable

from projections.identity.resolution.clusters import Node
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.holders import Crowds, crowds, grouped
from projections.identity.resolution.links import Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import stand_all


def links_of(evidence: Evidence, policy: Policy) -> list[Link]:
    """Every contact's links after rules 1 to 3: what holders are counted by."""
    return [link for _, standing in stand_all(evidence, policy) for link in standing.links]


def components(evidence: Evidence, policy: Policy, crowded: Crowds | None = None) -> list[frozenset[str]]:
    """The parts, each as its contacts. ``crowded`` defaults to the crowds in the evidence itself."""
    links = links_of(evidence, policy)
    crowded = crowds(grouped(links), policy) if crowded is None else crowded
    return parts(evidence, links, crowded)


def parts(evidence: Evidence, links: Iterable[Link], crowded: Crowds) -> list[frozenset[str]]:
    """The parts of the evidence, whose links after rules 1 to 3 and whose crowds are known already."""
    ties: list[tuple[Node, Node]] = [(link.contact, _meeting_point(link)) for link in links if _ties(link, crowded)]
    ties.extend(evidence.decisions)
    return _parts(evidence.contacts, ties)


def closure(evidence: Evidence, policy: Policy, crowded: Crowds, touched: Iterable[str]) -> frozenset[str]:
    """The contacts whose customers may change with the touched contacts' evidence.

    What touched them can also have parted them, so take the closures of before and of after together. Where it made
    an identifier generic, or no longer so, at some tier, all who hold it are touched, not only who stated something.
    """
    wanted = frozenset(touched)
    return frozenset().union(*(part for part in components(evidence, policy, crowded) if part & wanted))


def _ties(link: Link, crowded: Crowds) -> bool:
    tier = crowded.get(link.identifier)
    return tier is None or link.tier < tier


def _meeting_point(link: Link) -> Node:
    return link.value if link.type == "contact" else link.identifier


def _parts(contacts: frozenset[str], ties: Iterable[tuple[Node, Node]]) -> list[frozenset[str]]:
    neighbours: dict[Node, list[Node]] = {}
    for one, other in ties:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    parts: list[frozenset[str]] = []
    seen: set[Node] = set()
    for start in sorted(contacts):
        if start not in seen:
            reached = _reached(start, neighbours)
            seen |= reached
            parts.append(contacts & reached)
    return parts


def _reached(start: Node, neighbours: dict[Node, list[Node]]) -> set[Node]:
    reached: set[Node] = {start}
    waiting = [start]
    while waiting:
        for node in neighbours.get(waiting.pop(), ()):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached
