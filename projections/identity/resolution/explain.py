"""Explains why two contacts are one customer, or why not, as data.

*Together*: the shortest chain of accepted links between the two, each with its evidence. *Apart*: the chain with the
fewest obstacles, where an obstacle is a refused link or an excluded statement; if there is no chain at all, evidence is
missing. Which of several equally good chains is given depends on the links alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Literal, NamedTuple

from projections.identity.resolution.clusters import Node
from projections.identity.resolution.contact_links import normalised
from projections.identity.resolution.evidence import Pair, pair_of
from projections.identity.resolution.links import STAFF, Customer, Exclusion, Refusal
from projections.identity.resolution.resolution import Resolution
from schemas.events.base import Stamp

ACCEPTED: Final = "accepted"
_BETWEEN_CONTACTS: Final = frozenset({STAFF, "contact"})
Fate = Literal["accepted"] | Refusal | Exclusion
StatementKind = Literal["first", "verified", "claimed", "retracted"]


class UnknownContact(LookupError):
    """No event has ever been about this contact."""


class EvidenceSource(NamedTuple):
    """An event that is evidence for a link."""

    event_id: str
    at: int
    says: StatementKind


class ChainStep(NamedTuple):
    """One link of a chain: to an identifier, or with type ``staff`` or ``contact`` to another contact."""

    contact: str
    type: str
    value: str
    tier: int | None  # None for what was set aside: it never had one
    fate: Fate
    detail: tuple[str, ...] = ()
    sources: tuple[EvidenceSource, ...] = ()


class Why(NamedTuple):
    """Whether two contacts are one customer, and the chain of links that shows it.

    If they are not, the chain shows what prevents it; an empty chain means that evidence is missing. ``decided`` is
    the pair if staff decided that the two are different.
    """

    together: bool
    chain: tuple[ChainStep, ...]
    decided: Pair | None = None


class Graph(NamedTuple):
    """A customer with every link from and to its contacts, in the order of *join*."""

    customer: Customer
    accepted: tuple[ChainStep, ...]
    refused: tuple[ChainStep, ...]


def why(resolution: Resolution, one: str, other: str) -> Why:
    """Why the two contacts are one customer or are not. Raises UnknownContact."""
    together = customer_of(resolution, one) == customer_of(resolution, other)
    pair = pair_of(one, other)
    decision = resolution.evidence.decisions.get(pair)
    steps = (
        _accepted(resolution) if together else chain(_accepted(resolution), _refused(resolution), _excluded(resolution))
    )
    return Why(
        together,
        tuple(_with_sources(resolution, step) for step in _chain(steps, one, other)),
        pair if decision and decision.verdict == "different" else None,
    )


def graph(resolution: Resolution, contact: str) -> Graph:
    """The graph of the customer that holds the contact. Raises UnknownContact."""
    customer = customer_of(resolution, contact)
    members = frozenset(customer.contacts)

    def about(steps: Iterable[ChainStep]) -> tuple[ChainStep, ...]:
        return tuple(
            _with_sources(resolution, step)
            for step in steps
            if step.contact in members or (step.type in _BETWEEN_CONTACTS and step.value in members)
        )

    return Graph(customer, about(_accepted(resolution)), about(_refused(resolution)))


def customer_of(resolution: Resolution, contact: str) -> Customer:
    """The customer that holds the contact. Raises UnknownContact."""
    for customer in resolution.customers:
        if contact in customer.contacts:
            return customer
    raise UnknownContact(UnknownContact.__doc__)


def _accepted(resolution: Resolution) -> Iterator[ChainStep]:
    for link in resolution.accepted:
        yield ChainStep(link.contact, link.type, link.value, link.tier, ACCEPTED)


def _refused(resolution: Resolution) -> Iterator[ChainStep]:
    for link, reason, detail in resolution.refused:
        yield ChainStep(link.contact, link.type, link.value, link.tier, reason, detail)


def _excluded(resolution: Resolution) -> Iterator[ChainStep]:
    for contact, type_name, value, reason in resolution.excluded:
        yield ChainStep(contact, type_name, value, None, reason)


def _with_sources(resolution: Resolution, step: ChainStep) -> ChainStep:
    """The step with its events: the first assertion, the latest live ones, or the retraction."""
    evidence = resolution.evidence
    if step.type == STAFF:
        decision = evidence.decisions[step.contact, step.value]
        return step._replace(sources=(EvidenceSource(decision.event_id, decision.at, "verified"),))
    stated = evidence.holdings[step.contact]
    identifier = (step.type, step.value)
    holding = stated[identifier] if step.fate == "blocked" else normalised(stated, resolution.policy)[0][identifier]
    verified, claimed = holding.live
    stamps: tuple[tuple[Stamp | None, StatementKind], ...] = (
        (holding.first_asserted, "first"),
        (verified, "verified"),
        (claimed, "claimed"),
        (None if verified or claimed else holding.last_retracted, "retracted"),
    )
    return step._replace(sources=tuple(EvidenceSource(stamp[1], stamp[0], says) for stamp, says in stamps if stamp))


def _far_side(step: ChainStep) -> Node:
    return step.value if step.type in _BETWEEN_CONTACTS else (step.type, step.value)


def _chain(steps: Iterable[ChainStep], one: str, other: str) -> tuple[ChainStep, ...]:
    """The path with the fewest obstacles, and the shortest of accepted links: breadth first by obstacles."""
    edges: dict[Node, list[tuple[ChainStep, Node]]] = {}
    for step in steps:
        far = _far_side(step)
        edges.setdefault(step.contact, []).append((step, far))
        edges.setdefault(far, []).append((step, step.contact))
    came_by: dict[Node, tuple[ChainStep, Node] | None] = {one: None}
    front: deque[Node] = deque([one])
    while front and other not in came_by:
        reached = _expand(front, edges, came_by)
        front = deque()
        for node in reached:
            for step, far in edges.get(node, ()):
                if far not in came_by:
                    came_by[far] = (step, node)
                    front.append(far)
    return _path_to(came_by, other)


def _expand(
    front: deque[Node],
    edges: dict[Node, list[tuple[ChainStep, Node]]],
    came_by: dict[Node, tuple[ChainStep, Node] | None],
) -> list[Node]:
    """All nodes that accepted links reach from the front, which is emptied."""
    reached: list[Node] = []
    while front:
        node = front.popleft()
        reached.append(node)
        for step, far in edges.get(node, ()):
            if step.fate == ACCEPTED and far not in came_by:
                came_by[far] = (step, node)
                front.append(far)
    return reached


def _path_to(came_by: dict[Node, tuple[ChainStep, Node] | None], node: Node) -> tuple[ChainStep, ...]:
    steps: list[ChainStep] = []
    link = came_by.get(node)
    while link is not None:
        step, node = link
        steps.append(step)
        link = came_by[node]
    return tuple(reversed(steps))
