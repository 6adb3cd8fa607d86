"""Loads the index of a tenant, and keeps it at the turn of the composer that a snapshot sees."""

import asyncio
from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from projections.customers.index.customers import CustomerIndex
from projections.customers.index.evaluating import LookedUp, NotIndexed, asks_quota, to_look_up
from projections.customers.index.queries import (
    ComposedSince,
    changes_since,
    counted_at,
    customers_after,
    customers_of,
    ids_of,
    names_of,
    times_of,
)
from projections.customers.loading import FIRST
from projections.customers.search.queries import Search, plan_for_values
from projections.engine.connection import Connection

_PAGE: Final = 5_000  # customers that are loaded at once
_SLICE: Final = 200  # customers that are taken in before the event loop runs again
_FEW_TURNS: Final = 100  # that a question may wait for
_FEW: Final = 4_000  # customers of which only times are others, that it may
_CHANGED: Final = 4  # times as many as it takes to take in another one
_TURNS: Final = 500  # whose customers are taken in together
_MOST_FOUND: Final = 20_000  # customers of a condition that is looked up
_MEASURED_EVERY: Final = 1_000  # turns
_NEVER: Final = 2**62  # a turn that never comes


class Outrun(Exception):
    """The index is of a later turn than the snapshot: ask again in a new one."""


class OutOfDate(NotIndexed):
    """The index is too far behind to be brought up to date while somebody waits."""


class Lost(NotIndexed):
    """What changed since the index was loaded is not known any more: it has to be loaded anew."""


class HeldIndex:
    """The index of one tenant in one generation. It is what the rows are at a turn; ``lock`` it to ask or change it."""

    def __init__(self, tenant: str, index: CustomerIndex, table: int, turn: int) -> None:
        self.tenant = tenant
        self.index = index
        self.lock = asyncio.Lock()
        self._bytes = index.memory
        self._table = table
        self._turn = turn
        self._behind = False
        self._present_at = self._now()

    @property
    def is_behind(self) -> bool:
        """Whether so much has to be taken in that nobody should wait for it."""
        return self._behind

    @property
    def is_worn(self) -> bool:
        """Whether so much has changed that it is better loaded anew."""
        return self.index.is_worn

    @property
    def size(self) -> int:
        """How many customers it has."""
        return len(self.index)

    @property
    def seconds_behind(self) -> float:
        """How long ago it was brought to the present."""
        return self._now() - self._present_at

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        return self._bytes

    async def bring_up(self, connection: Connection, *, waiting: bool) -> CustomerIndex:
        """The index, brought to the turn that the connection's snapshot sees. Call it with the lock.

        Raises Outrun and Lost, and with somebody ``waiting`` OutOfDate where it takes long.
        """
        changes = await self._changes(connection, self._turn, _FEW_TURNS)
        self._behind = changes.upto < changes.turn or len(changes.changed) * _CHANGED + len(changes.seen) > _FEW
        if self._behind and waiting:
            raise OutOfDate
        while True:
            await self._take_in(connection, changes)
            if changes.upto == changes.turn:
                break
            changes = await self._changes(connection, changes.upto, _TURNS)
        if changes.turn // _MEASURED_EVERY > self._turn // _MEASURED_EVERY:
            self._bytes = self.index.memory
        self._turn, self._behind, self._present_at = changes.turn, False, self._now()
        return self.index

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _changes(self, connection: Connection, turn: int, most: int) -> ComposedSince:
        changes = await changes_since(connection, self.tenant, turn, most)
        if changes is None or changes.table != self._table or not changes.complete:
            raise Lost
        if changes.turn < self._turn:
            raise Outrun
        if not changes.known:
            raise Lost
        return changes

    async def _take_in(self, connection: Connection, changes: ComposedSince) -> None:
        """Read what customers are now. What is read again later may be read twice: the index is asked only then."""
        for some in _slices(changes.changed):
            self.index.replace([one.bytes for one in some], await customers_of(connection, self.tenant, some))
        for some in _slices(changes.seen):
            self.index.see(await times_of(connection, self.tenant, some))
        if unnamed := self.index.unnamed:
            self.index.names |= await names_of(connection, self.tenant, unnamed)


def _slices(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    ordered = sorted(ids)
    return (ordered[begin : begin + _SLICE] for begin in range(0, len(ordered), _SLICE))


async def load_index(connection: Connection, tenant: str) -> HeldIndex | None:
    """The index of a tenant as of the connection's snapshot; None while its rows are not all there.

    A page is taken in at a time, in a thread, so that others are served meanwhile.
    """
    await plan_for_values(connection)
    changes = await changes_since(connection, tenant, _NEVER, 1)
    if changes is None or not changes.complete:
        return None
    index, after = CustomerIndex(), FIRST
    index.names = await names_of(connection, tenant)
    while (loaded := await customers_after(connection, tenant, after, _PAGE)).customers:
        await asyncio.to_thread(index.add, loaded)
        after = UUID(bytes=bytes(loaded.customers[-1][0]))
    return HeldIndex(tenant, index, changes.table, changes.turn)


async def look_up(connection: Connection, search: Search) -> LookedUp:
    """What the index does not have of what a filter asks for. Raises NotIndexed where that is too much."""
    found: dict[int, list[bytes]] = {}
    for node in to_look_up(search.filter):
        ids = await ids_of(connection, search._replace(filter=node), _MOST_FOUND)
        if ids is None:
            raise NotIndexed
        found[id(node)] = ids
    return LookedUp(found, await _beyond_at_end(connection, search))


async def _beyond_at_end(connection: Connection, search: Search) -> Collection[bytes]:
    """The customers beyond the quota, of those with contacts that count since the very time at which it ends."""
    end = search.asked.quota_end
    if end is None or search.asked.customer_end is not None or not asks_quota(search.filter):
        return ()
    counted = await counted_at(connection, search.tenant, end.subscribed_at, _MOST_FOUND)
    if counted is None:
        raise NotIndexed
    beyond = {one.customer_id for one in counted if one.place > end.place[1:]}
    if beyond & {one.customer_id for one in counted if one.place <= end.place[1:]}:
        raise NotIndexed  # one contact of a customer is, another is not, and here they are not told apart
    return beyond
