"""Compares the generation that is built with the active one, at the same offsets of the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from projections.comparable import COMPARED, EVENTUAL, change_of
from projections.customers.checking import pending_customers
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.comparison import ComparedTable, Digest, digests, hashes_by_key, rows_by_key
from projections.engine.holds import set_hold
from projections.engine.metadata import Key
from projections.engine.rebuilds import fold_versions
from services.rebuild.adapters.postgres import OpenSnapshot, snapshot
from services.rebuild.core.comparing import (
    MOST_ROWS,
    ComparedPlace,
    DifferingKeys,
    DifferingRow,
    GenerationComparison,
    TenantRows,
    differing_keys,
    differing_places,
    places_of,
)
from services.rebuild.pair import GenerationPair
from services.runtime.errors import ForeseenError

_ROUNDS: Final = 4  # for rows of identity, of which the active generation may have read some more or less evidence
_MOST_ROUNDS: Final = 60  # while the active generation reads the evidence that it had left
_BETWEEN_ROUNDS: Final = 1.0  # seconds
_LOOK_EVERY: Final = 0.2
_MOVES_WITHIN: Final = 60.0  # seconds that the active generation may stand still behind the other one

Differing = Mapping[TenantRows, DifferingKeys]


class CannotCompare(ForeseenError):
    """The two generations don't come to the same offsets. The message says why, and what to do."""


async def compare(pair: GenerationPair, check: Callable[[], None], *, together: bool = True) -> GenerationComparison:
    """The result. ``check`` is called while it waits for workers; whatever it raises ends the comparison.

    Without ``together`` the two generations are read one after the other.
    """
    versions = await fold_versions(pair.control, pair.active.name)
    comparing = _Comparing(pair, versions, check, together=together)
    await comparing.first_round()
    rounds = 1
    while comparing.undecided and (rounds < _ROUNDS or (comparing.catches_up and rounds < _MOST_ROUNDS)):
        await asyncio.sleep(_BETWEEN_ROUNDS)
        await comparing.look_again()
        rounds += 1
    return comparing.result()


class _Comparing:
    """One comparison: what differed so far, and the rows of the last round."""

    def __init__(
        self, pair: GenerationPair, versions: Mapping[str, int] | None, check: Callable[[], None], *, together: bool
    ) -> None:
        self._pair = pair
        self._versions = versions
        self._check = check
        self._together = together
        models = pair.building.read_models
        self._tables = [one for one in COMPARED if models is None or one.name in models]
        self._places: dict[str, list[ComparedPlace]] = {}
        self._differing: dict[TenantRows, DifferingKeys] = {}
        self._rows: list[DifferingRow] = []
        self._changed: dict[str, str] = {}
        self._pending = 0
        self._read = 0
        self.catches_up = False  # whether the active generation reads on, and has evidence left

    @property
    def undecided(self) -> bool:
        """Whether rows differ that may do so for the moment only."""
        return any(place.read_model in EVENTUAL for place in self._differing)

    async def first_round(self) -> None:
        """Compare every table."""
        async with self._snapshots() as both:
            for table in self._tables:
                if reason := change_of(table, both.here.columns, self._versions):
                    self._changed[table.name] = reason
                if (known := both.common(table)) is not None:
                    await self._compare(both, known)
            await self._note_rows(both)

    async def look_again(self) -> None:
        """Compare again what differed, and drop what does not differ any more."""
        async with self._snapshots() as both:
            before, self._differing = self._differing, {}
            for table in self._tables:
                known = both.common(table)
                if known is not None and any(place.read_model == table.name for place in before):
                    await self._compare(both, known, before)
            await self._note_rows(both)

    async def _compare(self, both: "_Both", table: ComparedTable, before: Differing | None = None) -> None:
        here, there = await both.digests(table)
        differs: dict[TenantRows, DifferingKeys] = {}
        for place in differing_places(table.name, here, there):
            pending = await both.pending_customers(place.tenant) if table.table is CUSTOMER_ROWS else None
            found = await both.differing_keys(table, place.tenant, pending)
            if before is not None:
                found = before[place].still(found) if place in before else DifferingKeys((), complete=True)
            if found:
                differs[place] = found
        self._differing |= differs
        self._places[table.name] = places_of(table.name, here, there, differs.keys())

    async def _note_rows(self, both: "_Both") -> None:
        """Read the first rows that differ, in both versions."""
        self._rows, self._pending = [], await self._pair.evidence_left(self._pair.active)
        before, self._read = self._read, await self._pair.evidence_read(self._pair.active)
        self.catches_up = self._pending > 0 and self._read > before
        for table in self._tables:
            for place, found in self._differing.items():
                left = MOST_ROWS - len(self._rows)
                known = both.common(table)
                if place.read_model == table.name and left and known is not None:
                    self._rows += await both.rows(known, place, found.keys[:left])

    def result(self) -> GenerationComparison:
        """What was found."""
        places = [one for table in self._tables for one in self._places.get(table.name, ())]
        return GenerationComparison(places, self._rows, self._changed, self._pending)

    @asynccontextmanager
    async def _snapshots(self) -> AsyncIterator["_Both"]:
        """The two generations at the same offsets of the log."""
        pair = self._pair
        await self._until_not_ahead()
        async with snapshot(pair.url, pair.active.name) as here:
            vector = here.offsets.get(pair.log, {})
            await set_hold(pair.control, pair.building.name, {pair.log: vector})
            await self._until(lambda: pair.stands_at(vector))
            async with snapshot(pair.url, pair.building.name) as there:
                yield _Both(here, there, self._together)

    async def _until_not_ahead(self) -> None:
        """Wait until the active generation is as far as the other one. Raises CannotCompare if nobody feeds it."""
        if left := await self._left_of(self._pair.records_ahead):
            active, building = self._pair.active.name, self._pair.building.name
            raise CannotCompare(
                f"{building} is {left:,} records ahead of {active}, the active generation, and no worker goes on with "
                f"{active}. Start one (onefold worker) and run the same command again."
            )

    async def _left_of(self, left_now: Callable[[], Awaitable[int]]) -> int:
        """Wait until nothing is left, and return 0; or return what is left when that has not changed for long."""
        moved_at, before = time.monotonic(), -1
        while left := await left_now():
            if left != before:
                moved_at, before = time.monotonic(), left
            if time.monotonic() - moved_at > _MOVES_WITHIN:
                break
            self._check()
            await asyncio.sleep(_LOOK_EVERY)
        return left

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        while not await holds():
            self._check()
            await asyncio.sleep(_LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class _Both:
    """A snapshot of each generation."""

    here: OpenSnapshot
    there: OpenSnapshot
    together: bool  # whether both are read at the same time

    def common(self, table: ComparedTable) -> ComparedTable | None:
        """The table with the columns that both have; None if the one here can't be read as the one there is."""
        if not table.readable(self.here.columns):
            return None
        return table.only(self.here.columns[table.name])

    async def digests(self, table: ComparedTable) -> tuple[dict[str, Digest], dict[str, Digest]]:
        """The digests here and there."""
        if not self.together:
            return await digests(self.here.connection, table), await digests(self.there.connection, table)
        async with asyncio.TaskGroup() as group:
            here = group.create_task(digests(self.here.connection, table))
            there = group.create_task(digests(self.there.connection, table))
        return here.result(), there.result()

    async def differing_keys(self, table: ComparedTable, tenant: str, without: Container[UUID] | None) -> DifferingKeys:
        """The keys of a tenant's rows that differ, but for those of the customers ``without``."""
        here, there = (hashes_by_key(one.connection, table, tenant) for one in (self.here, self.there))
        return await differing_keys(here, there, without=without)

    async def pending_customers(self, tenant: str) -> Container[UUID]:
        """The customers whose rows here may be of an earlier moment: the composer is always a little late."""
        return await pending_customers(self.here.connection, tenant)

    async def rows(self, table: ComparedTable, place: TenantRows, keys: Sequence[Key]) -> list[DifferingRow]:
        """Both versions of the rows of these keys."""
        here = await rows_by_key(self.here.connection, table, keys)
        there = await rows_by_key(self.there.connection, table, keys)
        return [DifferingRow(place, key, here.get(key), there.get(key)) for key in keys]
