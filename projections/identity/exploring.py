"""Searches stored links for the chain between two contacts: breadth first, over their components, within bounds."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, cast
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity import link_queries
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.explain import (
    ACCEPTED,
    NODE_VALUES,
    Chain,
    ChainStep,
    Fate,
    chain_between,
    obstacles,
)
from projections.identity.resolution.links import SESSION, Node, Value
from projections.identity.resolution.policy import Policy
from projections.identity.stored_links import refused_step, retractions_of, staff_steps, step_of, unlinked_step

MOST_NODES: Final = 1000
MOST_SESSIONS: Final = 200
MOST_LINKS: Final = 5000  # read in one round, of each kind
_OF_A_COMPONENT: Final[frozenset[Fate]] = frozenset({ACCEPTED, "exclusive_conflict", "decided_different"})


class Found(NamedTuple):
    """The best chain that was found; ``complete`` is whether everything was looked at that could hold a better one."""

    chain: Chain
    decided_different: bool
    complete: bool


class Exploration:
    """One search in one snapshot. ``components`` are those of the two contacts."""

    def __init__(
        self,
        connection: Connection,
        resolution: ResolutionKey,
        policy: Policy,
        id_of: IdOf,
        components: Collection[UUID],
    ) -> None:
        self._policy = policy
        self._connection = connection
        self._resolution = resolution
        self._id_of = id_of
        self._components = components
        self._steps: dict[tuple[Node, str, Value], ChainStep] = {}
        self._nodes: set[Node] = set()
        self._searched: set[tuple[str, str]] = set()
        self._different: set[frozenset[str]] = set()
        self._complete = True

    async def chain(self, one: Node, other: Node, *, together: bool) -> Found:
        """The chain between two nodes, by accepted links alone if they are ``together``."""
        front = {one, other}
        chain: Chain = ()
        while front:
            new = await self._links_of(front)
            steps = self._steps.values()
            chain = chain_between([it for it in steps if it.fate == ACCEPTED] if together else steps, one, other)
            if chain and obstacles(chain) == (0 if together else 1):
                break
            front = await self._beyond(new)
            if len(self._nodes) + len(front) > MOST_NODES:
                self._complete = False
                break
        if not chain and not together:
            await self._add_obstacles(one, other)
            chain = chain_between(self._steps.values(), one, other)
        different = frozenset((one[0], other[0])) in self._different
        return Found(chain, different, self._complete)

    async def _add_obstacles(self, one: Node, other: Node) -> None:
        """What the two contacts stated that makes no link, and what was stated in a browser's other sessions."""
        current = {node[0]: node for node in (one, other)}
        ids = {self._id(contact): contact for contact in current}
        nodes = await link_queries.nodes_of(self._connection, self._resolution, list(ids), MOST_SESSIONS)
        await self._links_of(set(nodes) - self._nodes)
        past = [node for node in nodes if node != current[node[0]]]
        self._add(ChainStep(node, SESSION, current[node[0]], None, None, "other_session") for node in past)
        after = [(self._id(contact), session, "", "", "") for contact, session in nodes]
        held = await link_queries.holdings_of_nodes(self._connection, self._resolution, after, MOST_LINKS)
        unlinked = [it.holding for it in held if it.reason is None and it.holding.tier is None]
        everywhere = await retractions_of(self._connection, unlinked)
        steps = (unlinked_step(row, ids[row.contact_id], everywhere[row], self._policy) for row in unlinked)
        self._add(step for step in steps if step is not None)
        self._complete &= len(held) < MOST_LINKS and len(nodes) < MOST_SESSIONS

    async def _links_of(self, nodes: set[Node]) -> list[ChainStep]:
        """All links of these nodes, and those that bind others to them."""
        self._nodes |= nodes
        ids = {self._id(node[0]): node[0] for node in nodes}
        keys = [(self._id(contact), session) for contact, session in sorted(nodes)]
        if not keys:
            return []
        held = await link_queries.linked(self._connection, self._resolution, keys, MOST_LINKS)
        bound = await link_queries.bound_to(self._connection, self._resolution, sorted(nodes))
        decided = await link_queries.decisions_about(self._connection, self._resolution, list(ids), MOST_LINKS)
        staff, different = staff_steps(decided)
        self._different |= different
        # The conflicts of staff's links are with the lesser node.
        keys += [(self._id(one.node[0]), one.node[1]) for one in staff if one.node not in nodes]
        refused = await link_queries.refused(self._connection, self._resolution, keys, MOST_LINKS)
        self._complete &= max(len(held), len(refused), len(decided)) < MOST_LINKS
        steps = [
            *(one for one in staff if one.node in nodes or one.value in nodes),
            *(step_of(one, ids[one.holding.contact_id]) for one in held),
            *(step_of(one, contact) for one, contact in bound),
            *(refused_step(row) for row in refused),
        ]
        return self._add(step for step in steps if step is not None)

    def _add(self, steps: Iterable[ChainStep]) -> list[ChainStep]:
        """Keep the steps; a refused link takes the place of the same one that was taken for accepted."""
        added = []
        for step in steps:
            key = (step.node, step.type, step.value)
            if key not in self._steps or step.fate != ACCEPTED:
                self._steps[key] = step
                added.append(step)
        return added

    async def _beyond(self, steps: Iterable[ChainStep]) -> set[Node]:
        """The nodes of the components on the far side of links, that were not looked at yet."""
        found: set[Node] = set()
        identifiers: set[tuple[str, str]] = set()
        for step in steps:
            if step.fate not in _OF_A_COMPONENT:
                continue
            if step.type in NODE_VALUES:
                found |= {step.node, cast("Node", step.value)}
            else:
                identifiers.add((step.type, cast("str", step.value)))
        new = sorted(identifiers - self._searched)
        self._searched |= identifiers
        if new:
            found.update(await link_queries.holders_in(self._connection, self._resolution, new, self._components))
        return found - self._nodes

    def _id(self, contact: str) -> UUID:
        return self._id_of(self._resolution.tenant, contact)
