"""A customer's contacts and what they stated, page by page: node by node, and of each node in the order of its keys.

A page reads a bounded number of rows, whatever a customer or a contact has: it begins where the page before ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity import link_queries
from projections.identity.keys import ResolutionKey
from projections.identity.link_queries import BEFORE_ALL, CustomerNode, LinkPosition, NodeKey, StoredLink
from projections.identity.resolution.links import STAFF
from projections.identity.resolution.policy import Policy
from projections.identity.stored_links import (
    Explained,
    refused_step,
    retractions_of,
    sources_of,
    staff_steps,
    step_of,
    unlinked_step,
    with_sources,
)
from projections.identity.tables import MemberRow, SetAsideRow

_NODES: Final = 100  # read at once
_MOST_BATCHES: Final = 10
_MOST_DECISIONS: Final = 1000
_ITSELF, _HELD, _ASIDE, _DONE = range(4)  # the parts of a node, in their order


class CustomerPosition(NamedTuple):
    """A position among a customer's rows: a row of one part of a node.

    ``row`` is a holding's type, value and target, or the event and the digest of a value that was set aside.
    """

    contact_id: UUID
    session: str
    part: int
    row: tuple[str, ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether a page can end here."""
        size = _ROW_SIZES.get(self.part)
        return size == len(self.row) and (self.part != _ASIDE or _is_digest(self.row[1]))


_ROW_SIZES: Final = {_ITSELF: 0, _HELD: 3, _ASIDE: 2, _DONE: 0}


def _is_digest(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii() and BEFORE_ALL <= int(text) < -BEFORE_ALL


BEGINNING: Final = CustomerPosition(UUID(int=0), "", _DONE)  # no contact has this id


@dataclass(slots=True)
class CustomerPage:
    """Contacts that have an event of their own, links, and values that are no evidence.

    ``last`` is the position of the last row if more may follow, else None.
    """

    contacts: list[MemberRow] = field(default_factory=list)
    links: list[Explained] = field(default_factory=list)
    set_aside: list[SetAsideRow] = field(default_factory=list)
    last: CustomerPosition | None = None


class _Held(NamedTuple):
    stored: StoredLink
    contact: str

    @property
    def makes_no_link(self) -> bool:
        return self.stored.reason is None and self.stored.holding.tier is None


_Placed = tuple[CustomerPosition, CustomerNode | _Held | SetAsideRow]


class CustomerPages:
    """The pages of one customer in one resolution. Read each in one snapshot."""

    def __init__(
        self, connection: Connection, resolution: ResolutionKey, policy: Policy, id_of: IdOf, customer_id: UUID
    ) -> None:
        self._connection = connection
        self._resolution = resolution
        self._policy = policy
        self._id_of = id_of
        self._customer_id = customer_id

    async def page(self, after: CustomerPosition, limit: int) -> CustomerPage:
        """The next ``limit`` rows after the position, or fewer."""
        page = CustomerPage(last=after)
        room = limit
        for _ in range(_MOST_BATCHES):
            position = page.last or after
            nodes = await link_queries.nodes_of_customer(
                self._connection, self._resolution, self._customer_id, position[:2], _NODES + 1
            )
            rows = await self._rows(nodes[:_NODES], position, room + 1)
            await self._add(page, rows[:room])
            if len(rows) > room:
                page.last = rows[room - 1][0] if room else position
                return page
            room -= len(rows)
            if len(nodes) <= _NODES:
                page.last = None
                return page
            end = nodes[_NODES - 1].member
            page.last = CustomerPosition(end.contact_id, end.session, _DONE)
        return page

    async def _rows(self, nodes: Sequence[CustomerNode], after: CustomerPosition, most: int) -> list[_Placed]:
        """The nodes' rows after a position, in their order: the first ``most`` of them, and maybe more."""
        held: dict[NodeKey, list[StoredLink]] = {}
        for one in await self._held(nodes, after, most):
            held.setdefault(one.holding[2:4], []).append(one)
        aside: dict[UUID, list[SetAsideRow]] = {}
        for row in await self._aside(nodes, after, most):
            aside.setdefault(row.contact_id, []).append(row)
        rows: list[_Placed] = []
        for node in nodes:
            key = (node.member.contact_id, node.member.session)
            if key != after[:2]:
                rows.append((CustomerPosition(*key, _ITSELF), node))
            rows += (
                (CustomerPosition(*key, _HELD, one.holding[4:7]), _Held(one, node.member.contact))
                for one in held.get(key, ())
            )
            rows += (
                (CustomerPosition(*key, _ASIDE, (row.event_id, str(row.digest))), row)
                for row in (aside.get(key[0], ()) if node.member.current else ())
            )
        return rows

    async def _held(self, nodes: Sequence[CustomerNode], after: CustomerPosition, most: int) -> list[StoredLink]:
        positions: list[LinkPosition] = []
        for node in nodes:
            key = (node.member.contact_id, node.member.session)
            if key != after[:2] or after.part == _ITSELF:
                positions.append((*key, "", "", ""))
            elif after.part == _HELD:
                type_name, value, target = after.row
                positions.append((*key, type_name, value, target))
        if not positions:
            return []
        return await link_queries.holdings_of_nodes(self._connection, self._resolution, positions, most)

    async def _aside(self, nodes: Sequence[CustomerNode], after: CustomerPosition, most: int) -> list[SetAsideRow]:
        positions = []
        for node in nodes:
            contact_id = node.member.contact_id
            if not node.member.current:
                continue
            if (contact_id, node.member.session) != after[:2] or after.part < _ASIDE:
                positions.append((contact_id, "", BEFORE_ALL))
            elif after.part == _ASIDE:
                positions.append((contact_id, after.row[0], int(after.row[1])))
        if not positions:
            return []
        return await link_queries.set_aside_of(self._connection, self._resolution, positions, most)

    async def _add(self, page: CustomerPage, rows: Sequence[_Placed]) -> None:
        nodes = [row for _, row in rows if isinstance(row, CustomerNode)]
        held = [row for _, row in rows if isinstance(row, _Held)]
        # What is claimed beyond the limit is among the holdings.
        page.set_aside += [row for _, row in rows if isinstance(row, SetAsideRow) and row.reason != "too_many_claims"]
        page.contacts += [node.member for node in nodes if node.seen and node.member.current]
        page.links += await self._staff(nodes)
        unlinked = [one.stored.holding for one in held if one.makes_no_link]
        everywhere = await retractions_of(self._connection, unlinked)
        for stored, contact in held:
            row = stored.holding
            step = step_of(stored, contact) or unlinked_step(row, contact, everywhere[row], self._policy)
            if step is not None:
                page.links.append(Explained(step, tuple(sources_of(row, everywhere.get(row)))))

    async def _staff(self, nodes: Sequence[CustomerNode]) -> list[Explained]:
        """Staff's links of nodes, accepted and refused: those of which the node is the lesser."""
        if not nodes:
            return []
        keys = {(one.member.contact, one.member.session): (one.member.contact_id, one.member.session) for one in nodes}
        ids = sorted({contact_id for contact_id, _ in keys.values()})
        rows = await link_queries.decisions_about(self._connection, self._resolution, ids, _MOST_DECISIONS)
        steps, _ = staff_steps(rows)
        mine = {(one.node, one.value): one for one in steps if one.node in keys}
        if not mine:
            return []
        holders = sorted({keys[node] for node, _ in mine})
        conflicts = await link_queries.refused(self._connection, self._resolution, holders, _MOST_DECISIONS)
        refused = [refused_step(row) for row in conflicts if row.type == STAFF]
        mine |= {(one.node, one.value): one for one in refused if (one.node, one.value) in mine}
        return await with_sources(self._connection, self._resolution, list(mine.values()), self._id_of)
